import { ElsewhereError } from "#registry/elsewhere.ts";
import type { RequestContext } from "#server/context.ts";
import { MAX_BODY_BYTES } from "#server/exchange.ts";
import { bareType } from "./media-types.ts";
import type { EndpointServices } from "./services.ts";

const yamlTypes: ReadonlySet<string> = new Set(["application/yaml", "application/apply-patch+yaml"]);

/** The body of a request, ready to be decoded. @throws StatusError 413, 429; ElsewhereError */
export async function requestBody(
  { yaml, limits }: Pick<EndpointServices, "yaml" | "limits">,
  { exchange, info }: RequestContext,
): Promise<Buffer> {
  const bytes = await exchange.readBody(MAX_BODY_BYTES);
  if (limits?.isLarge(bytes, info.apiGroup) === true) throw new ElsewhereError();
  if (yamlTypes.has(bareType(exchange.header("content-type")))) await yaml.prepare(bytes);
  return bytes;
}
