/** Expressions about the values of a kind, most of them of the right type. */

import { escapeName } from "#machinery/cel/escape.ts";
import { getOwn, isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import { deref, type Schema, type TypeResolver } from "#machinery/schema/types.ts";
import type { Chance } from "#machinery/testing/chance.ts";

/** What an expression can go into, or compare. */
type Place =
  | { readonly kind: "object"; readonly names: readonly string[]; part(name: string): Place }
  | { readonly kind: "map" | "list"; part(): Place }
  | { readonly kind: "string" | "integer" | "number" | "boolean" | "time" | "other" };

/** Of a built-in kind. */
export function placeOfCatalogue(schema: Schema, types: TypeResolver): Place {
  const node = deref(schema, types);
  switch (node.kind) {
    case "object": {
      const fields = [...node.fields.values()].filter(({ inline }) => inline !== true);
      return {
        kind: "object",
        names: fields.map(({ name }) => name),
        part: (name) => placeOfCatalogue(node.fields.get(name)!.schema, types),
      };
    }
    case "map":
      return { kind: "map", part: () => placeOfCatalogue(node.values, types) };
    case "list":
      return { kind: "list", part: () => placeOfCatalogue(node.items, types) };
    case "any":
      return { kind: "other" };
    case "string":
      return { kind: node.format === undefined ? "string" : node.format.endsWith("time") ? "time" : "other" };
    default:
      return { kind: node.kind };
  }
}

const metadata: JsonObject = {
  type: "object",
  properties: {
    name: { type: "string" },
    labels: { type: "object", additionalProperties: { type: "string" } },
  },
};

/** Of a custom kind. */
export function placeOfDefinition(schema: JsonObject, isRoot = true): Place {
  const { type, items, additionalProperties: values } = schema;
  if (type === "object" && isJsonObject(values))
    return { kind: "map", part: () => placeOfDefinition(values, false) };
  if (type === "object") {
    const properties = {
      ...(isJsonObject(schema.properties) ? schema.properties : {}),
      ...(isRoot || schema["x-kubernetes-embedded-resource"] === true ? { metadata } : {}),
    };
    const part = (name: string): Place => placeOfDefinition(getOwn(properties, name) as JsonObject, false);
    return { kind: "object", names: Object.keys(properties), part };
  }
  if (type === "array" && isJsonObject(items))
    return { kind: "list", part: () => placeOfDefinition(items, false) };
  if (type === "string") return { kind: schema.format === "date-time" ? "time" : "string" };
  if (type === "integer" || type === "number" || type === "boolean") return { kind: type };
  return { kind: "other" };
}

const roots = ["object", "object", "object", "oldObject"];
const others = [
  "params.data.size() > 0",
  "params == null",
  "params.spec",
  "request.operation == 'CREATE'",
  "request.zz",
  "request.userInfo.groups.exists(g, g == 1)",
  "namespaceObject.metadata.labels['a'] == 'b'",
  "namespaceObject.metadata.zz",
  "authorizer.group('').resource('pods').check('get').allowed()",
  "authorizer.zz()",
  "variables.a",
  "variables.b == variables.a",
  "variables.a.size() > 0",
  "variables.a.zz",
  "variables.a + 1",
  "variables.zz",
  "object.metadata.name.startsWith('a')",
  "object == oldObject",
  "object.kind + 1",
  "object in [oldObject]",
  "[object.metadata, 1]",
  "{'a': object.metadata}",
  "type(object) == type(oldObject)",
  "object.metadata.creationTimestamp < timestamp('2026-01-01T00:00:00Z')",
  "object.metadata.managedFields.all(f, f.fieldsV1 != 'x')",
  "quantity('1') + object.metadata.name",
  "zz",
  "1 +",
  "true",
  "'text'",
];

/** One expression: about the values below a place, or something else that policies say. */
export function typedExpression(chance: Chance, root: Place): string {
  const left = chance.is(0.15) ? chance.pick(others) : about(chance, root, chance.pick(roots), 0);
  if (chance.is(0.8)) return left;
  const right = chance.is(0.4) ? chance.pick(others) : about(chance, root, chance.pick(roots), 0);
  return `${left} ${chance.pick(["&&", "||", "=="])} ${right}`;
}

function about(chance: Chance, place: Place, path: string, depth: number): string {
  if (chance.is(0.05)) return `has(${path}.${chance.pick(["zz", "spec", "metadata"])})`;
  if (chance.is(0.04)) return `${path}.zz`;
  const goesOn = depth < 7 && chance.is(0.93);
  switch (place.kind) {
    case "object": {
      if (!goesOn || place.names.length === 0) return compared(chance, path, ["size", "==", "+"]);
      const name = chance.pick(place.names);
      const at = `${path}.${chance.is(0.1) ? "?" : ""}${escapeName(name) ?? "zz"}`;
      return about(chance, place.part(name), at, depth + 1);
    }
    case "map":
      if (!goesOn) return compared(chance, path, ["size", "in", "=="]);
      if (chance.is(0.3)) return `${path}.all(k, ${about(chance, place.part(), `${path}[k]`, depth + 1)})`;
      return about(chance, place.part(), chance.is(0.8) ? `${path}['a']` : `${path}.a`, depth + 1);
    case "list":
      if (!goesOn) return compared(chance, path, ["size", "in", "=="]);
      if (chance.is(0.5)) {
        const item = "ijkxyz"[depth % 6]!;
        const macro = chance.pick(["all", "exists", "exists_one", "filter", "map"]);
        return `${path}.${macro}(${item}, ${about(chance, place.part(), item, depth + 1)})`;
      }
      return about(chance, place.part(), `${path}[${chance.pick(["0", "0", "'a'"])}]`, depth + 1);
    case "string":
      return compared(chance, path, ["size", "text", "text", "text", "+", "=="]);
    case "boolean":
      return chance.is(0.5) ? path : compared(chance, path, ["==", "!"]);
    default:
      return compared(chance, path, ["==", ">", "+", "in", "size"]);
  }
}

function compared(chance: Chance, path: string, ways: readonly string[]): string {
  const literal = chance.pick(["1", "'a'", "true", "1.5", "null", "[]", "{}", "[1]", "duration('1s')"]);
  switch (chance.pick(ways)) {
    case "size":
      return `${path}.size() ${chance.pick([">", "=="])} ${chance.pick(["1", "1", "'a'"])}`;
    case "text":
      return chance.pick([
        `${path} == 'a'`,
        `${path}.startsWith('a')`,
        `${path}.matches('^a')`,
        `${path} in ['a', 'b']`,
        `${path}.lowerAscii()`,
      ]);
    case "in":
      return chance.is(0.5) ? `${literal} in ${path}` : `${path} in [${literal}]`;
    case "!":
      return `!${path}`;
    case "+":
      return `${path} + ${literal}`;
    case ">":
      return `${path} > ${chance.pick(["1", "1.5", "'a'"])}`;
    default:
      return `${path} == ${literal}`;
  }
}
