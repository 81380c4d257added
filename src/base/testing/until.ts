/** How long a test waits for what must come, in milliseconds. It ends tests that hang, on the slowest machine, and measures nothing. */
export const patienceMs = 180_000;

/**
 * Resolves when `holds` says so: asked again every few milliseconds.
 * @throws Error that says `what` when it does not come to be
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so after ${patienceMs / 1_000} seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
