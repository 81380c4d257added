import { EtcdError, grpcCode } from "./grpc-error.ts";

/** A gRPC message on the wire: one byte "compressed", four bytes length, the message. */
const headerBytes = 5;

/** Wraps one message. */
export function frame(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(headerBytes + message.length);
  out[0] = 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, headerBytes);
  return out;
}

/** Cuts a byte stream into messages. Refuses compressed messages and such as are larger than `maxBytes`. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes of the message being read; -1 while its header is incomplete. */
  #length = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Messages completed by this chunk, in order. Throws {@link EtcdError} when the stream cannot be read on. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      if (this.#length < 0) {
        if (this.#buffered < headerBytes) return messages;
        const header = this.#take(headerBytes);
        if (header[0] !== 0) throw new EtcdError(grpcCode.internal, "etcd sent a compressed message", true);
        this.#length = header.readUInt32BE(1);
        if (this.#length > this.#maxBytes) {
          const text = `etcd sent a message of ${this.#length} bytes; the limit is ${this.#maxBytes}`;
          throw new EtcdError(grpcCode.resourceExhausted, text, true);
        }
      }
      if (this.#buffered < this.#length) return messages;
      messages.push(this.#take(this.#length));
      this.#length = -1;
    }
  }

  /** True between messages: a stream that ends elsewhere was cut. */
  get idle(): boolean {
    return this.#length < 0 && this.#buffered === 0;
  }

  #take(count: number): Buffer {
    const first = this.#chunks[0];
    this.#buffered -= count;
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    if (first !== undefined && first.length === count) {
      this.#chunks.shift();
      return first;
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
}
