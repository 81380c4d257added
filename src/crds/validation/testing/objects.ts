/** Objects of custom kinds, for comparisons with upstream. */
import type fc from "fast-check";
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { type Chance, seeded } from "#machinery/testing/chance.ts";
import { metadataOf, nearly } from "./values.ts";

/** An object of the schema, with a few faults. Its metadata is right. */
export const anyObject = (schema: JsonObject): fc.Arbitrary<JsonObject> =>
  seeded((chance) => {
    const metadata = { name: "x", resourceVersion: "1" };
    const object: JsonObject = { apiVersion: "example.com/v1", kind: "Foo", metadata };
    for (const name of ["spec", "status"]) {
      const part = (schema.properties as JsonObject)[name];
      if (isJsonObject(part) && chance.is(0.95)) object[name] = nearly(chance, part, 0.12);
    }
    if (chance.is(0.1)) object.other = { a: 1 };
    return object;
  });

/** Odd metadata, in one of five. */
export const withMetadata = (object: JsonObject): fc.Arbitrary<JsonObject> =>
  seeded((chance) => (chance.is(0.2) ? { ...object, metadata: metadataOf(chance) } : object));

/** An object that shares parts with both. */
export const withinObject = (old: JsonObject, other: JsonObject): fc.Arbitrary<JsonObject> =>
  seeded((chance) => {
    const next = mixed(chance, old, other);
    return { ...(isJsonObject(next) ? next : old), metadata: old.metadata! };
  });

function mixed(chance: Chance, a: JsonValue, b: JsonValue): JsonValue {
  if (chance.is(0.1)) return cloneJson(b);
  if (Array.isArray(a)) {
    const list = a.map((item, i) => mixed(chance, item, (Array.isArray(b) ? b[i] : undefined) ?? item));
    if (Array.isArray(b) && chance.is(0.3)) list.unshift(...cloneJson(b).slice(0, 1));
    return chance.is(0.2) ? list.reverse() : list;
  }
  if (!isJsonObject(a)) return a;
  const object: JsonObject = {};
  for (const key of Object.keys(a)) {
    if (chance.is(0.05) && key !== "apiVersion" && key !== "kind" && key !== "metadata") continue;
    const other = isJsonObject(b) && Object.hasOwn(b, key) ? b[key]! : a[key]!;
    setOwn(object, key, mixed(chance, a[key]!, other));
  }
  return object;
}
