/**
 * Thrown where a request turns out to be so much work that everybody else would wait: it is to be done once more, from its start, in
 * another thread. Nothing has been written when it is thrown.
 */
export class ElsewhereError extends Error {
  override readonly name = "ElsewhereError";
}
