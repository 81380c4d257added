/** Go sorts map keys by their bytes. */
import { compareBytes, sortByBytes } from "#base/bytes.ts";
import type { JsonObject } from "#machinery/json/value.ts";

/** Own keys in byte order. (Objects themselves list integer-like keys first, whatever the order they were set in.) */
export function sortedKeys(value: JsonObject): string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i++) {
    if (compareBytes(keys[i - 1]!, keys[i]!) > 0) return sortByBytes(keys);
  }
  return keys;
}
