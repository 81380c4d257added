/** Users' regular expressions, in linear time (re2js), with a bounded memory of compiled ones. */
import { RE2JS } from "re2js";
import { Lru } from "#base/lru.ts";
import { asciiMatcher } from "#machinery/regex/ascii-matcher.ts";
import type { Implementation } from "./functions.ts";
import {
  CelError,
  CelOptional,
  type CelResult,
  CelTypeValue,
  type CelValue,
  noSuchOverload,
  ValueList,
} from "./values.ts";

/** Compiled expressions that are kept. */
const maxCached = 512;
/** Longer expressions are compiled for each use. */
const maxCachedLength = 4096;

const cache = new Lru<string, RE2JS | CelError>(maxCached);

/** The compiled expression, or what is wrong with it as Go says it. */
export function compileRegex(pattern: string): RE2JS | CelError {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const compiled = compileAnew(pattern);
  if (pattern.length <= maxCachedLength) cache.set(pattern, compiled);
  return compiled;
}

function compileAnew(pattern: string): RE2JS | CelError {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return new CelError(error.message);
  }
}

export function matches(text: CelValue, pattern: CelValue): CelResult {
  if (typeof text !== "string") return new CelError("no such overload: matches");
  if (typeof pattern !== "string") return noSuchOverload;
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? regex : regex.test(text);
}

export function find(text: CelValue, pattern: CelValue): CelResult {
  if (typeof text !== "string" || typeof pattern !== "string") return noSuchOverload;
  const regex = compileRegex(pattern);
  if (regex instanceof CelError) return new CelError(`Illegal regex: ${regex.message}`);
  const matcher = regex.matcher(text);
  return matcher.find() ? (matcher.group() ?? "") : "";
}

export function findAll(text: CelValue, pattern: CelValue, limit: CelValue = -1): CelResult {
  if (typeof text !== "string" || typeof pattern !== "string") return noSuchOverload;
  if (typeof limit !== "number" && typeof limit !== "bigint") return noSuchOverload;
  const regex = compileRegex(pattern);
  if (regex instanceof CelError) return new CelError(`Illegal regex: ${regex.message}`);
  const most = limit < 0 ? Number.POSITIVE_INFINITY : Number(limit);
  const found: string[] = [];
  const matcher = regex.matcher(text);
  let end = -1;
  while (found.length < most && matcher.find()) {
    // An empty match right after another match is none (as in Go).
    if (matcher.start() === matcher.end() && matcher.start() === end) continue;
    end = matcher.end();
    found.push(matcher.group() ?? "");
  }
  return new ValueList(found);
}

/** Functions whose second argument is a regular expression. */
const regexFunctions = new Set(["matches", "find", "findAll"]);
export const isRegexFunction = (fn: string): boolean => regexFunctions.has(fn);

/** What is wrong with a constant expression in a call, which makes the whole program unusable. */
export function constantRegexError(fn: string, pattern: string): string | undefined {
  if (!regexFunctions.has(fn) || asciiMatcher(pattern) !== undefined) return undefined;
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? regex.message : undefined;
}

/**
 * A function with its constant expression. A program holds a small table, or what is too long for the cache. Unlike the function with
 * any other expression it has one error for all wrong types, and takes some values for texts.
 */
export function constantRegex(fn: string, pattern: string): Implementation {
  const test = fn === "matches" ? constantMatches(pattern) : undefined;
  return (value, _pattern, limit) => {
    const text = textBehind(value!);
    if (text === undefined) return noSuchOverload;
    if (test !== undefined) return test(text);
    if (fn === "find") return find(text, pattern);
    const isNumber = limit === undefined || typeof limit === "number" || typeof limit === "bigint";
    return isNumber ? findAll(text, pattern, limit) : noSuchOverload;
  };
}

/** Upstream looks at the Go value: that of a type is its name, that of an optional is what it holds. */
function textBehind(value: CelValue): string | undefined {
  if (typeof value === "string") return value;
  if (value instanceof CelTypeValue) return value.name;
  return value instanceof CelOptional && value.value !== undefined ? textBehind(value.value) : undefined;
}

function constantMatches(pattern: string): (text: string) => CelResult {
  const matcher = asciiMatcher(pattern);
  if (matcher !== undefined) return (text) => matcher(text) ?? matches(text, pattern);
  const regex = pattern.length > maxCachedLength ? compileRegex(pattern) : undefined;
  if (regex === undefined || regex instanceof CelError) return (text) => matches(text, pattern);
  return (text) => regex.test(text);
}
