import 'reflect-metadata';
import { cleansingSchema } from '@tributary/cleansing/schema';
import { consentSchema } from '@tributary/consent/schema';
import { allTopics } from '@tributary/contracts/topics/flow';
import { deliverySchema } from '@tributary/delivery/schema';
import { ingestionSchema } from '@tributary/ingestion/schema';
import { migrate } from '@tributary/postgres/migrate';
import { scoringSchema } from '@tributary/scoring/schema';
import { segmentationSchema } from '@tributary/segmentation/schema';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { openLog } from '@tributary/stream/log';
import { streamSchema } from '@tributary/stream/schema';

/** Brings database and broker to what this release needs: roles, schemas, tables, topics. Safe to run again. */
const config = readConfig(ServiceConfig);
const schemas = [streamSchema, ingestionSchema, consentSchema, cleansingSchema, scoringSchema, segmentationSchema, deliverySchema];
await migrate(config.DATABASE_URL, schemas, (line) => console.log(line));

const log = await openLog({ brokers: config.KAFKA_BROKERS, clientId: 'migrate', client: config.KAFKA_CLIENT, prefix: config.TOPIC_PREFIX });
const partitions = { inlet: config.INLET_PARTITIONS, profiles: config.PARTITIONS, one: 1 };
await log.ensureTopics(allTopics().map((topic) => ({ name: topic.name, partitions: partitions[topic.partitions], replicationFactor: config.REPLICATION_FACTOR, config: topic.config })));
await log.close();
