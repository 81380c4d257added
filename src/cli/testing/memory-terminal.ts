import type { Terminal } from "../terminal.ts";

/** A terminal that keeps what was printed. */
export interface MemoryTerminal extends Terminal {
  printed(): string;
  errors(): string;
}

export function memoryTerminal(
  overrides: Partial<Pick<Terminal, "env" | "workingDirectory" | "homeDirectory">> = {},
): MemoryTerminal {
  let printed = "";
  let errors = "";
  return {
    out: (text) => {
      printed += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
      return Promise.resolve();
    },
    err: (text) => {
      errors += text;
    },
    printed: () => printed,
    errors: () => errors,
    env: {},
    workingDirectory: "/nowhere",
    homeDirectory: "/nowhere/home",
    ...overrides,
  };
}
