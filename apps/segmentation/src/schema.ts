import type { ServiceSchema } from '@tributary/postgres/migrate';
import { CreateSegmentation1 } from './migrations/1-create-segmentation.js';
import { CreateAnalytics2 } from './migrations/2-create-analytics.js';
import { CreateHeld3 } from './migrations/3-create-held.js';
import { CreateStateJournal4 } from './migrations/4-create-state-journal.js';

export const segmentationSchema: ServiceSchema = { schema: 'segmentation', role: 'tributary_segmentation', migrations: [CreateSegmentation1, CreateAnalytics2, CreateHeld3, CreateStateJournal4] };
