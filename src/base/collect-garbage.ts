import { getHeapStatistics } from "node:v8";

/** Up to this, a collection takes some twenty milliseconds of CPU time. */
const largestHeap = 48 * 1_024 * 1_024;

/**
 * Gives back what garbage holds, buffers outside the heap above all: V8 collects when a program goes on allocating, and after a burst it
 * may not. Does nothing with a large heap, or in a process without `--expose-gc`.
 */
export function collectGarbage(): void {
  if (globalThis.gc !== undefined && getHeapStatistics().used_heap_size <= largestHeap) globalThis.gc();
}
