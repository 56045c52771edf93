/** Writes the parts of a stored state: whole numbers in as few bytes as they need, texts, identities of 53 bits. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafe(512);
  private length = 0;

  finish(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  /** A whole number from 0 to 2^53 − 1. */
  whole(value: number): void {
    this.room(8);
    let left = value;
    while (left >= 128) {
      this.bytes[this.length] = (left % 128) | 128;
      this.length += 1;
      left = Math.floor(left / 128);
    }
    this.bytes[this.length] = left;
    this.length += 1;
  }

  /** A whole number of either sign; the sign is in the first byte. */
  signed(value: number): void {
    this.room(9);
    const magnitude = Math.abs(value);
    const sign = value < 0 ? 64 : 0;
    const left = Math.floor(magnitude / 64);
    this.byte((magnitude % 64) | sign | (left > 0 ? 128 : 0));
    if (left > 0) this.whole(left);
  }

  /** `hashText`, in seven bytes. */
  identity(value: number): void {
    this.room(7);
    this.bytes.writeUIntLE(value % 0x1000000, this.length, 3);
    this.bytes.writeUInt32LE(Math.floor(value / 0x1000000), this.length + 3);
    this.length += 7;
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.whole(size);
    this.room(size);
    this.length += this.bytes.write(value, this.length);
  }

  /** A UUID in 17 bytes, anything else as its text. */
  messageId(value: string): void {
    if (!UUID.test(value)) {
      this.whole(Buffer.byteLength(value) + 1);
      this.room(4 * value.length);
      this.length += this.bytes.write(value, this.length);
      return;
    }
    this.byte(0);
    this.room(16);
    this.length += this.bytes.write(value.replaceAll('-', ''), this.length, 'hex');
  }

  private room(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, this.length + size));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
