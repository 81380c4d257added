/**
 * The part of RE2's syntax that {@link asciiMatcher} understands: what patterns of schemas use. Whatever else a pattern holds (flags,
 * word boundaries, Unicode classes, anchors in the middle, anything wrong) is left to the general engine.
 */

/** The ASCII characters of a class; those beyond are not asked for. */
export type CharSet = Uint8Array;

export type Regex =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly parts: readonly Regex[] }
  | { readonly kind: "choice"; readonly parts: readonly Regex[] }
  /** `max` may be Infinity. */
  | { readonly kind: "repeat"; readonly part: Regex; readonly min: number; readonly max: number };

/** One alternative of a whole pattern. */
export interface Branch {
  readonly regex: Regex;
  /** Begins with `^`. */
  readonly fromStart: boolean;
  /** Ends with `$`. */
  readonly toEnd: boolean;
}

const maxLength = 1_024;
const maxDepth = 32;
const maxRepeat = 255;

const charCount = 128;
const newline = 10;

/** The alternatives of a pattern; undefined when it is not of the part that is understood. */
export function parseBranches(pattern: string): readonly Branch[] | undefined {
  if (pattern.length > maxLength) return undefined;
  return new Parser(pattern).branches();
}

/** Thrown inside when a pattern is left to the general engine. */
const foreign = new Error("not of the simple syntax");

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  branches(): Branch[] | undefined {
    try {
      const branches: Branch[] = [];
      do {
        const fromStart = this.#take("^");
        const regex = this.#sequence();
        branches.push({ regex, fromStart, toEnd: this.#take("$") });
      } while (this.#take("|"));
      return this.#at === this.#text.length ? branches : undefined;
    } catch (error) {
      if (error === foreign) return undefined;
      throw error;
    }
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #sequence(): Regex {
    const parts: Regex[] = [];
    for (let next = this.#text[this.#at]; next !== undefined; next = this.#text[this.#at]) {
      if (next === "|" || next === ")" || next === "$") break;
      parts.push(this.#repeated(this.#atom(next)));
    }
    return { kind: "sequence", parts };
  }

  #atom(first: string): Regex {
    this.#at++;
    switch (first) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", set: this.#class() };
      case ".":
        return { kind: "set", set: anyBut((code) => code === newline) };
      case "\\":
        return { kind: "set", set: this.#escape() };
      default:
        if ("*+?{}]^".includes(first)) throw foreign;
        return { kind: "set", set: only(codeOf(first)) };
    }
  }

  #group(): Regex {
    if (this.#text[this.#at] === "?") {
      if (!this.#text.startsWith("?:", this.#at)) throw foreign;
      this.#at += 2;
    }
    if (++this.#depth > maxDepth) throw foreign;
    const parts: Regex[] = [];
    do parts.push(this.#sequence());
    while (this.#take("|"));
    if (!this.#take(")")) throw foreign;
    this.#depth--;
    return { kind: "choice", parts };
  }

  /** What follows an atom: at most one repetition, which may be lazy. */
  #repeated(part: Regex): Regex {
    let range: readonly [min: number, max: number];
    const text = this.#text;
    switch (text[this.#at]) {
      case "*":
        range = [0, Number.POSITIVE_INFINITY];
        this.#at++;
        break;
      case "+":
        range = [1, Number.POSITIVE_INFINITY];
        this.#at++;
        break;
      case "?":
        range = [0, 1];
        this.#at++;
        break;
      case "{":
        range = this.#counts();
        break;
      default:
        return part;
    }
    this.#take("?");
    // Two in a row are an error, or mean something else than they say.
    if (text[this.#at] !== undefined && "*+?{".includes(text[this.#at]!)) throw foreign;
    return { kind: "repeat", part, min: range[0], max: range[1] };
  }

  #counts(): readonly [min: number, max: number] {
    counted.lastIndex = this.#at;
    const found = counted.exec(this.#text);
    if (found === null) throw foreign;
    this.#at = counted.lastIndex;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (min > maxRepeat || min > max || (max > maxRepeat && max !== Number.POSITIVE_INFINITY)) throw foreign;
    return [min, max];
  }

  /** Behind a backslash. */
  #escape(): CharSet {
    const char = this.#text[this.#at++];
    const named = char === undefined ? undefined : namedSets[char];
    if (named !== undefined) return named();
    return only(escapedCode(char));
  }

  /** Behind `[`. */
  #class(): CharSet {
    const set = new Uint8Array(charCount);
    const negated = this.#take("^");
    const start = this.#at;
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined || char === "[") throw foreign;
      if (char === "]") {
        if (this.#at - 1 === start) throw foreign;
        break;
      }
      // A hyphen stands for itself as the first or the last only.
      if (char === "-" && this.#at - 1 !== start && this.#text[this.#at] !== "]") throw foreign;
      if (char === "\\") {
        const named = namedSets[this.#text[this.#at] ?? ""];
        if (named !== undefined) {
          this.#at++;
          named().forEach((one, code) => {
            set[code]! |= one;
          });
          if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]") throw foreign;
          continue;
        }
      }
      this.#range(set, char === "\\" ? escapedCode(this.#text[this.#at++]) : codeOf(char));
    }
    return negated ? set.map((one) => 1 - one) : set;
  }

  /** A character of a class, or a range that begins with it. */
  #range(set: Uint8Array, low: number): void {
    let high = low;
    if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]") {
      const char = this.#text[this.#at + 1];
      this.#at += 2;
      if (char === undefined || char === "[" || char === "-") throw foreign;
      high = char === "\\" ? escapedCode(this.#text[this.#at++]) : codeOf(char);
      if (high < low) throw foreign;
    }
    set.fill(1, low, high + 1);
  }
}

const counted = /\{([0-9]{1,3})(,([0-9]{0,3}))?\}/y;

function codeOf(char: string): number {
  const code = char.charCodeAt(0);
  if (code >= charCount) throw foreign;
  return code;
}

const controls: Readonly<Record<string, number>> = { t: 9, n: newline, f: 12, r: 13 };

/** Punctuation stands for itself. */
function escapedCode(char: string | undefined): number {
  if (char === undefined) throw foreign;
  const code = controls[char] ?? codeOf(char);
  if (controls[char] === undefined && !/^[!-/:-@[-`{-~]$/.test(char)) throw foreign;
  return code;
}

const setOf = (has: (code: number) => boolean): CharSet =>
  Uint8Array.from({ length: charCount }, (_, code) => (has(code) ? 1 : 0));
const anyBut = (has: (code: number) => boolean): CharSet => setOf((code) => !has(code));
const only = (code: number): CharSet => setOf((one) => one === code);

const matching = (expression: RegExp) => (code: number) => expression.test(String.fromCharCode(code));
const isDigit = matching(/[0-9]/);
const isWord = matching(/[0-9A-Za-z_]/);
const isSpace = matching(/[\t\n\f\r ]/);

/** Perl's classes as RE2 has them: of ASCII alone. */
const namedSets: Readonly<Record<string, () => CharSet>> = {
  d: () => setOf(isDigit),
  D: () => anyBut(isDigit),
  w: () => setOf(isWord),
  W: () => anyBut(isWord),
  s: () => setOf(isSpace),
  S: () => anyBut(isSpace),
};
