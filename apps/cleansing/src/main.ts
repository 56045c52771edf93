import { bootServices } from '@tributary/service/boot';
import { cleansingService } from './cleansing.module.js';

await bootServices([cleansingService]);
