/** Where options meet the server's composition root: the one file of this room that builds a server. */
import type { AdminCredentials } from "./kubeconfig.ts";
import type { StartOptions } from "./options.ts";
import type { RunningServer } from "./start.ts";
import { CommandError } from "./terminal.ts";

/** Builds the server that the options describe, and writes the administrator's kubeconfig. */
export function serve(_options: StartOptions): Promise<RunningServer> {
  return Promise.reject(new CommandError("the server is not connected to the command line yet"));
}

export interface ServerInMemory {
  readonly url: string;
  readonly credentials: AdminCredentials;
  close(): Promise<void>;
}

/** A server on the memory engine, at loopback, that writes no file. */
export function serveInMemory(_options: {
  readonly port?: number;
  readonly historyRetentionMs?: number;
}): Promise<ServerInMemory> {
  return Promise.reject(new CommandError("the server is not connected to the command line yet"));
}
