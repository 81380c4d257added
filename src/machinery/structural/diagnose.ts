/**
 * What is wrong with a value, in upstream's words and order (kube-openapi pkg/validation/validate, and pkg/apiserver/validation's
 * ratcheting around it). Slow, and asked only for values that are wrong.
 */

import { quote } from "#base/quote.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import type { Correlated } from "./correlation.ts";
import { inEnum } from "./enum.ts";
import { formatCheck } from "./formats/formats.ts";
import { hasDuplicates } from "./list-types.ts";
import type { Checks, SchemaNode } from "./node.ts";
import { flags } from "./node.ts";
import { goNumber, isNumber, numberErrors, numberKind, shownFloat } from "./numbers.ts";
import type { PatternCache } from "./pattern.ts";
import { Result } from "./result.ts";
import { runeLength, typeProblem, typesOf } from "./valid.ts";

/** The errors of a value. With a correlation, those of what has not changed are dropped. */
export function diagnose(
  value: JsonValue,
  schema: SchemaNode,
  patterns: PatternCache,
  correlated?: Correlated,
): Result {
  return new Diagnosis(patterns).ratchetable(value, schema, "", correlated);
}

class Diagnosis {
  readonly #patterns: PatternCache;

  constructor(patterns: PatternCache) {
    this.#patterns = patterns;
  }

  /** A value with a correlation of its own: the root, a field, an item. */
  ratchetable(
    value: JsonValue,
    schema: SchemaNode,
    path: string,
    correlated: Correlated | undefined,
  ): Result {
    const result = this.#value(value, schema, path, correlated);
    return !result.isValid && correlated?.isUnchanged === true ? result.ratcheted() : result;
  }

