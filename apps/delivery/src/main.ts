import { bootServices } from '@tributary/service/boot';
import { deliveryService } from './delivery.module.js';

await bootServices([deliveryService]);
