/** What the compiled walkers share. */
import type { JsonValue } from "#machinery/json/value.ts";

/** The state of one walk. */
export interface Walk {
  /** A field was seen that the schema does not know. */
  unknown: boolean;
  depth: number;
}

/** The normal form of a value. Throws {@link wrongType} for a value that the type cannot hold. */
export type Walker = (value: JsonValue, state: Walk) => JsonValue;

/** Thrown by walkers for a value of the wrong type; the slow walk then finds the text. */
export const wrongType: Error = new Error("value of the wrong type");

/** A value cannot be held by the type. The message is Go's, to be put behind `X in version "v1" cannot be handled as a X: `. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}
