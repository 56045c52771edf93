import { bootServices } from '@tributary/service/boot';
import { consentService } from './consent.module.js';

await bootServices([consentService]);
