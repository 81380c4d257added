/** What a command sees of the process it runs in. Commands take it as an argument, so that tests need no process. */
export interface Terminal {
  /** Resolves when the text was handed to the system or buffered within bounds. */
  out(text: string | Uint8Array): Promise<void>;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
}

/** A failure that is the user's to mend: printed as `error: <message>`, without a stack. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The text for an error that reached the top of a command; a stack only for what is a bug. */
export function errorText(error: unknown, verbose = false): string {
  if (!(error instanceof Error)) return `error: ${String(error)}\n`;
  return `error: ${verbose ? (error.stack ?? error.message) : error.message}\n`;
}
