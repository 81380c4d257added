/** Users' regular expressions: RE2's syntax, in time linear to the text. */

import { RE2JS } from "re2js";
import { Lru } from "#base/lru.ts";
import { asciiMatcher } from "#machinery/regex/ascii-matcher.ts";

/** A pattern of a schema. */
export interface Pattern {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
}

/** A compiled expression of the general engine takes some 10 KB. */
const maxExpressions = 512;
/** Those that are tables take less than 1 KB. */
const maxPatterns = 4_096;
/** Longer patterns are refused: compiling takes time and memory in proportion, and more with counted repetition. */
const maxPatternLength = 16 * 1_024;

/** Compiled patterns by text, for all schemas that share the cache. */
export class PatternCache {
  readonly #patterns = new Map<string, { readonly pattern: Pattern | Error; used: boolean }>();
  readonly #expressions = new Lru<string, RE2JS | Error>(maxExpressions);

  /** An error carries the text of Go's regexp.Compile. */
  get(text: string): Pattern | Error {
    let known = this.#patterns.get(text);
    if (known === undefined) {
      known = { pattern: this.#compile(text), used: true };
      this.#patterns.set(text, known);
      if (this.#patterns.size > maxPatterns) this.#drop();
    }
    // Asked for every string of every object, so nothing is put into a new order here.
    known.used = true;
    return known.pattern;
  }

  /** The first of those that have not been used since they came up the last time. */
  #drop(): void {
    for (const [text, entry] of this.#patterns) {
      this.#patterns.delete(text);
      if (!entry.used) return;
      entry.used = false;
      this.#patterns.set(text, entry);
    }
  }

  #compile(text: string): Pattern | Error {
    const matches = asciiMatcher(text);
    if (matches !== undefined) {
      return { test: (value) => matches(value) ?? this.#test(text, value) };
    }
    const expression = this.#expression(text);
    return expression instanceof Error ? expression : { test: (value) => this.#test(text, value) };
  }

  /** `text` is known to be a pattern. */
  #test(text: string, value: string): boolean {
    const expression = this.#expression(text);
    if (expression instanceof Error) throw expression;
    return expression.test(value);
  }

  #expression(text: string): RE2JS | Error {
    let expression = this.#expressions.get(text);
    if (expression === undefined) {
      expression = compile(text);
      this.#expressions.set(text, expression);
    }
    return expression;
  }
}

function compile(text: string): RE2JS | Error {
  if (text.length > maxPatternLength)
    return new Error("error parsing regexp: expression nests too deeply or is too large");
  try {
    return RE2JS.compile(text);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
