/** Tokens of label selectors (apimachinery pkg/labels: Lexer). */

export type TokenType =
  | "error"
  | "end"
  | ")"
  | ","
  | "!"
  | "=="
  | "="
  | ">"
  | "identifier"
  | "in"
  | "<"
  | "!="
  | "notin"
  | "(";

export interface Token {
  readonly type: TokenType;
  readonly text: string;
}

const fixed: ReadonlyMap<string, TokenType> = new Map(
  ([")", ",", "!", "==", "=", ">", "in", "<", "!=", "notin", "("] as const).map((text) => [text, text]),
);
const nul = "\0";
const isSpace = (char: string): boolean => char === " " || char === "\t" || char === "\r" || char === "\n";
const isSpecial = (char: string): boolean => "=!(),><".includes(char);

/** All tokens, the last of type `end`. As upstream, a NUL character ends a word; where none was begun, it ends the text. */
export function tokens(text: string): Token[] {
  const out: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (isSpace(char)) {
      at++;
      continue;
    }
    if (char === nul) break;
    if (isSpecial(char)) {
      const token = special(text, at);
      out.push(token);
      at += token.type === "error" ? specialRun(text, at) : token.text.length;
    } else {
      const start = at;
      while (at < text.length && text[at] !== nul && !isSpace(text[at]!) && !isSpecial(text[at]!)) at++;
      const word = text.slice(start, at);
      out.push({ type: fixed.get(word) ?? "identifier", text: word });
    }
    if (text[at] === nul) at++;
  }
  out.push({ type: "end", text: "" });
  return out;
}

/** The longest operator that starts here: `!=`, `==`, or a single character (all single ones are tokens). */
function special(text: string, at: number): Token {
  const two = fixed.get(text.slice(at, at + 2));
  if (two === "==" || two === "!=") return { type: two, text: two };
  const one = fixed.get(text[at]!);
  if (one !== undefined) return { type: one, text: one };
  return { type: "error", text: `error expected: keyword found '${text[at]}'` };
}

const specialRun = (text: string, at: number): number => {
  let end = at;
  while (end < text.length && isSpecial(text[end]!)) end++;
  return end - at;
};
