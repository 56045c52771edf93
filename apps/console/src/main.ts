import 'reflect-metadata';
import { portOf, readConfig } from '@tributary/service/config';
import { log } from '@tributary/service/log';
import { ConsoleConfig } from './console.config.js';
import { createConsole } from './console.module.js';
import { KafkaLiveSource } from './live-source.kafka.js';

const config = readConfig(ConsoleConfig);
const app = await createConsole({ config, source: new KafkaLiveSource(config) });
app.enableShutdownHooks();
await app.listen(portOf('CONSOLE_PORT', 3000), config.HOST);
log.info({ url: await app.getUrl() }, 'the console listens');
