import type { Query } from "./context.ts";

const none: readonly string[] = Object.freeze([]);

/**
 * Reads a query by the rules of Go's `url.ParseQuery`, as clients are written against: `+` is a space, pairs with a
 * semicolon or with a malformed escape are left out, repeated names keep their order.
 */
export function parseQuery(rawQuery: string): Query {
  if (rawQuery === "") return emptyQuery;
  const values = new Map<string, string[]>();
  for (const pair of rawQuery.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const name = unescapeText(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescapeText(equals < 0 ? "" : pair.slice(equals + 1));
    if (name === undefined || value === undefined) continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return new ParsedQuery(values);
}

class ParsedQuery implements Query {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }
  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? none;
  }
  has(name: string): boolean {
    return this.#values.has(name);
  }
  names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

const emptyQuery: Query = new ParsedQuery(new Map());

function unescapeText(text: string): string | undefined {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}
