import type { StartOptions } from "./options.ts";
import type { RunningServer } from "./start.ts";
import { CommandError } from "./terminal.ts";

/** Builds the server that the options describe. */
export function serve(_options: StartOptions): Promise<RunningServer> {
  return Promise.reject(new CommandError("the server is not connected to the command line yet"));
}
