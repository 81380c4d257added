/** What a burst of work leaves behind. */
import type { Clock } from "./clock.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { trimHeaps } from "./trim-heaps.ts";

/** Buffers of collected objects are freed in other threads. */
const freedMs = 1_000;

/**
 * Collects garbage, and gives the system back what it held. Does nothing in a process without `--expose-gc`: whoever embeds the server decides
 * for his own.
 */
export function giveBackMemory(clock: Clock): void {
  if (globalThis.gc === undefined) return;
  collectGarbage();
  clock.after(freedMs, () => void trimHeaps());
}
