import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateProfiles1700000000001 } from './migrations/1-create-profiles.js';
import { CreateEvents1700000000002 } from './migrations/2-create-events.js';
import { CreateEngagementAt1700000000003 } from './migrations/3-create-engagement-at.js';

export const scoringSchema: ServiceSchema = {
  schema: 'scoring',
  role: 'tributary_scoring',
  migrations: [CreateProfiles1700000000001, CreateEvents1700000000002, CreateEngagementAt1700000000003],
};
