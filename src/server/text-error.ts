import type { ResponseHeaders } from "./exchange.ts";

/** An error that upstream answers as a line of plain text instead of a Status (404 page not found, 429 of flow control). */
export class TextError extends Error {
  override readonly name = "TextError";
  readonly status: number;
  readonly headers: ResponseHeaders;
  constructor(status: number, text: string, headers: ResponseHeaders = {}) {
    super(text);
    this.status = status;
    this.headers = headers;
  }
}

export const pageNotFound = (): TextError => new TextError(404, "404 page not found");

export const tooManyRequestsText = (text: string, retryAfterSeconds: number): TextError =>
  new TextError(429, text, { "retry-after": String(retryAfterSeconds) });
