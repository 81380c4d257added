/** Collects warnings for one answer (k8s.io/apiserver pkg/endpoints/filters/warning.go). */

/** Above this many characters in all, each text is cut to {@link MAX_WARNING_CHARACTERS}. */
const MAX_TOTAL_CHARACTERS = 4096;
const MAX_WARNING_CHARACTERS = 256;

export class Warnings {
  readonly #texts = new Set<string>();

  /** False when the text was there already, is empty, or holds control characters: such texts are not told, as upstream. */
  add(text: string): boolean {
    if (text === "" || this.#texts.has(text) || /\p{Cc}/u.test(text)) return false;
    this.#texts.add(text);
    return true;
  }

  /** Values of the `Warning` headers, in order. */
  headers(): string[] {
    let total = 0;
    for (const text of this.#texts) total += characters(text);
    const cut = total > MAX_TOTAL_CHARACTERS;
    const headers: string[] = [];
    let written = 0;
    for (const text of this.#texts) {
      if (cut && written >= MAX_TOTAL_CHARACTERS) break;
      const shown = cut ? [...text].slice(0, MAX_WARNING_CHARACTERS).join("") : text;
      written += characters(shown);
      headers.push(warningHeader(shown));
    }
    return headers;
  }
}

const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/** `299 - "text"`; headers carry bytes, so anything outside visible ASCII goes as UTF-8 in Latin-1 characters. */
function warningHeader(text: string): string {
  let escaped = "";
  for (const char of text) {
    escaped += char === '"' || char === "\\" ? `\\${char}` : char;
  }
  return `299 - "${Buffer.from(escaped, "utf8").toString("latin1")}"`;
}
