import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Transfer } from '@tributary/contracts/transfer';
import type { OutRecord } from '@tributary/stream/stage';
import { signInternal } from './inlet-writer.js';

/** The control record by which a merged profile's state travels to its survivor, through the front door. */
export function transferRecord(transfer: Transfer, messageId: string, secret: string): OutRecord {
  const value = Buffer.from(JSON.stringify(transfer));
  return {
    topic: inboundEvents.name,
    key: Buffer.from(transfer.survivor),
    value,
    headers: {
      control: 'transfer',
      workspace: transfer.workspace,
      'message-id': messageId,
      'internal-signature': signInternal(secret, transfer.workspace, undefined, value),
    },
  };
}
