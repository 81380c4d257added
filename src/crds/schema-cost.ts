import { readOwnJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";

/** States of all distinct patterns; each takes some microseconds to compile. Definitions in use have some hundred or thousand. */
const maxStates = 10_000;
/** Characters of all rules; of all defaults; values of all enumerations. */
const maxRuleCharacters = 64 * 1_024;
const maxDefaultCharacters = 16 * 1_024;
const maxValues = 10_000;
/** Braces; each schema of a field takes some six microseconds to compile. */
const maxObjects = 10_000;
const openBrace = 0x7b;

/**
 * Whether a schema, given by its stored bytes, takes long to be compiled, or an object to be validated by it: by its fields, and by a
 * rough count of what its patterns, rules, defaults and enumerations are made of.
 */
export function isCostly(schema: Buffer | undefined): boolean {
  if (schema === undefined || isSmall(schema)) return false;
  let objects = 0;
  for (let i = 0; i < schema.length; i++) if (schema[i] === openBrace) objects++;
  // And then it is not parsed: that takes as long as others should wait.
  return objects > maxObjects || isCostlySchema(readOwnJson(schema));
}

/** There may be thousands of versions. Only a pattern can be costly in so few characters. */
const isSmall = (schema: Buffer): boolean =>
  schema.length < maxDefaultCharacters && !schema.includes('"pattern"');

function isCostlySchema(schema: JsonValue): boolean {
  const patterns = new Set<string>();
  let states = 0;
  let characters = 0;
  let defaults = 0;
  let values = 0;
  const visit = (value: JsonValue): boolean => {
    if (Array.isArray(value)) return value.some(visit);
    if (!isJsonObject(value)) return false;
    for (const key in value) {
      const member = value[key]!;
      if (key === "pattern" && typeof member === "string" && !patterns.has(member)) {
        patterns.add(member);
        states += statesOf(member);
      } else if (key === "rule" && typeof member === "string") characters += member.length;
      else if (key === "enum" && Array.isArray(member)) values += member.length;
      else if (key === "default" && typeof member === "object") defaults += writeJson(member).length;
      if (defaults > maxDefaultCharacters) return true;
      if (states > maxStates || characters > maxRuleCharacters || values > maxValues) return true;
      if (typeof member === "object" && member !== null && visit(member)) return true;
    }
    return false;
  };
  return visit(schema);
}

/** A bounded repetition repeats what stands before it: a character, or a group, which may be all of the pattern so far. */
function statesOf(pattern: string): number {
  let states = pattern.length;
  for (const match of pattern.matchAll(/(.)\{(\d+)(?:,(\d*))?\}/gs)) {
    const times = Math.max(Number(match[2]), Number(match[3] ?? 0));
    states += match[1] === ")" ? times * match.index : times;
  }
  return states;
}
