/**
 * A second parser, for text with an escape in a key. V8 13.6 (Node 24) takes such a key for one that an earlier object had at the
 * same place, if that key has a backslash where the escape begins: after `{"x":1,"a\\":2}` it reads `{"x":1,"a\n":2}` with the
 * key `a\`. What one client sent would change what another one's object says.
 */
import { type JsonObject, type JsonValue, setOwn } from "./value.ts";

/** `text` was accepted by JSON.parse, and its nesting is bounded. `scalar` reads a number, string or word. */
export function parseKeys(text: string, scalar: (text: string) => JsonValue): JsonValue {
  return new Parser(text, scalar).value();
}

const space = /[ \t\n\r]*/y;
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}:]+/sy;

class Parser {
  readonly #text: string;
  readonly #scalar: (text: string) => JsonValue;
  #at = 0;

  constructor(text: string, scalar: (text: string) => JsonValue) {
    this.#text = text;
    this.#scalar = scalar;
  }

  value(): JsonValue {
    switch (this.#next()) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      default:
        return this.#scalar(this.#token());
    }
  }

  #object(): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    while (this.#next() !== "}") {
      const key = JSON.parse(this.#token()) as string;
      this.#next();
      this.#at++; // the colon
      setOwn(object, key, this.value());
      if (this.#next() === ",") this.#at++;
    }
    this.#at++;
    return object;
  }

  #list(): JsonValue[] {
    const list: JsonValue[] = [];
    this.#at++;
    while (this.#next() !== "]") {
      list.push(this.value());
      if (this.#next() === ",") this.#at++;
    }
    this.#at++;
    return list;
  }

  /** The character behind white space. */
  #next(): string | undefined {
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
    return this.#text[this.#at];
  }

  #token(): string {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null) throw new SyntaxError("unexpected end");
    this.#at = token.lastIndex;
    return found[0];
  }
}
