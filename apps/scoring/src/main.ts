import { bootServices } from '@tributary/service/boot';
import { scoringService } from './scoring.module.js';

await bootServices([scoringService]);
