/** Status answers, in the client's format where it is one that Status has. */
import { encodeStatusProtobuf } from "#machinery/codecs/envelope.ts";
import { writeYaml } from "#machinery/codecs/yaml.ts";
import type { Status } from "#machinery/errors/status-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { Exchange } from "#server/exchange.ts";
import { contentTypes } from "./media-types.ts";
import type { EndpointServices } from "./services.ts";

/** Answers a Status (or the codeless one of a delete); what cannot be negotiated is answered as JSON. */
export function respondStatus(
  services: Pick<EndpointServices, "negotiator" | "protobuf">,
  exchange: Exchange,
  code: number,
  status: object,
): void {
  const offer = { list: false, stream: false, transforms: false, protobuf: true };
  const media = services.negotiator.negotiate(exchange.header("accept"), offer);
  // As upstream, which writes what cannot be negotiated past its audit log.
  if (media !== undefined) exchange.audit?.answers(status);
  const format = media?.format ?? "json";
  const retryAfter = (status as Status).details?.retryAfterSeconds;
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  if (format === "protobuf") {
    const body = encodeStatusProtobuf(services.protobuf, status as Status);
    exchange.respond(code, { ...headers, "content-type": contentTypes.protobuf }, body);
  } else if (format === "yaml") {
    const text = writeYaml(status as JsonObject);
    exchange.respond(code, { ...headers, "content-type": contentTypes.yaml }, text);
  } else {
    exchange.respond(code, { ...headers, "content-type": contentTypes.json }, `${JSON.stringify(status)}\n`);
  }
}
