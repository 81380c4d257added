/** The text of an expression, and what is wrong with it: places, and upstream's display of issues with a caret. */
import type { CelIssue } from "./errors.ts";

/** Issues beyond this many are only counted (cel-go). */
const maxIssues = 100;
/** Lines longer than this are not shown below an issue (cel-go). */
const maxSnippetLength = 16_384;

/** The offset of an issue that has no place. */
export const noOffset = -1;

const wideDot = "\uff0e";

interface ShownLine {
  readonly snippet: string;
  readonly dots: string;
}

export class Source {
  readonly text: string;
  /** UTF-16 offsets at which lines start. */
  readonly #lines: number[] = [0];
  readonly #issues: CelIssue[] = [];
  readonly #shown = new Map<number, ShownLine>();
  #count = 0;

  constructor(text: string) {
    this.text = text;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#lines.push(at + 1);
  }

  get issues(): readonly CelIssue[] {
    return this.#issues;
  }

  get hasIssues(): boolean {
    return this.#count > 0;
  }

  /** Notes an issue at a UTF-16 offset. */
  report(offset: number, text: string): void {
    this.#count++;
    if (this.#count > maxIssues) return;
    this.#issues.push({ ...this.#place(offset), text });
  }

  /** All issues in upstream's form, those of earlier places first. */
  display(): string {
    const sorted = this.#issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const shown = sorted.map((issue) => this.#displayIssue(issue));
    if (this.#count > maxIssues) shown.push(`${this.#count - maxIssues} more errors were truncated`);
    return shown.join("\n");
  }

  #place(offset: number): { line: number; column: number } {
    if (offset < 0) return { line: -1, column: -1 };
    // The end of no text is before its beginning, says upstream's parser.
    if (this.text === "") return { line: 1, column: -1 };
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lines[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: countCodePoints(this.text.slice(this.#lines[low]!, offset)) };
  }

  #displayIssue({ line, column, text }: CelIssue): string {
    const head = `ERROR: <input>:${line}:${column + 1}: ${text}`;
    const shown = this.#shownLine(line);
    if (shown === undefined) return head;
    const { snippet, dots } = shown;
    const before = dots.slice(0, Math.max(column, 0));
    return `${head}\n | ${snippet}\n | ${before}${dots[column] === wideDot ? "\uff3e" : "^"}`;
  }

  /** A line, and dots as wide as its letters: those beyond ASCII are shown wide. */
  #shownLine(line: number): ShownLine | undefined {
    const start = this.#lines[line - 1];
    if (start === undefined || this.text === "") return undefined;
    const known = this.#shown.get(line);
    if (known !== undefined) return known;
    const end = this.#lines[line];
    const snippet = this.text.slice(start, end === undefined ? undefined : end - 1).replaceAll("\t", " ");
    if (Buffer.byteLength(snippet) > maxSnippetLength) return undefined;
    const dots = Array.from(snippet, (point) => (point > "\x7f" ? wideDot : ".")).join("");
    const shown = { snippet, dots };
    this.#shown.set(line, shown);
    return shown;
  }
}

/** Unicode code points of a string, which is what CEL calls its size. */
export function countCodePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
      count--;
      at++;
    }
  }
  return count;
}
