/** Large schemas are made ready part by part, so that others have their turn in between. */
import { getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";

/** How the schemas of one document are made; none of these changes its argument's parts that are the caller's. */
export interface SchemaMaker {
  /** All of a schema. */
  whole(schema: JsonObject): JsonObject;
  /** The same before {@link finish}, of a schema with none of its parts but required ones that are nullable, which say no more. */
  shape(schema: JsonObject): JsonObject;
  /** What is left to do where the parts are in their places. Changes its argument. */
  finish(schema: JsonObject): void;
}

/** Objects of a schema that are made in one go: about a millisecond. */
const objectsAtOnce = 1_000;

/** Answers what `maker.whole` makes of the schema; yields where it may be interrupted. */
export function* slicedSchema(schema: JsonObject, maker: SchemaMaker): Generator<undefined, JsonObject> {
  if (objectsLeft(schema, objectsAtOnce) >= 0) {
    yield;
    return maker.whole(schema);
  }
  const { properties, items, additionalProperties } = schema;
  const out = maker.shape({
    ...schema,
    ...(isJsonObject(properties) && { properties: requiredStubs(properties, schema.required) }),
    ...(isJsonObject(items) && { items: stub(items) }),
    ...(isJsonObject(additionalProperties) && { additionalProperties: stub(additionalProperties) }),
  });
  if (isJsonObject(out.properties) && isJsonObject(properties)) {
    const made = {};
    for (const name of Object.keys(properties)) setOwn(made, name, yield* partOf(properties[name]!, maker));
    out.properties = made;
  }
  if (isJsonObject(out.items)) out.items = yield* partOf(items!, maker);
  if (isJsonObject(out.additionalProperties))
    out.additionalProperties = yield* partOf(additionalProperties!, maker);
  maker.finish(out);
  return out;
}

function* partOf(part: JsonValue, maker: SchemaMaker): Generator<undefined, JsonObject> {
  return isJsonObject(part) ? yield* slicedSchema(part, maker) : {};
}

function requiredStubs(properties: JsonObject, required: JsonValue | undefined): JsonObject {
  const out: JsonObject = {};
  for (const name of Array.isArray(required) ? required : []) {
    const part = getOwn(properties, String(name));
    if (isJsonObject(part) && part.nullable === true) setOwn(out, String(name), stub(part));
  }
  return out;
}

const stub = (part: JsonValue): JsonObject =>
  isJsonObject(part) && part.nullable === true ? { nullable: true } : {};

/** How many more objects and lists there may be; below zero: there are too many. */
function objectsLeft(value: JsonValue, most: number): number {
  if (!Array.isArray(value) && !isJsonObject(value)) return most;
  let left = most - 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i++) left = objectsLeft(value[i]!, left);
    return left;
  }
  for (const key in value) {
    if (left < 0) break;
    left = objectsLeft(value[key]!, left);
  }
  return left;
}
