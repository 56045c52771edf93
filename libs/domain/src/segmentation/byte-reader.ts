/** Reads what `ByteWriter` wrote. Throws a RangeError where the bytes end too soon. */
export class ByteReader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError('a stored state ends too soon');
    const value = this.bytes[this.at]!;
    this.at += 1;
    return value;
  }

  whole(): number {
    let byte = this.byte();
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = this.byte();
      value += (byte & 127) * scale;
    }
    return value;
  }

  signed(): number {
    const first = this.byte();
    const magnitude = (first & 63) + (first >= 128 ? this.whole() * 64 : 0);
    return (first & 64) === 0 ? magnitude : -magnitude;
  }

  identity(): number {
    const value = this.bytes.readUIntLE(this.at, 3) + this.bytes.readUInt32LE(this.at + 3) * 0x1000000;
    this.at += 7;
    return value;
  }

  text(): string {
    return this.slice(this.whole(), 'utf8');
  }

  messageId(): string {
    const size = this.whole();
    if (size > 0) return this.slice(size - 1, 'utf8');
    const hex = this.slice(16, 'hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  private slice(size: number, encoding: 'utf8' | 'hex'): string {
    if (this.at + size > this.bytes.length) throw new RangeError('a stored state ends too soon');
    const text = this.bytes.toString(encoding, this.at, this.at + size);
    this.at += size;
    return text;
  }
}
