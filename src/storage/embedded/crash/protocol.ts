/** What the crash campaign's writer and its judge agree on. */
import type { Key } from "../../port.ts";

/** Concurrent writers; each has a group of keys that every one of its transactions sets to one number. */
export const lanes = 8;
export const keysPerLane = 4;

export const laneKey = (lane: number, index: number): Key =>
  `/registry/core/lanes/lane${lane}/k${index}` as Key;
/** Created once by transaction `n` of a lane, never changed. */
export const markKey = (lane: number, n: number): Key => `/registry/core/marks/lane${lane}/${n}` as Key;

/** A line of the writer's output. */
export type Line =
  /** Transaction `n` of a lane was answered with these revisions (lane keys in order, then the mark). */
  | {
      readonly type: "acked";
      readonly lane: number;
      readonly n: number;
      readonly revisions: readonly number[];
    }
  /** A watch showed this change. */
  | { readonly type: "shown"; readonly revision: number; readonly key: string };

export function parseLine(text: string): Line | undefined {
  const [type, first, second, third, end] = text.split(" ");
  // A line that the kill cut off counts for nothing.
  if (end !== ";") return undefined;
  if (type === "A")
    return {
      type: "acked",
      lane: Number(first),
      n: Number(second),
      revisions: third!.split(",").map(Number),
    };
  return type === "S" ? { type: "shown", revision: Number(first), key: second! } : undefined;
}
