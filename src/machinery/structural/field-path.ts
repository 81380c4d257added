/** The JSON paths of rules and selectable fields (apiextensions-apiserver pkg/apiserver/schema/cel: ValidFieldPath). */

/** A schema as paths walk it. */
export interface PathSchema<S> {
  property(schema: S, name: string): S | undefined;
  hasProperties(schema: S): boolean;
  /** Undefined without any; null for a boolean. */
  additional(schema: S): S | null | undefined;
}

export interface FieldPathResult<S> {
  /** As error paths print it: `spec.map[key]`. */
  readonly path: string;
  /** The first name of the path. */
  readonly root: string;
  readonly schema: S;
}

const escapes = new Map([
  ["a", "\u0007"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["'", "'"],
  ["\\", "\\"],
]);

/** Follows `.a.b['c']`. An Error has upstream's text. */
export function followFieldPath<S>(
  text: string,
  schema: S,
  access: PathSchema<S>,
  allowsArrayNotation: boolean,
): FieldPathResult<S> | Error {
  const tokens = tokensOf(text);
  let at = 0;
  let path = "";
  let root = "";
  let current = schema;
  const step = (name: string): Error | undefined => {
    const named = access.hasProperties(current);
    const next = named ? access.property(current, name) : access.additional(current);
    if (next === undefined || next === null) return new Error("does not refer to a valid field");
    const part = named ? (path === "" ? name : `.${name}`) : `[${name}]`;
    if (path === "") root = named ? name : part;
    path += part;
    current = next;
    return undefined;
  };
  while (at < tokens.length) {
    const token = tokens[at++]!;
    if (token !== "[" && token !== ".") return new Error(`expected [ or . but got: ${token}`);
    if (token === "[" && !allowsArrayNotation) return new Error("array notation is not allowed");
    const name = tokens[at++];
    if (name === undefined) return new Error("unexpected end of JSON path");
    if (token === ".") {
      const problem = step(name);
      if (problem !== undefined) return problem;
      continue;
    }
    if (name.length < 2 || !name.startsWith("'") || !name.endsWith("'")) {
      return new Error(`expected single quoted string but got ${name}`);
    }
    const unescaped = unquoted(name.slice(1, -1));
    if (unescaped instanceof Error) return unescaped;
    const problem = step(unescaped);
    if (problem !== undefined) return problem;
    const end = tokens[at++];
    if (end === undefined) return new Error("unexpected end of JSON path");
    if (end !== "]") return new Error(`expected ] but got ${end}`);
  }
  return { path, root, schema: current };
}

/** Delimiters, quoted strings with their quotes, and all between them. */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (text[start] === "'") {
      if (i > start && char === "'" && text[i - 1] !== "\\") {
        tokens.push(text.slice(start, i + 1));
        start = i + 1;
      }
      continue;
    }
    if (char !== "." && char !== "[" && char !== "]") continue;
    if (i > start) tokens.push(text.slice(start, i));
    tokens.push(char);
    start = i + 1;
  }
  if (start < text.length) tokens.push(text.slice(start));
  return tokens;
}

function unquoted(text: string): string | Error {
  let problem: Error | undefined;
  const out = text.replaceAll(/\\./g, (found) => {
    const char = escapes.get(found[1]!);
    if (char === undefined) problem = new Error(`invalid string literal: invalid escape char ${found}`);
    return char ?? "";
  });
  return problem ?? out;
}
