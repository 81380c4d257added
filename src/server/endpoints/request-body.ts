import { ElsewhereError } from "#registry/elsewhere.ts";
import type { RequestContext } from "#server/context.ts";
import { type Exchange, MAX_BODY_BYTES } from "#server/exchange.ts";
import { bareType } from "./media-types.ts";
import type { EndpointServices } from "./services.ts";

const yamlTypes: ReadonlySet<string> = new Set(["application/yaml", "application/apply-patch+yaml"]);
const bodies = new WeakMap<Exchange, Promise<Buffer>>();

/** The bytes; the same ones when they are asked for again, because the request is gone through once more. @throws StatusError 413 */
export function rawBody(exchange: Exchange): Promise<Buffer> {
  let body = bodies.get(exchange);
  if (body === undefined) {
    body = exchange.readBody(MAX_BODY_BYTES);
    bodies.set(exchange, body);
  }
  return body;
}

/** The body of a request, ready to be decoded. @throws StatusError 413, 429; ElsewhereError */
export async function requestBody(
  { yaml, limits }: Pick<EndpointServices, "yaml" | "limits">,
  { exchange, info }: RequestContext,
): Promise<Buffer> {
  const bytes = await rawBody(exchange);
  if (limits?.isLarge(bytes, info.apiGroup) === true) throw new ElsewhereError();
  if (yamlTypes.has(bareType(exchange.header("content-type")))) await yaml.prepare(bytes);
  return bytes;
}
