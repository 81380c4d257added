/** Parses lists, maps and objects in braces. */
import { type Expr, list, type MapEntry, map, type StructField } from "./ast.ts";
import type { Token } from "./lexer.ts";
import type { TokenStream } from "./token-stream.ts";

/** Parses one expression. */
type ParseExpr = () => Expr;

/** Calls `part` for each part up to the closing bracket, which it takes. A comma may follow the last part. */
function parseParts(tokens: TokenStream, close: string, part: () => void): void {
  let height = 0;
  while (!tokens.is(close) && !tokens.is(",")) {
    part();
    height = Math.max(height, tokens.height);
    if (!tokens.is(",") || tokens.is(close, 1)) break;
    tokens.skip();
  }
  tokens.accept(",");
  tokens.expect(close, `{'${close}', ','}`);
  tokens.height = height;
}

export function parseList(tokens: TokenStream, open: Token, parseExpr: ParseExpr): Expr {
  const elements: Expr[] = [];
  const optionals = new Set<number>();
  parseParts(tokens, "]", () => {
    if (tokens.accept("?") !== undefined) optionals.add(elements.length);
    elements.push(parseExpr());
  });
  return list(open.offset, elements, optionals);
}

export function parseMap(tokens: TokenStream, open: Token, parseExpr: ParseExpr): Expr {
  const entries: MapEntry[] = [];
  parseParts(tokens, "}", () => {
    const optional = tokens.accept("?") !== undefined;
    const key = parseExpr();
    const { height } = tokens;
    const colon = tokens.expect(":", "':'");
    const value = parseExpr();
    tokens.height = Math.max(height, tokens.height);
    entries.push({ offset: colon.offset, key, value, optional });
  });
  return map(open.offset, entries);
}

/** A name with dots that a `{` follows, and how many tokens it has. */
export function messageName(tokens: TokenStream): { name: string; length: number } | undefined {
  let name = "";
  for (let length = 0; ; length += 2) {
    const part = tokens.peek(length);
    if (part.kind !== "identifier") return undefined;
    name += part.text;
    if (tokens.is("{", length + 1)) return { name, length: length + 1 };
    if (!tokens.is(".", length + 1)) return undefined;
    name += ".";
  }
}

/** An object, from its opening brace. */
export function parseMessage(tokens: TokenStream, typeName: string, parseExpr: ParseExpr): Expr {
  const open = tokens.next();
  const fields: StructField[] = [];
  parseParts(tokens, "}", () => {
    const optional = tokens.accept("?") !== undefined;
    const name = tokens.peek();
    if (name.kind !== "identifier" && name.kind !== "escaped") {
      const others = optional ? "" : "'}', ',', '?', ";
      tokens.syntaxError(
        name,
        `mismatched input '${name.text}' expecting {${others}IDENTIFIER, ESC_IDENTIFIER}`,
      );
    }
    tokens.skip();
    if (name.kind === "escaped") tokens.report(name.offset, "unsupported syntax: '`'");
    const colon = tokens.expect(":", "':'");
    const value = parseExpr();
    fields.push({ offset: colon.offset, name: name.text, value, optional });
  });
  return { kind: "struct", offset: open.offset, type: undefined, typeName, fields };
}
