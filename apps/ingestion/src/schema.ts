import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateIngestion1 } from './migrations/1-create-ingestion.js';

export const ingestionSchema: ServiceSchema = { schema: 'ingestion', role: 'tributary_ingestion', migrations: [CreateIngestion1] };
