import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateQuality1 } from './migrations/1-create-quality.js';

export const cleansingSchema: ServiceSchema = { schema: 'cleansing', role: 'tributary_cleansing', migrations: [CreateQuality1] };
