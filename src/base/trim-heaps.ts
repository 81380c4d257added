/** The free pages of the C library's heaps, given back to the system. */

/** glibc; musl gives pages back by itself. */
const glibc = "libc.so.6";

/**
 * Calls `malloc_trim(0)` of glibc: `free` gives back what lies at the end of a heap only, and one small piece that lives on keeps all that
 * lies before it. In a thread of its own: whoever wants memory of a heap waits meanwhile, some 25 ms where 80 MiB are free.
 * @returns whether pages were given back; undefined where there is no such function, or nothing to call it with (`koffi` is optional)
 */
export async function trimHeaps(): Promise<boolean | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const { default: koffi } = await import("koffi");
    const trim = koffi.load(glibc).func("int malloc_trim(size_t pad)");
    return await new Promise<boolean>((resolve, reject) => {
      trim.async(0, (error: unknown, trimmed: number) => {
        if (error === null) resolve(trimmed === 1);
        else reject(error);
      });
    });
  } catch {
    return undefined;
  }
}
