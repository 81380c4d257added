import { once } from "node:events";
import { homedir } from "node:os";
import type { Terminal } from "./terminal.ts";

/** The terminal of this very process. A reader that went away (`myriad store get ... | head`) ends it quietly. */
export function processTerminal(): Terminal {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    out: async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, "drain");
    },
    err: (text) => {
      process.stderr.write(text);
    },
    env: process.env,
    workingDirectory: process.cwd(),
    homeDirectory: homedir(),
  };
}
