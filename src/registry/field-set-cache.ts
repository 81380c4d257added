import { Lru } from "#base/lru.ts";
import type { SetCache } from "#machinery/apply/compact-set.ts";
import type { FieldSet } from "#machinery/apply/field-set.ts";

/** At most so many sets, each of so many characters of text: 4 MiB of it. */
const cachedSets = 1_024;
const maxCachedText = 4_096;

/** Sets kept by their stored text, so that objects written alike share one. */
export class FieldSetCache implements SetCache {
  readonly #sets = new Lru<string, FieldSet>(cachedSets);

  get(text: string): FieldSet | undefined {
    return this.#sets.get(text);
  }

  set(text: string, set: FieldSet): void {
    if (text.length <= maxCachedText) this.#sets.set(text, set);
  }
}
