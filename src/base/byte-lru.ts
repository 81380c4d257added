/** A map of byte strings bounded by their sum: those used longest ago are dropped when a new one needs room. */
export class ByteLru<K> {
  readonly #entries = new Map<K, Uint8Array>();
  readonly #capacity: number;
  readonly #largest: number;
  #bytes = 0;

  /** Entries longer than `largestBytes` are not kept. */
  constructor(capacityBytes: number, largestBytes: number) {
    if (!(largestBytes <= capacityBytes)) throw new RangeError("ByteLru: one entry must fit");
    this.#capacity = capacityBytes;
    this.#largest = largestBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: K): Uint8Array | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: Uint8Array): void {
    this.#drop(key);
    if (value.length > this.#largest) return;
    this.#entries.set(key, value);
    this.#bytes += value.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#capacity) break;
      this.#drop(oldest);
    }
  }

  #drop(key: K): void {
    this.#bytes -= this.#entries.get(key)?.length ?? 0;
    this.#entries.delete(key);
  }
}
