/** Tokens of an expression, as cel-go's grammar (CEL.g4) cuts them. */
import type { Source } from "./source.ts";

export type TokenKind =
  | "int"
  | "uint"
  | "float"
  | "string"
  | "bytes"
  | "identifier"
  | "escaped"
  /** Operators, brackets, and the words true, false, null and in. */
  | "symbol"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** UTF-16 offset in the source. */
  readonly offset: number;
}

const whitespace = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const escapedWord = /`[A-Za-z0-9_./ -]+`/y;
const float = /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y;
const hexInteger = /0x[0-9a-fA-F]+[uU]?/y;
const integer = /\d+[uU]?/y;
const symbol = /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y;
const stringStart = /([bB])?([rR])?("""|'''|"|')/y;
const escapeSequence =
  /\\(?:[abfnrtv"'\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7][0-7])/y;

const reservedSymbols = new Set(["true", "false", "null", "in"]);

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** Cuts the source into tokens, the last of kind `end`. What is no token is reported and skipped. */
export function tokenize(source: Source): Token[] {
  const { text } = source;
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const space = matchAt(whitespace, text, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const literal = stringAt(text, at);
    if (literal !== undefined) {
      if (literal.ok) {
        const kind = /^[bB]/.test(text.slice(at, at + 1)) ? "bytes" : "string";
        tokens.push({ kind, text: text.slice(at, literal.end), offset: at });
        at = literal.end;
      } else {
        source.report(at, unrecognized(text.slice(at, literal.end)));
        at = literal.end;
      }
      continue;
    }
    const token = wordOrNumberAt(text, at);
    if (token !== undefined) {
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    source.report(at, unrecognized(text.slice(at, at + width)));
    at += width;
  }
  tokens.push({ kind: "end", text: "<EOF>", offset: text.length });
  return tokens;
}

function unrecognized(text: string): string {
  const shown = text.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return `Syntax error: token recognition error at: '${shown}'`;
}

function wordOrNumberAt(text: string, at: number): Token | undefined {
  const candidates: [TokenKind, string | undefined][] = [
    ["float", matchAt(float, text, at)],
    ["int", matchAt(hexInteger, text, at) ?? matchAt(integer, text, at)],
    ["symbol", matchAt(symbol, text, at)],
    ["identifier", matchAt(word, text, at)],
    ["escaped", matchAt(escapedWord, text, at)],
  ];
  let best: Token | undefined;
  for (const [kind, match] of candidates) {
    if (match !== undefined && match.length > (best?.text.length ?? 0))
      best = { kind, text: match, offset: at };
  }
  if (best?.kind === "int" && /[uU]$/.test(best.text)) return { ...best, kind: "uint" };
  if (best?.kind === "identifier" && reservedSymbols.has(best.text)) return { ...best, kind: "symbol" };
  return best;
}

/** The end of the string or bytes literal at `at`, or where it stops to be one; undefined when none starts there. */
function stringAt(text: string, at: number): { ok: boolean; end: number } | undefined {
  stringStart.lastIndex = at;
  const start = stringStart.exec(text);
  if (start === null) return undefined;
  const raw = start[2] !== undefined;
  let quote = start[3]!;
  let position = at + start[0].length;
  const end = endOfString(text, position, quote, raw);
  if (end.ok || quote.length === 1) return end;
  // What looked like a triple quote may be an empty string and a new one.
  quote = quote[0]!;
  position = at + start[0].length - 3 + 1;
  return { ok: true, end: position + 1 };
}

function endOfString(text: string, start: number, quote: string, raw: boolean): { ok: boolean; end: number } {
  const multiline = quote.length === 3;
  let position = start;
  while (position < text.length) {
    if (text.startsWith(quote, position)) return { ok: true, end: position + quote.length };
    const character = text[position]!;
    if (!multiline && (character === "\n" || character === "\r")) return { ok: false, end: position + 1 };
    if (!raw && character === "\\") {
      const sequence = matchAt(escapeSequence, text, position);
      if (sequence === undefined) return { ok: false, end: Math.min(position + 2, text.length) };
      position += sequence.length;
    } else position++;
  }
  return { ok: false, end: text.length };
}
