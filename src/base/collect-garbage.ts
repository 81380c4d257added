import { getHeapStatistics } from "node:v8";

/** What has lived for a while takes some twenty milliseconds of CPU time for every 30 MiB. */
const largestHeap = 96 * 1_024 * 1_024;
/** Twice that in one go. */
const largestLive = 48 * 1_024 * 1_024;

/**
 * Gives back what garbage holds, buffers outside the heap above all: V8 collects when a program goes on allocating, and after a burst it
 * may not. In three turns of the event loop. Does nothing with a large heap, or in a process without `--expose-gc`.
 */
export function collectGarbage(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const used = (): number => getHeapStatistics().used_heap_size;
  // Cheap, and most of what a burst has left is young.
  gc({ type: "minor" });
  if (used() > largestHeap) return;
  setImmediate(() => {
    gc();
    // V8 holds on to the pages that are empty now, some 130 MiB of them, unless it is told that this is the last resort.
    if (used() <= largestLive) setImmediate(() => gc({ type: "major", flavor: "last-resort" }));
  });
}
