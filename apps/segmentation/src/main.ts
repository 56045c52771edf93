import { bootServices } from '@tributary/service/boot';
import { segmentationService } from './segmentation.module.js';

await bootServices([segmentationService]);
