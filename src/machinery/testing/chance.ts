import fc from "fast-check";

/** Choices that depend on a seed alone (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  }

  is(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer from 0, below the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** The same items in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    for (let i = rest.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [rest[i], rest[j]] = [rest[j]!, rest[i]!];
    }
    return rest;
  }

  /** At most so many of the list, in its order. */
  some<T>(list: readonly T[], max: number): T[] {
    const count = Math.min(list.length, this.below(max + 1));
    const chosen = new Set<number>();
    while (chosen.size < count) chosen.add(this.below(list.length));
    return list.filter((_, i) => chosen.has(i));
  }
}

/** Made by chance, from a seed that fast-check chooses. */
export const seeded = <T>(make: (chance: Chance) => T): fc.Arbitrary<T> =>
  fc.integer({ min: 0 }).map((seed) => make(new Chance(seed)));
