/**
 * The first lines of every executable. It has to load on any Node that can be met, so it imports nothing that old ones
 * lack; the program proper is loaded only after the check.
 */
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

/** The first Node with everything the program needs. */
const oldestNode = [22, 19] as const;

/** What a process may still take to write out its last lines. */
const lingerMs = 2_000;

/** Long after a server's start, which this must not slow down. */
const flushDelayMs = 5_000;

type Program = (args: readonly string[]) => Promise<number>;

/** Loads and runs a program; the process exits with the code it answers, once nothing is left to do. */
export async function launch(load: () => Promise<Program>): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    process.stderr.write(`myriad needs Node ${oldestNode.join(".")} or newer; this is ${process.version}.\n`);
    process.exitCode = 1;
    return;
  }
  // Compiled code is kept beside the program, never in a shared temporary folder that somebody else could fill.
  nodeModule.enableCompileCache(fileURLToPath(new URL("../../node_modules/.cache/myriad", import.meta.url)));
  // Written early as well as at exit, so that a server that is killed leaves the next one a quick start.
  setTimeout(() => nodeModule.flushCompileCache(), flushDelayMs).unref();
  const program = await load();
  const exitCode = await program(process.argv.slice(2));
  process.exitCode = exitCode;
  // Whatever a finished program left open must not keep the process: it ends by itself, or after this.
  setTimeout(() => process.exit(exitCode), lingerMs).unref();
}
