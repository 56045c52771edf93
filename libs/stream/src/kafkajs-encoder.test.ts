import { createRequire } from 'node:module';
import './kafkajs-encoder.js';

interface AnEncoder {
  readonly buffer: Buffer;
  writeInt32(value: number): AnEncoder;
  writeVarIntString(value: string): AnEncoder;
  writeBufferInternal(bytes: Buffer): void;
}

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as (new (size?: number) => AnEncoder) & { sizeOfVarInt(value: number): number };

test('encoders share memory, and write what they always wrote, also when they grow', () => {
  const [one, other] = [new Encoder(), new Encoder()];
  one.writeInt32(1).writeVarIntString('ä');
  other.writeInt32(2);
  one.writeBufferInternal(Buffer.alloc(2_000, 7));
  expect(one.buffer).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 1, 4, 0xc3, 0xa4]), Buffer.alloc(2_000, 7)]));
  expect(other.buffer).toEqual(Buffer.from([0, 0, 0, 2]));
  expect(other.buffer.buffer).toBe(new Encoder().writeInt32(3).buffer.buffer);
  expect(Encoder.sizeOfVarInt(300)).toBe(2);
});
