import { badRequest } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";

/** Text that is no JSON, or JSON beyond the limits. Answered as 400 with Go's words, e.g. `unexpected end of JSON input`. */
export class JsonSyntaxError extends StatusError {
  /** UTF-16 offset into the text; -1 when not known. */
  readonly offset: number;
  constructor(message: string, offset = -1) {
    super(badRequest(message).status);
    this.offset = offset;
  }
}
