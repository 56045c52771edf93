import { createRequire } from 'node:module';
import fc from 'fast-check';

const byteByByte = createRequire(__filename)('kafkajs/src/protocol/recordBatch/crc32C/crc32C.js') as (bytes: Buffer) => number;

test('the checksum is the one that kafkajs would compute', async () => {
  const { checksum } = await import('./kafkajs-crc.js');
  expect(checksum(Buffer.from('123456789'))).toBe(0xe3069283);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => checksum(Buffer.from(bytes)) === byteByByte(Buffer.from(bytes))));
});
