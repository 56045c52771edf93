import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateLedger1 } from './migrations/1-create-ledger.js';
import { LookUp2 } from './migrations/2-look-up.js';

export const consentSchema: ServiceSchema = { schema: 'consent', role: 'tributary_consent', migrations: [CreateLedger1, LookUp2] };
