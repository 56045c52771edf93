import { createRequire } from 'node:module';

/** What we know of kafkajs' encoder; it is not part of its public surface. */
interface Encoder {
  buf: Buffer;
  offset: number;
}
interface EncoderClass {
  new (initialSize?: number): Encoder;
  readonly prototype: Encoder & { ensureAvailable(length: number): void };
  nextPowerOfTwo(value: number): number;
}

const require = createRequire(import.meta.url);
const file = require.resolve('kafkajs/src/protocol/encoder.js');

/**
 * kafkajs gives every record, header and request an encoder with a block of memory of its own, filled with zeros. Thousands
 * of them a second make the garbage collector stop the process for half a second every few seconds. Here they are cut
 * from Node's pool; nothing is read that was not written before. Import this before kafkajs, whose modules keep what they
 * have found.
 */
const Original = require(file) as EncoderClass;

function PooledEncoder(this: Encoder, initialSize = 511): void {
  this.buf = Buffer.allocUnsafe(Original.nextPowerOfTwo(initialSize));
  this.offset = 0;
}
PooledEncoder.prototype = Original.prototype;
Object.setPrototypeOf(PooledEncoder, Original);

Original.prototype.ensureAvailable = function ensureAvailable(length) {
  if (this.offset + length <= this.buf.length) return;
  const grown = Buffer.allocUnsafe(Original.nextPowerOfTwo(this.offset + length));
  this.buf.copy(grown, 0, 0, this.offset);
  this.buf = grown;
};

(require.cache[file] as NodeJS.Module).exports = PooledEncoder;
