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
/** As much of an escape as there is. */
const begunEscape = /^\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/;
const escapeSequence =
  /\\(?:[abfnrtv"'\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7][0-7])/y;

/** Characters of a begun token that are looked at. */
const maxBegun = 1_000;

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
    const first = text.charCodeAt(at);
    const space = mayBeSpace(first) ? matchAt(whitespace, text, at) : undefined;
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const literal = mayStartString(first) ? stringAt(text, at) : undefined;
    if (literal !== undefined) {
      if (literal.ok) {
        const kind = /^[bB]/.test(text.slice(at, at + 1)) ? "bytes" : "string";
        tokens.push({ kind, text: text.slice(at, literal.end), offset: at });
        at = literal.end;
        continue;
      }
      // What cannot be a string may begin with a word, as `b` of an open `b'x`.
      if (!isLetter(first)) {
        source.report(at, unrecognized(text.slice(at, literal.end)));
        at = literal.end;
        continue;
      }
    }
    const token = tokenAt(text, at);
    if (token !== undefined) {
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const width = unrecognizedWidth(text, at);
    source.report(at, unrecognized(text.slice(at, at + width)));
    at += width;
  }
  tokens.push({ kind: "end", text: "<EOF>", offset: text.length });
  return tokens;
}

/** What begins like a token is skipped with the character at which it is none, as upstream's lexer does. */
function unrecognizedWidth(text: string, at: number): number {
  const begun = /^(?:[|&=]|`[A-Za-z0-9_./ -]*)(?!$)/.exec(text.slice(at, at + maxBegun))?.[0] ?? "";
  return begun.length + ((text.codePointAt(at + begun.length) ?? 0) > 0xffff ? 2 : 1);
}

function unrecognized(text: string): string {
  const shown = text.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return `Syntax error: token recognition error at: '${shown}'`;
}

/** The token that begins at `at` and is no string; the first character tells of which kind it may be. */
function tokenAt(text: string, at: number): Token | undefined {
  const first = text.charCodeAt(at);
  if (isDigit(first) || (first === dot && isDigit(text.charCodeAt(at + 1)))) return numberAt(text, at);
  if (isLetter(first)) {
    const match = matchAt(word, text, at)!;
    return { kind: reservedSymbols.has(match) ? "symbol" : "identifier", text: match, offset: at };
  }
  if (first === backtick) {
    const match = matchAt(escapedWord, text, at);
    return match === undefined ? undefined : { kind: "escaped", text: match, offset: at };
  }
  const match = matchAt(symbol, text, at);
  return match === undefined ? undefined : { kind: "symbol", text: match, offset: at };
}

/** The longest number. */
function numberAt(text: string, at: number): Token {
  const whole = matchAt(hexInteger, text, at) ?? matchAt(integer, text, at) ?? "";
  const fraction = matchAt(float, text, at) ?? "";
  if (fraction.length > whole.length) return { kind: "float", text: fraction, offset: at };
  return { kind: /[uU]$/.test(whole) ? "uint" : "int", text: whole, offset: at };
}

const dot = 46;
const backtick = 96;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
/** Quotes, and the letters that may be before one. */
const mayStartString = (code: number): boolean =>
  code === 34 || code === 39 || code === 98 || code === 66 || code === 114 || code === 82;
const mayBeSpace = (code: number): boolean => code <= 32 || code === 47;

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
      if (sequence === undefined) {
        const begun = begunEscape.exec(text.slice(position, position + 10))![0];
        return { ok: false, end: Math.min(position + begun.length + 1, text.length) };
      }
      position += sequence.length;
    } else position++;
  }
  return { ok: false, end: text.length };
}
