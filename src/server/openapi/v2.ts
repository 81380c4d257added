/**
 * `/openapi/v2`, without definitions. kubectl falls back to it for kinds that no v3 document has (a `List`, a kind that is
 * not served), and goes on without client-side validation when it finds nothing; a 404 would make it stop. Everything
 * that is served is described in v3.
 */
import { WireWriter } from "#machinery/codecs/wire-writer.ts";

export interface OpenApiV2Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const protobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** What client-go still asks for. */
const oldProtobufType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const title = "Kubernetes";

const jsonBody = (version: string): Buffer =>
  Buffer.from(
    JSON.stringify({ swagger: "2.0", info: { title, version }, paths: {}, definitions: {} }),
    "utf8",
  );

/** gnostic's openapi.v2 Document {1: swagger, 2: info {1: title, 2: version}, 8: paths}. Written backwards. */
function protobufBody(version: string): Buffer {
  const out = new WireWriter(256);
  const field = (number: number): number => (number << 3) | 2;
  out.varint(0);
  out.byte(field(8));
  const end = out.length;
  out.string(version);
  out.byte(field(2));
  out.string(title);
  out.byte(field(1));
  out.varint(out.length - end);
  out.byte(field(2));
  out.string("2.0");
  out.byte(field(1));
  return out.take();
}

/** Undefined: nothing the client accepts. */
export function answerOpenApiV2(accept: string | undefined, version: string): OpenApiV2Answer | undefined {
  const types = (accept ?? "")
    .split(",")
    .map((clause) => clause.split(";", 1)[0]?.trim().toLowerCase() ?? "");
  if (types.includes(protobufType) || types.includes(oldProtobufType)) {
    return { headers: { "content-type": protobufType, vary: "Accept" }, body: protobufBody(version) };
  }
  if (
    types.some(
      (type) => type === "" || type === "*/*" || type === "application/*" || type === "application/json",
    )
  ) {
    return { headers: { "content-type": "application/json", vary: "Accept" }, body: jsonBody(version) };
  }
  return undefined;
}
