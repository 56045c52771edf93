import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateDelivery1700000000001 } from './migrations/1-create-delivery.js';

export const deliverySchema: ServiceSchema = {
  schema: 'delivery',
  role: 'tributary_delivery',
  migrations: [CreateDelivery1700000000001],
};
