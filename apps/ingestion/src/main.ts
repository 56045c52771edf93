import { bootServices } from '@tributary/service/boot';
import { ingestionService } from './ingestion.module.js';

await bootServices([ingestionService]);
