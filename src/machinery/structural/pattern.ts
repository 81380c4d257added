/** Users' regular expressions: RE2's syntax, in time linear to the text. */

import { RE2JS } from "re2js";
import { Lru } from "#base/lru.ts";

/** A pattern of a schema. */
export interface Pattern {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
}

/** A compiled expression takes some 10 KB. */
const maxPatterns = 512;
/** Longer patterns are refused: compiling takes time and memory in proportion, and more with counted repetition. */
export const maxPatternLength = 16 * 1_024;

/** Compiled patterns by text, for all schemas that share the cache. */
export class PatternCache {
  readonly #patterns = new Lru<string, Pattern | Error>(maxPatterns);

  /** An error carries the text of Go's regexp.Compile. */
  get(text: string): Pattern | Error {
    let pattern = this.#patterns.get(text);
    if (pattern === undefined) {
      pattern = compile(text);
      this.#patterns.set(text, pattern);
    }
    return pattern;
  }
}

function compile(text: string): Pattern | Error {
  if (text.length > maxPatternLength)
    return new Error("error parsing regexp: expression nests too deeply or is too large");
  try {
    const expression = RE2JS.compile(text);
    return { test: (value) => expression.test(value) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
