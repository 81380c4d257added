import type { Readable } from "node:stream";
import { badRequest, requestEntityTooLarge } from "#machinery/errors/errors.ts";
import { tooManyRequestsText } from "../text-error.ts";

/** Counts the bytes of all bodies being read, so that many large uploads cannot fill the memory together. */
export class BodyBudget {
  #free: number;
  constructor(bytes: number) {
    this.#free = bytes;
  }
  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }
  give(bytes: number): void {
    this.#free += bytes;
  }
}

const nothing = Buffer.alloc(0);

/**
 * Collects a body. The budget holds its bytes until it has ended.
 * @throws StatusError 413 beyond `limitBytes`, 400 when it ends early; TextError 429 when the budget is used up.
 */
export function readBody(
  source: Readable,
  contentLength: string | undefined,
  limitBytes: number,
  budget: BodyBudget,
): Promise<Buffer> {
  if (contentLength !== undefined && Number(contentLength) > limitBytes) {
    source.resume();
    return Promise.reject(requestEntityTooLarge(limitBytes));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;
    const settle = (error: Error | undefined): void => {
      if (settled) return;
      settled = true;
      budget.give(size);
      if (error === undefined) {
        resolve(
          chunks.length === 0 ? nothing : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size),
        );
        return;
      }
      chunks.length = 0;
      reject(error);
    };
    source.on("data", (chunk: Buffer) => {
      // After a refusal the rest is read and dropped, so that the client gets to see the answer.
      if (settled) return;
      if (size + chunk.length > limitBytes) return settle(requestEntityTooLarge(limitBytes));
      if (!budget.take(chunk.length))
        return settle(tooManyRequestsText("Too many requests, please try again later.", 1));
      size += chunk.length;
      chunks.push(chunk);
    });
    source.on("end", () => settle(undefined));
    source.on("close", () => {
      // Every stream closes, and an error costs its stack.
      if (!settled) settle(badRequest("the client ended the request body early"));
    });
    source.on("error", (error) => settle(badRequest(`unable to read the request body: ${error.message}`)));
  });
}
