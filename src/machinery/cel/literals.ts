/** Parses the literals that are one token. */
import { type Expr, literal } from "./ast.ts";
import { canonicalInt, maxInt64, maxUint64, minInt64 } from "./integers.ts";
import type { Token } from "./lexer.ts";
import type { TokenStream } from "./token-stream.ts";
import { bytesLiteral, stringLiteral } from "./unescape.ts";
import { CelBytes, CelDouble, CelUint } from "./values.ts";

/** A number; `sign` is its minus, which comes before it. */
export function numberLiteral(tokens: TokenStream, token: Token, sign?: Token): Expr {
  const start = (sign ?? token).offset;
  if (token.kind === "float") {
    const value = Number((sign?.text ?? "") + token.text);
    if (!Number.isFinite(value)) return tokens.report(start, "invalid double literal");
    return literal(start, new CelDouble(value));
  }
  const unsigned = token.kind === "uint";
  const digits = unsigned ? token.text.slice(0, -1) : token.text;
  const value = integerValue(digits) * (sign === undefined ? 1n : -1n);
  if (unsigned) {
    if (value > maxUint64) return tokens.report(start, "invalid uint literal");
    return literal(start, new CelUint(value));
  }
  if (value > maxInt64 || value < minInt64) return tokens.report(start, "invalid int literal");
  return literal(start, canonicalInt(value));
}

/** Digits beyond these are too many for an integer, and would take long to read. */
const maxDigits = 400;

function integerValue(digits: string): bigint {
  const prefix = digits.startsWith("0x") ? "0x" : "";
  const significant = digits.slice(prefix.length).replace(/^0+(?=.)/, "");
  return significant.length > maxDigits ? 2n ** 64n : BigInt(prefix + significant);
}

/** A string, or bytes. */
export function textLiteral(tokens: TokenStream, token: Token): Expr {
  if (token.kind === "bytes") {
    const bytes = bytesLiteral(token.text.slice(1));
    if ("error" in bytes) return tokens.report(token.offset, bytes.error);
    return literal(token.offset, new CelBytes(bytes.value));
  }
  const text = stringLiteral(token.text);
  if ("error" in text) return tokens.report(token.offset, text.error);
  return literal(token.offset, text.value);
}
