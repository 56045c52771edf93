import { Transform, type TransformCallback } from 'node:stream';

/** Passes bytes on, and fails with a RangeError once there are more than the limit. */
export class LimitBytes extends Transform {
  #bytes = 0;

  constructor(private readonly bytesMax: number) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.bytesMax) done(new RangeError(`more than ${this.bytesMax} bytes`));
    else done(null, chunk);
  }
}