  #value(value: JsonValue, schema: SchemaNode, path: string, correlated: Correlated | undefined): Result {
    const result = new Result();
    const types = typesOf(schema);
    const { checks } = schema;
    if (value === null) {
      const allowed = types.length === 0 || schema.has(flags.nullable) || schema.type === "null";
      if (!allowed) this.#wrongType(result, path, types.join(","), "null");
      else result.matches++;
      if (checks?.enum !== undefined) this.#enum(result, value, checks.enum, path);
      return result;
    }
    if (types.length > 0 || checks?.format !== undefined) {
      const problem = typeProblem(value, schema);
      if (problem !== undefined) this.#wrongType(result, path, problem.expected, problem.found);
      else result.matches++;
      result.matches++;
    }
    this.#combinations(result, value, checks, path);
    result.matches++;
    if (typeof value === "string") {
      this.#string(result, value, checks, path);
      result.matches++;
      const check = checks?.format === undefined ? undefined : formatCheck(checks.format);
      if (check !== undefined) {
        if (!check(value)) this.#wrongType(result, path, checks!.format!, value);
        result.matches++;
      }
    }
    if (isNumber(value)) {
      this.#number(result, value, schema, path);
      result.matches++;
    }
    if (Array.isArray(value)) {
      this.#list(result, value, schema, path, correlated);
      result.matches++;
    }
    if (checks?.enum !== undefined) this.#enum(result, value, checks.enum, path);
    result.matches++;
    if (isJsonObject(value)) {
      this.#object(result, value, schema, path, correlated);
      result.matches++;
    }
    result.matches++;
    return result;
  }

  #wrongType(result: Result, path: string, expected: string, found: string): void {
    const text = `${path} in body must be of type ${expected}: ${quote(found)}`;
    result.add({ kind: "type", at: path, text, value: found });
  }

  #enum(result: Result, value: JsonValue, allowed: readonly JsonValue[], path: string): void {
    if (inEnum(value, allowed)) return;
    const text = `${path} in body should be one of ${goJson(allowed)}`;
    result.add({ kind: "enum", at: path, text, value, allowed });
  }

  /** Only the first of these is told. */
  #string(result: Result, value: string, checks: Checks | undefined, path: string): void {
    if (checks === undefined) return;
    const { maxLength, minLength, pattern } = checks;
    if (maxLength !== undefined && runeLength(value) > maxLength) {
      const text = `${path} in body should be at most ${maxLength} chars long`;
      result.add({ kind: "too-long", at: path, text, limit: maxLength });
    } else if (minLength !== undefined && runeLength(value) < minLength) {
      const text = `${path} in body should be at least ${minLength} chars long`;
      result.add({ kind: "invalid", at: path, text, value });
    } else if (pattern !== undefined) {
      const compiled = this.#patterns.get(pattern);
      const shown =
        compiled instanceof Error ? `${pattern}, but pattern is invalid: ${compiled.message}` : pattern;
      if (!(compiled instanceof Error) && compiled.test(value)) return;
      result.add({ kind: "invalid", at: path, text: `${path} in body should match '${shown}'`, value });
    }
  }

  #number(
    result: Result,
    value: number | { readonly rawJSON: string },
    schema: SchemaNode,
    path: string,
  ): void {
    const kind = numberKind(schema.type, schema.checks?.format, schema.has(flags.eitherType));
    for (const error of numberErrors(goNumber(value), schema.checks ?? {}, kind, path)) {
      if (typeof error === "string") result.add({ kind: "composite", at: path, text: error });
      else {
        const text = error.whole ? error.text : `${path} in body should be ${error.text}`;
        const value = typeof error.shown === "number" ? shownFloat(error.shown) : error.shown;
        result.add({ kind: "invalid", at: path, text, value });
      }
    }
    result.matches++;
  }

  #list(
    result: Result,
    list: readonly JsonValue[],
    schema: SchemaNode,
    path: string,
    correlated: Correlated | undefined,
  ): void {
    const { items, checks } = schema;
    if (items !== undefined) {
      for (let i = 0; i < list.length; i++) {
        result.merge(this.ratchetable(list[i]!, items, `${path}[${i}]`, correlated?.item(i)));
      }
    }
    const { minItems, maxItems, uniqueItems } = checks ?? {};
    if (minItems !== undefined && list.length < minItems) {
      const text = `${path} in body should have at least ${minItems} items`;
      result.add({ kind: "invalid", at: path, text, value: list.length });
    }
    if (maxItems !== undefined && list.length > maxItems) {
      const text = `${path} in body should have at most ${maxItems} items`;
      result.add({ kind: "too-many", at: path, text, value: list.length, limit: maxItems });
    }
    if (uniqueItems === true && hasDuplicates(list)) {
      result.add({ kind: "invalid", at: path, text: `${path} in body shouldn't contain duplicates` });
    }
    result.matches++;
  }

  #object(
    result: Result,
    object: JsonObject,
    schema: SchemaNode,
    path: string,
    correlated: Correlated | undefined,
  ): void {
    const { minProperties, maxProperties, required } = schema.checks ?? {};
    const keys = Object.keys(object);
    if (minProperties !== undefined && keys.length < minProperties) {
      const text = `${path} in body should have at least ${minProperties} properties`;
      result.add({ kind: "invalid", at: path, text, value: keys.length });
    }
    if (maxProperties !== undefined && keys.length > maxProperties) {
      const text = `${path} in body should have at most ${maxProperties} properties`;
      result.add({ kind: "too-many", at: path, text, value: keys.length, limit: maxProperties });
    }
    const field = (key: string, node: SchemaNode, at: string): void => {
      // The two fields of the root cannot be ratcheted: a change of them is not seen here.
      const ratchets = path !== "" || (key !== "kind" && key !== "apiVersion");
      result.merge(this.ratchetable(object[key]!, node, at, ratchets ? correlated?.field(key) : undefined));
    };
    const { additional } = schema;
    for (const key of keys) {
      if (schema.property(key) !== undefined) continue;
      if (additional === false) {
        const text = `${path}.${key} in body is a forbidden property`;
        result.add({ kind: "invalid", at: path, text, value: key });
      } else if (typeof additional === "object") field(key, additional, `${path}.${key}`);
    }
    for (const key of keys) {
      const node = schema.property(key);
      if (node !== undefined) field(key, node, path === "" ? key : `${path}.${key}`);
    }
    for (const name of required ?? []) {
      if (Object.hasOwn(object, name)) continue;
      result.add({ kind: "required", at: `${path}.${name}`, text: `${path}.${name} in body is required` });
    }
  }

  /** Nothing is ratcheted below these. */
  #combinations(result: Result, value: JsonValue, checks: Checks | undefined, path: string): void {
    const own = new Result();
    const composite = (text: string): void => own.add({ kind: "composite", at: path, text });
    const validate = (schema: SchemaNode): Result => this.#value(value, schema, path, undefined);
    const { anyOf, oneOf, allOf, not } = checks ?? {};
    if (anyOf !== undefined) {
      let best: Result | undefined;
      for (const schema of anyOf) {
        const one = validate(schema);
        if (best === undefined || one.isValid || one.matches > best.matches) best = one;
        if (one.isValid) break;
      }
      if (best?.isValid === false) composite(`${quote(path)} must validate at least one schema (anyOf)`);
      if (best !== undefined) own.merge(best);
    }
    if (oneOf !== undefined) {
      let best: Result | undefined;
      let first: Result | undefined;
      let valid = 0;
      for (const schema of oneOf) {
        const one = validate(schema);
        if (one.isValid) {
          valid++;
          best = undefined;
          first ??= one;
        } else if (valid === 0 && (best === undefined || one.matches > best.matches)) best = one;
      }
      if (valid !== 1) {
        const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
        composite(`${quote(path)} must validate one and only one schema (oneOf). ${found}`);
        if (best !== undefined) own.merge(best);
      } else if (first !== undefined) own.merge(first);
    }
    if (allOf !== undefined) {
      let valid = 0;
      for (const schema of allOf) {
        const one = validate(schema);
        if (one.isValid) valid++;
        own.merge(one);
      }
      if (valid !== allOf.length) {
        composite(
          `${quote(path)} must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`,
        );
      }
    }
    if (not !== undefined && validate(not).isValid)
      composite(`${quote(path)} must not validate the schema (not)`);
    own.matches++;
    result.merge(own);
  }
}
