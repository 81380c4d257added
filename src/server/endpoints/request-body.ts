import { type Exchange, MAX_BODY_BYTES } from "#server/exchange.ts";
import type { YamlBodies } from "#server/yaml/yaml-bodies.ts";
import { bareType } from "./media-types.ts";

const yamlTypes: ReadonlySet<string> = new Set(["application/yaml", "application/apply-patch+yaml"]);
const bodies = new WeakMap<Exchange, Promise<Buffer>>();

/**
 * The body of a request, ready to be decoded; the same one when it is asked for again, because the request is gone through
 * once more. @throws StatusError 413, 429
 */
export function requestBody(yaml: YamlBodies, exchange: Exchange): Promise<Buffer> {
  let body = bodies.get(exchange);
  if (body === undefined) {
    body = readBody(yaml, exchange);
    bodies.set(exchange, body);
  }
  return body;
}

async function readBody(yaml: YamlBodies, exchange: Exchange): Promise<Buffer> {
  const bytes = await exchange.readBody(MAX_BODY_BYTES);
  if (yamlTypes.has(bareType(exchange.header("content-type")))) await yaml.prepare(bytes);
  return bytes;
}
