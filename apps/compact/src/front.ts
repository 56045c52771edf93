import { cleansingService } from '@tributary/cleansing/cleansing.module';
import { consentService } from '@tributary/consent/consent.module';
import { ingestionService } from '@tributary/ingestion/ingestion.module';
import { bootServices } from '@tributary/service/boot';

await bootServices([ingestionService, consentService, cleansingService]);
