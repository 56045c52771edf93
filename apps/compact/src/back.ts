import { deliveryService } from '@tributary/delivery/delivery.module';
import { scoringService } from '@tributary/scoring/scoring.module';
import { segmentationService } from '@tributary/segmentation/segmentation.module';
import { bootServices } from '@tributary/service/boot';

await bootServices([scoringService, segmentationService, deliveryService]);
