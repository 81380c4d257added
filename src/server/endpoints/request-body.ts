import { type Exchange, MAX_BODY_BYTES } from "#server/exchange.ts";

const bodies = new WeakMap<Exchange, Promise<Buffer>>();

/** The body of a request; the same one when it is asked for again, because the request is gone through once more. */
export function requestBody(exchange: Exchange): Promise<Buffer> {
  let body = bodies.get(exchange);
  if (body === undefined) {
    body = exchange.readBody(MAX_BODY_BYTES);
    bodies.set(exchange, body);
  }
  return body;
}
