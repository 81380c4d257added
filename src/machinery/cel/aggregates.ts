/** Parses lists, maps and objects in braces. */
import { type Expr, list, type MapEntry, map, type StructField } from "./ast.ts";
import type { Token } from "./lexer.ts";
import type { TokenStream } from "./token-stream.ts";

/** Parses one expression. */
type ParseExpr = () => Expr;

/** What may begin an expression. */
export function startsExpression({ kind, text }: Token): boolean {
  if (kind === "symbol") return ["[", "{", "(", ".", "-", "!", "true", "false", "null"].includes(text);
  return kind !== "end" && kind !== "escaped";
}

/** What upstream lists as possible where an expression may stand, with these brackets and signs among them. */
export function expectedExpression(...others: string[]): string {
  const symbols = ["[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?"];
  const always = ["[", "{", "(", ".", "-", "!"];
  const listed = symbols.filter((symbol) => always.includes(symbol) || others.includes(symbol));
  const quoted = [...listed, "true", "false", "null"].map((symbol) => `'${symbol}'`);
  return `{${[...quoted, "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES", "IDENTIFIER"].join(", ")}}`;
}

interface Parts {
  readonly close: string;
  readonly begins: (token: Token) => boolean;
  /** What could stand at the beginning, as upstream lists it. */
  readonly expected: string;
  readonly part: () => void;
}

/** Parses parts up to the closing bracket, which it takes. A comma may follow the last part. */
function parseParts(tokens: TokenStream, { close, begins, expected, part }: Parts): void {
  let height = 0;
  const first = tokens.peek();
  if (!begins(first) && !tokens.is(close) && !tokens.is(",")) {
    if (!begins(tokens.peek(1)) && !tokens.is(close, 1))
      tokens.fail(first, `mismatched input '${first.text}' expecting ${expected}`);
    tokens.problem(first, `extraneous input '${first.text}' expecting ${expected}`);
    tokens.skip();
  }
  while (begins(tokens.peek())) {
    part();
    height = Math.max(height, tokens.height);
    if (!tokens.is(",") || !begins(tokens.peek(1))) break;
    tokens.next();
  }
  const comma = tokens.accept(",") !== undefined;
  tokens.expect(close, comma ? `'${close}'` : `{'${close}', ','}`);
  tokens.height = height;
}

const beginsElement = (token: Token): boolean =>
  startsExpression(token) || (token.kind === "symbol" && token.text === "?");
const beginsField = ({ kind, text }: Token): boolean =>
  kind === "identifier" || kind === "escaped" || (kind === "symbol" && text === "?");

export function parseList(tokens: TokenStream, open: Token, parseExpr: ParseExpr): Expr {
  const elements: Expr[] = [];
  const optionals = new Set<number>();
  parseParts(tokens, {
    close: "]",
    begins: beginsElement,
    expected: expectedExpression("]", ",", "?"),
    part: () => {
      if (tokens.accept("?") !== undefined) optionals.add(elements.length);
      elements.push(tokens.within(["]", ","], parseExpr));
    },
  });
  return list(open.offset, elements, optionals);
}

export function parseMap(tokens: TokenStream, open: Token, parseExpr: ParseExpr): Expr {
  const entries: MapEntry[] = [];
  parseParts(tokens, {
    close: "}",
    begins: beginsElement,
    expected: expectedExpression("}", ",", "?"),
    part: () => {
      const optional = tokens.accept("?") !== undefined;
      const key = tokens.within(["}", ",", ":"], parseExpr);
      const { height } = tokens;
      const colon = tokens.expect(":", "':'", startsExpression);
      const value = tokens.within(["}", ","], parseExpr);
      tokens.height = Math.max(height, tokens.height);
      entries.push({ offset: colon.offset, key, value, optional });
    },
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
  parseParts(tokens, {
    close: "}",
    begins: beginsField,
    expected: "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
    part: () => {
      const optional = tokens.accept("?") !== undefined;
      const name = tokens.peek();
      if (name.kind !== "identifier" && name.kind !== "escaped")
        tokens.fail(name, `mismatched input '${name.text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`);
      tokens.next();
      if (name.kind === "escaped") tokens.report(name.offset, "unsupported syntax: '`'");
      const colon = tokens.expect(":", "':'", startsExpression);
      const value = tokens.within(["}", ","], parseExpr);
      fields.push({ offset: colon.offset, name: name.text, value, optional });
    },
  });
  return { kind: "struct", offset: open.offset, type: undefined, typeName, fields };
}
