/** The map that a macro fills (`transformMap` and the like). */
import { display } from "./display.ts";
import { CelError, CelMap, type CelResult, type CelValue, ValueMap } from "./values.ts";

/** Filled in place: nothing but the macro sees it before it is done. */
export class AccumulatedMap extends CelMap {
  readonly #map = new ValueMap();

  override get size(): number {
    return this.#map.size;
  }

  override find(key: CelValue): CelResult | undefined {
    return this.#map.find(key);
  }

  override keys(): Iterable<CelValue> {
    return this.#map.keys();
  }

  insert(key: CelValue, value: CelResult): this | CelError {
    if (this.#map.find(key) !== undefined)
      return new CelError(`insert failed: key ${display(key)} already exists`);
    return this.#map.set(key, value) ?? this;
  }

  done(): ValueMap {
    return this.#map;
  }
}
