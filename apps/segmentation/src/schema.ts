import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateSegmentation1 } from './migrations/1-create-segmentation.js';

export const segmentationSchema: ServiceSchema = { schema: 'segmentation', role: 'tributary_segmentation', migrations: [CreateSegmentation1] };
