/**
 * Protobuf's wire format, written from the end to the beginning as Go's generated code does: the length of a message is known
 * when its content stands, so nothing is measured beforehand.
 */

/** Most bytes one writer holds: a whole list in one buffer. */
const maxBytes = 1_024 * 1_024 * 1_024;
/** Memory that a writer keeps between two messages. */
const maxKeptBytes = 1_024 * 1_024;

export class WireWriter {
  #buffer: Buffer;
  /** Everything from here to the end of the buffer is written. */
  #start: number;

  constructor(initialBytes = 4_096) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.#start = initialBytes;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** A copy of what is written; the writer is empty again and keeps its memory. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.length);
    this.#buffer.copy(bytes, 0, this.#start);
    if (this.#buffer.length > maxKeptBytes) this.#buffer = Buffer.allocUnsafeSlow(maxKeptBytes);
    this.clear();
    return bytes;
  }

  /** Forgets what is written. */
  clear(): void {
    this.#start = this.#buffer.length;
  }

  #reserve(bytes: number): number {
    if (this.#start < bytes) this.#grow(bytes);
    this.#start -= bytes;
    return this.#start;
  }

  #grow(bytes: number): void {
    const used = this.length;
    const size = Math.max(this.#buffer.length * 2, used + bytes);
    if (size > maxBytes) throw new Error(`protobuf: more than ${maxBytes} bytes`);
    const larger = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(larger, size - used, this.#start);
    this.#buffer = larger;
    this.#start = size - used;
  }

  byte(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  /** A non-negative safe integer. */
  varint(value: number): void {
    if (value < 0x80) {
      this.byte(value);
      return;
    }
    let bytes = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
    let at = this.#reserve(bytes);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[at] = rest;
  }

  /** Any int64 or uint64: negative numbers take ten bytes. */
  varint64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    let bytes = 1;
    for (let left = rest; left >= 0x80n; left >>= 7n) bytes++;
    let at = this.#reserve(bytes);
    while (rest >= 0x80n) {
      this.#buffer[at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[at] = Number(rest);
  }

  fixed64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  fixed32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeFloatLE(value, at);
  }

  /** Raw bytes without a length. */
  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** UTF-8 bytes with their length in front. */
  string(text: string): void {
    const length = text.length;
    if (length < 48 && this.#shortAscii(text, length)) {
      this.varint(length);
      return;
    }
    const bytes = Buffer.byteLength(text, "utf8");
    const at = this.#reserve(bytes);
    this.#buffer.write(text, at, bytes, "utf8");
    this.varint(bytes);
  }

  #shortAscii(text: string, length: number): boolean {
    if (this.#start < length) this.#grow(length);
    const buffer = this.#buffer;
    let at = this.#start;
    for (let i = length - 1; i >= 0; i--) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      buffer[--at] = unit;
    }
    this.#start = at;
    return true;
  }
}
