/**
 * An exact scanner over JSON text. It is slow next to JSON.parse and used only when something is wrong: to say what, in the
 * words of Go's encoding/json, and to name duplicate keys (paths as sigs.k8s.io/json prints them).
 */
import { maxDuplicatesReported, maxJsonDepth } from "#machinery/json/limits.ts";
import { JsonSyntaxError } from "#machinery/json/syntax-error.ts";

interface Frame {
  /** Keys seen; undefined for arrays. */
  readonly keys: Set<string> | undefined;
  /** Current key or index. */
  key: string;
  index: number;
}

/** Paths of keys that occur again in their object, each once, at most {@link maxDuplicatesReported}. Throws {@link JsonSyntaxError}. */
export function findDuplicateKeys(text: string): string[] {
  const duplicates = new Set<string>();
  new Scanner(text, (path) => {
    if (duplicates.size < maxDuplicatesReported) duplicates.add(path);
  }).run();
  return [...duplicates];
}

/** What Go would say about text that JSON.parse refused. */
export function explainSyntaxError(text: string): JsonSyntaxError {
  try {
    new Scanner(text, () => {}).run();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
  // JSON.parse and this scanner disagree: a bug, but still the client's text that could not be read.
  return new JsonSyntaxError("invalid JSON");
}

class Scanner {
  readonly #text: string;
  readonly #onDuplicate: (path: string) => void;
  readonly #stack: Frame[] = [];
  #at = 0;

  constructor(text: string, onDuplicate: (path: string) => void) {
    this.#text = text;
    this.#onDuplicate = onDuplicate;
  }

  run(): void {
    this.#value();
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) break;
      if (frame.keys === undefined) this.#afterElement(frame);
      else this.#afterMember(frame);
    }
    this.#space();
    if (this.#at < this.#text.length) this.#fail("after top-level value");
  }

  /** Reads a scalar, or opens a container and reads its first value; deeper values are left to the loop in `run`. */
  #value(): void {
    for (;;) {
      this.#space();
      const char = this.#text[this.#at];
      if (char === "{") {
        this.#open(new Set());
        this.#space();
        if (this.#text[this.#at] === "}") {
          this.#close();
          return;
        }
        this.#key(this.#stack.at(-1)!);
      } else if (char === "[") {
        this.#open(undefined);
        this.#space();
        if (this.#text[this.#at] === "]") {
          this.#close();
          return;
        }
      } else {
        this.#scalar(char);
        return;
      }
    }
  }

  #open(keys: Set<string> | undefined): void {
    if (this.#stack.length >= maxJsonDepth) throw new JsonSyntaxError("exceeded max depth", this.#at);
    this.#stack.push({ keys, key: "", index: 0 });
    this.#at++;
  }

  #close(): void {
    this.#stack.pop();
    this.#at++;
  }

  #afterElement(frame: Frame): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === "]") {
      this.#close();
      return;
    }
    if (char !== ",") this.#fail("after array element");
    this.#at++;
    frame.index++;
    this.#value();
  }

  #afterMember(frame: Frame): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === "}") {
      this.#close();
      return;
    }
    if (char !== ",") this.#fail("after object key:value pair");
    this.#at++;
    this.#key(frame);
    this.#value();
  }

  #key(frame: Frame): void {
    this.#space();
    if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
    const start = this.#at;
    const escaped = this.#string();
    const key = escaped
      ? (JSON.parse(this.#text.slice(start, this.#at)) as string)
      : this.#text.slice(start + 1, this.#at - 1);
    frame.key = key;
    if (frame.keys!.has(key)) this.#onDuplicate(this.#path());
    else frame.keys!.add(key);
    this.#space();
    if (this.#text[this.#at] !== ":") this.#fail("after object key");
    this.#at++;
  }

  #path(): string {
    let path = "";
    for (const frame of this.#stack) {
      if (frame.keys === undefined) path += `[${frame.index}]`;
      else path += path === "" ? frame.key : `.${frame.key}`;
    }
    return path;
  }

  #scalar(char: string | undefined): void {
    if (char === '"') this.#string();
    else if (char === "t") this.#literal("true");
    else if (char === "f") this.#literal("false");
    else if (char === "n") this.#literal("null");
    else if (char === "-" || isDigit(char)) this.#number();
    else this.#fail("looking for beginning of value");
  }

  #literal(word: string): void {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting ${goChar(word[i]!)})`);
    }
    this.#at++;
  }

  #number(): void {
    if (this.#text[this.#at] === "-") this.#at++;
    if (this.#text[this.#at] === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    const char = this.#text[this.#at];
    if (char === "e" || char === "E") {
      this.#at++;
      const sign = this.#text[this.#at];
      if (sign === "+" || sign === "-") this.#at++;
      this.#digits("in exponent of numeric literal");
    }
  }

  #digits(context: string): void {
    if (!isDigit(this.#text[this.#at])) this.#fail(context);
    while (isDigit(this.#text[this.#at])) this.#at++;
  }

  /** Reads a string; true when it has escapes. */
  #string(): boolean {
    let escaped = false;
    for (this.#at++; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '"') break;
      if (char === undefined || char < " ") this.#fail("in string literal");
      if (char !== "\\") continue;
      escaped = true;
      this.#at++;
      const code = this.#text[this.#at];
      if (code === undefined || !'"\\/bfnrtu'.includes(code)) this.#fail("in string escape code");
      if (code !== "u") continue;
      for (let i = 0; i < 4; i++) {
        this.#at++;
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? ""))
          this.#fail("in \\u hexadecimal character escape");
      }
    }
    this.#at++;
    return escaped;
  }

  #space(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== " " && char !== "\n" && char !== "\t" && char !== "\r") return;
      this.#at++;
    }
  }

  #fail(context: string): never {
    let code = this.#text.codePointAt(this.#at);
    if (code === undefined) {
      if (!wordLike.test(context)) throw new JsonSyntaxError("unexpected end of JSON input", this.#at);
      // At the end Go looks at one more character, a space, and that cannot stand in a word.
      code = 0x20;
    }
    // Go looks at bytes: beyond ASCII it prints the first byte of the character.
    const byte = code < 0x80 ? code : Buffer.from(String.fromCodePoint(code))[0]!;
    throw new JsonSyntaxError(`invalid character ${goChar(String.fromCharCode(byte))} ${context}`, this.#at);
  }
}

/** What a space cannot be part of. */
const wordLike = /numeric literal$|^in literal |escape/;

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= "0" && char <= "9";

/** A character in single quotes with Go's escapes. */
function goChar(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const code = char.charCodeAt(0);
  const short = { 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\" }[
    code
  ];
  if (short !== undefined) return `'${short}'`;
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  if ((code >= 0x80 && code <= 0xa0) || code === 0xad) return `'\\u00${code.toString(16)}'`;
  return `'${char}'`;
}
