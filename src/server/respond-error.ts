import { statusOf } from "#machinery/errors/errors.ts";
import { ForeignError, type Status } from "#machinery/errors/status-error.ts";
import type { Exchange } from "./exchange.ts";
import { TextError } from "./text-error.ts";

/** Writes a Status in the form that the client asked for. */
export type StatusWriter = (exchange: Exchange, status: Status) => void;

/** The form that needs no negotiation. */
export const writeJsonStatus: StatusWriter = (exchange, status) => {
  exchange.audit?.answers(status);
  exchange.respond(status.code, { "content-type": "application/json" }, JSON.stringify(status));
};

/** Answers with an error: TextError as a line of text, StatusError as it is, everything else as 500 InternalError. */
export function respondError(exchange: Exchange, error: unknown, write: StatusWriter): void {
  if (exchange.closed) return;
  if (exchange.responded) {
    // Half an answer must not look like a whole one.
    exchange.abort();
    return;
  }
  if (error instanceof TextError) {
    respondText(exchange, error.status, `${error.message}\n`, error.headers);
    return;
  }
  const status = statusOf(error);
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter !== undefined) exchange.setHeader("retry-after", String(retryAfter));
  write(exchange, status);
}

/** Plain text as upstream's `http.Error` writes it. */
export function respondText(
  exchange: Exchange,
  status: number,
  text: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  exchange.respond(
    status,
    { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
    text,
  );
}

/** True for errors that are nobody's plan: worth a line in the log. */
export const isBug = (error: unknown): boolean =>
  !(error instanceof TextError || error instanceof ForeignError) &&
  statusOf(error).code === 500 &&
  statusOf(error).reason === "InternalError";
