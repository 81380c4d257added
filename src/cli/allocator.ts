/**
 * Memory that is given back. glibc takes large pieces from the system one by one at first, but learns from each one that is freed to
 * take the next, up to 32 MiB, from its heaps, which have holes ever after: once some large bodies had been read, 100 MiB stayed
 * with an idle server. Fixed limits stop that learning, and are read from the environment when a process begins.
 */

/**
 * Bytes of a piece that is taken by itself; and of what may be free at a heap's end. With less, more is given back, and reading large
 * objects costs more (docs/figures.md).
 */
export const allocatorLimits = {
  MALLOC_MMAP_THRESHOLD_: "1048576",
  MALLOC_TRIM_THRESHOLD_: "8388608",
  // Heaps that threads have of their own.
  MALLOC_ARENA_MAX: "2",
};

/**
 * Begins this process anew with the limits, but for those that are set already, and with `gc` (`base/give-back-memory.ts`), in its place: it
 * keeps its ID, arguments and files. Not where it cannot be done, or was.
 */
export function restartWithAllocatorLimits(): void {
  const { platform, env, execPath, execArgv, argv, channel } = process;
  // Its parent's channel would be lost.
  if (platform !== "linux" || channel !== undefined || process.execve === undefined) return;
  if (globalThis.gc !== undefined) return;
  process.execve(execPath, [execPath, "--expose-gc", ...execArgv, ...argv.slice(1)], {
    ...allocatorLimits,
    ...env,
  });
}
