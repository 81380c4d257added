import { destination, pino } from "pino";

/** One line for the operator; `error` is a bug or a failing part of the machine. */
export type Log = (message: string, error?: unknown) => void;

/** klog's verbosity in pino's words: errors and what an operator must know are always seen. */
const levels = ["info", "info", "info", "info", "debug", "debug", "trace"] as const;

/** Structured lines on stderr, one JSON object each. */
export function createLog(verbosity: number): Log {
  const logger = pino(
    { level: levels[verbosity] ?? "trace", base: null },
    destination({ fd: 2, sync: true }),
  );
  return (message, error) => {
    if (error === undefined) logger.info(message);
    else logger.error({ err: error }, message);
  };
}
