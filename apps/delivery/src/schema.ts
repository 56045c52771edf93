import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateDelivery1700000000001 } from './migrations/1-create-delivery.js';
import { TraceOutbox1700000000002 } from './migrations/2-trace-outbox.js';

export const deliverySchema: ServiceSchema = {
  schema: 'delivery',
  role: 'tributary_delivery',
  migrations: [CreateDelivery1700000000001, TraceOutbox1700000000002],
};
