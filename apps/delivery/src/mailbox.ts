import { portOf } from '@tributary/service/config';
import { log } from '@tributary/service/log';
import { Mailbox } from './mailbox/mailbox.js';

/** The development mailbox as a process: what the product sends is caught, shown, and goes nowhere. */
process.env['SERVICE_NAME'] ??= 'mailbox';

const mailbox = new Mailbox({
  host: process.env['MAILBOX_HOST'] ?? '127.0.0.1',
  httpPort: portOf('MAILBOX_PORT', 8025),
  smtpPort: portOf('MAILBOX_SMTP_PORT', 1025),
});
const { httpPort, smtpPort } = await mailbox.start();
log.info({ httpPort, smtpPort }, 'the mailbox is open');

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void mailbox.stop().then(() => process.exit(0), () => process.exit(1)));
}
