/**
 * Reads JSON paths as k8s.io/client-go/util/jsonpath does, oddities included: `['a.b']` are two fields, a name in double
 * quotes is no index, a field of no name is one whose name is empty.
 */
import { jsonPathQuoted } from "./json-path-quoted.ts";

/** A part of a path. Lists carry on from one another; what a filter compares are lists of their own. */
export type PathNode =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "wildcard" }
  | { readonly kind: "recursive" }
  | { readonly kind: "array"; readonly slice: Slice }
  | { readonly kind: "union"; readonly choices: readonly PathList[] }
  | {
      readonly kind: "filter";
      readonly left: PathList;
      readonly operator: string;
      readonly right: PathList;
    }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number; readonly whole: boolean }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "identifier"; readonly name: string };

export type PathList = readonly PathNode[];

/** Undefined: not given. `item`: one index was given, and the end follows from it. */
export interface Slice {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly step: number | undefined;
  readonly item: boolean;
}

/** The text is no path. */
class PathSyntaxError extends Error {}

const maxInt = 2n ** 63n - 1n;
const letterOrDigit = /^[\p{L}\p{Nd}_]$/u;
const digit = /^\p{Nd}$/u;

/** The lists of the actions that a column's path is: one, unless it has braces of its own. Undefined: it is broken. */
export function parsePath(text: string): readonly PathList[] | undefined {
  try {
    return new Parser(`{${text}}`).actions();
  } catch (error) {
    if (error instanceof PathSyntaxError) return undefined;
    throw error;
  }
}

/** What one action within another says: a filter's side, a member of a union. */
function action(text: string): PathList {
  return new Parser(`{${text}}`).actions()[0]!;
}

class Parser {
  readonly #input: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#input = [...text];
  }

  /** Text between actions gives nothing of its own here: only the first action is shown. */
  actions(): PathList[] {
    const all: PathList[] = [];
    while (this.#at < this.#input.length) {
      if (this.#next() === "{") all.push(this.#action());
    }
    return all;
  }

  #action(): PathList {
    const nodes: PathNode[] = [];
    for (;;) {
      const char = this.#next();
      switch (char) {
        case "}":
          return nodes;
        case undefined:
        case "\n":
        case "\r":
          throw new PathSyntaxError();
        case " ":
        case "@":
        case "$":
          break;
        case "[":
          if (this.#peek() === "?" && this.#peek(1) === "(") nodes.push(this.#filter());
          else nodes.push(...this.#index());
          break;
        case '"':
        case "'":
          nodes.push({ kind: "text", text: this.#quoted(char) });
          break;
        case ".":
          if (this.#peek() !== ".") nodes.push(this.#field());
          else {
            this.#at++;
            if (nodes.at(-1)?.kind === "recursive") throw new PathSyntaxError();
            nodes.push({ kind: "recursive" });
            if (letterOrDigit.test(this.#peek() ?? "")) nodes.push(this.#field());
          }
          break;
        default:
          this.#at--;
          if (char === "+" || char === "-" || digit.test(char)) nodes.push(this.#number());
          else if (letterOrDigit.test(char)) nodes.push(this.#word());
          else throw new PathSyntaxError();
      }
    }
  }

  #field(): PathNode {
    let name = "";
    let isEscaped = false;
    for (; !isTerminator(this.#peek()); this.#at++) {
      if (this.#peek() === "\\") {
        isEscaped = true;
        this.#at++;
        if (this.#peek() === "\\") continue;
      }
      name += this.#peek() ?? "";
    }
    return name === "*" && !isEscaped ? { kind: "wildcard" } : { kind: "field", name };
  }

  #word(): PathNode {
    let name = "";
    for (; !isTerminator(this.#peek()); this.#at++) name += this.#peek();
    return name === "true" || name === "false"
      ? { kind: "boolean", value: name === "true" }
      : { kind: "identifier", name };
  }

  #number(): PathNode {
    let text = this.#next()!;
    for (; this.#peek() === "." || digit.test(this.#peek() ?? ""); this.#at++) text += this.#peek();
    const value = Number(text);
    if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(text) || !Number.isFinite(value))
      throw new PathSyntaxError();
    return { kind: "number", value, whole: integer(text) !== undefined };
  }

  /** To the quote that no backslash stands before; where the first one follows at once, that is the one before it. */
  #quoted(quote: string): string {
    let text = quote;
    for (;;) {
      const char = this.#next();
      if (char === undefined || char === "\n") throw new PathSyntaxError();
      const escaped = text.endsWith("\\");
      text += char;
      if (char === quote && !escaped) break;
    }
    const said = jsonPathQuoted(text);
    if (said === undefined) throw new PathSyntaxError();
    return said;
  }

  #index(): PathList {
    let text = "";
    for (let char = this.#next(); char !== "]"; char = this.#next()) {
      if (char === undefined || char === "\n") throw new PathSyntaxError();
      text += char;
    }
    const parts = text.split(",");
    if (parts.length > 1) {
      const choices = parts.map((part) => action(`[${part.replace(/^ +| +$/g, "")}]`));
      return [{ kind: "union", choices }];
    }
    const key = /^'([^']*)'$/.exec(text);
    return key === null
      ? [{ kind: "array", slice: sliceOf(text === "*" ? ":" : text) }]
      : action(`.${key[1]}`);
  }

  /** To the first bracket that is outside of the first text in quotes. */
  #filter(): PathNode {
    this.#at += 2;
    let [text, quote, closed] = ["", "", false];
    for (;;) {
      const char = this.#next();
      if (char === undefined || char === "\n") throw new PathSyntaxError();
      if (char === ")" && (quote === "" || closed)) break;
      if (char === '"' || char === "'") {
        if (quote === "") quote = char;
        else if (char === quote && !text.endsWith("\\")) closed = true;
      }
      text += char;
    }
    if (this.#next() !== "]") throw new PathSyntaxError();
    const comparison = /^([^!<>=]+)([!<>=]+)([^\n]+)$/.exec(text);
    if (comparison === null) return { kind: "filter", left: action(text), operator: "exists", right: [] };
    const [, left = "", operator = "", right = ""] = comparison;
    return { kind: "filter", left: action(left), operator, right: action(right) };
  }

  #peek(ahead = 0): string | undefined {
    return this.#input[this.#at + ahead];
  }

  #next(): string | undefined {
    return this.#input[this.#at++];
  }
}

const isTerminator = (char: string | undefined): boolean =>
  char === undefined || " \t\r\n.,[]$@{}".includes(char);

function sliceOf(text: string): Slice {
  const parts = /^(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?$/.exec(text);
  if (parts === null) throw new PathSyntaxError();
  const bound = (part: string): number | undefined => {
    if (part === "") return undefined;
    const value = integer(part);
    if (value === undefined) throw new PathSyntaxError();
    return value;
  };
  const [, first = "", second, third] = parts;
  const start = bound(first);
  const item = second === undefined;
  const end = item ? (start ?? 0) + 1 : bound(second.slice(1));
  return { start, end, step: bound((third ?? ":").slice(1)), item };
}

/** Undefined when it is no integer of 64 bits. */
function integer(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return value > maxInt || value < -maxInt - 1n ? undefined : Number(value);
}
