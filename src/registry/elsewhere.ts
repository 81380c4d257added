/**
 * Thrown where a request turns out to be so much work that everybody else would wait: it is to be done once more, from its start, in
 * another thread, with what the request has got so far (`journal.ts`). Nothing has been written when it is thrown, but for what the
 * journal of a collection's deletion tells.
 */
export class ElsewhereError extends Error {
  override readonly name = "ElsewhereError";
}
