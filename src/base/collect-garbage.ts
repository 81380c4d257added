import { getHeapStatistics } from "node:v8";

/** What has lived for a while takes some twenty milliseconds of CPU time for every 30 MiB. */
const largestHeap = 96 * 1_024 * 1_024;

/**
 * Gives back what garbage holds, buffers outside the heap above all: V8 collects when a program goes on allocating, and after a burst it
 * may not. Does nothing with a large heap, or in a process without `--expose-gc`.
 */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) return;
  // Cheap, and most of what a burst has left is young.
  globalThis.gc({ type: "minor" });
  if (getHeapStatistics().used_heap_size <= largestHeap) globalThis.gc();
}
