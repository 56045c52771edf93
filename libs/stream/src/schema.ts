import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateStream1 } from './migrations/1-create-stream.js';

export const streamSchema: ServiceSchema = { schema: 'stream', role: 'tributary_stream', migrations: [CreateStream1] };
