/** A growing byte buffer: one allocation per doubling, handed over without copying. */
export class Chunks {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 16 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Lets `write` fill in at most `most` bytes at an offset; it answers the offset behind what it wrote. */
  reserve(most: number, write: (target: Buffer, offset: number) => number): void {
    this.#ensure(most);
    this.#length = write(this.#buffer, this.#length);
  }

  text(text: string): void {
    this.#ensure(text.length * 3);
    this.#length += this.#buffer.write(text, this.#length, "utf8");
  }

  bytes(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes so far; the buffer starts again empty. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(this.#length);
    this.#length = 0;
    return taken;
  }

  #ensure(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
