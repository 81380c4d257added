import { createHash } from "node:crypto";
import type { Pacer } from "#base/pacer.ts";

/** Characters that are encoded together. */
const pieceLength = 64 * 1024;

/** A long text as bytes, made in slices: it is encoded and hashed as it grows, so that little is left for the end. */
export class SlicedText {
  readonly #pacer: Pacer;
  readonly #pieces: Buffer[] = [];
  readonly #hash = createHash("sha512");
  #waiting: string[] = [];
  #length = 0;

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
  }

  /** A promise to wait for when others are to have their turn. */
  add(text: string): Promise<void> | undefined {
    this.#waiting.push(text);
    this.#length += text.length;
    if (this.#length >= pieceLength) this.#encode();
    return this.#pacer.turn();
  }

  bytes(): Buffer {
    this.#encode();
    return Buffer.concat(this.#pieces);
  }

  /** Upper-case hex, of everything: nothing can be added behind. */
  sha512(): string {
    this.#encode();
    return this.#hash.digest("hex").toUpperCase();
  }

  #encode(): void {
    const piece = Buffer.from(this.#waiting.join(""), "utf8");
    this.#hash.update(piece);
    this.#pieces.push(piece);
    this.#waiting = [];
    this.#length = 0;
  }
}
