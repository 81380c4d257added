import type { ResourceVersion } from "#api/resource.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { Resource } from "#registry/resource.ts";
import type { RequestContext } from "#server/context.ts";
import type { EncoderOrigin, JsonStyle, ObjectEncoder } from "./encoder.ts";
import { JsonEncoder, objectShape } from "./json-encoder.ts";
import type { MediaType } from "./media-types.ts";
import { type IncludeObject, partialShape, tableShape } from "./meta-shapes.ts";
import { objectProtobufEncoder, partialProtobufEncoder } from "./protobuf-encoder.ts";
import type { EndpointServices } from "./services.ts";
import { wantsPretty } from "./write-options.ts";

/** The encoder for what was negotiated. The common ones, without state of their own, are made once and kept. */
export function makeEncoder(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  version: ResourceVersion,
  media: MediaType,
): ObjectEncoder {
  const { shape } = media;
  const include = shape === "Table" ? includeObject(context.query.get("includeObject") ?? "") : "None";
  const { group, resource: name } = resource;
  const style = styleOf(context, media);
  return encoderOf(services, resource, version, {
    group,
    resource: name,
    version: version.version,
    media,
    style,
    include,
  });
}

/** The same from what it says of itself. */
export function encoderOf(
  services: EndpointServices,
  resource: Resource,
  version: ResourceVersion,
  origin: EncoderOrigin,
): ObjectEncoder {
  const { media, style, include } = origin;
  const { format, shape, metaVersion } = media;
  if (shape === "Table") {
    const object = objectShape(resource, version.version, version.kind);
    const columns =
      resource.custom?.get(version.version)?.columns ??
      services.columns.columnsFor(resource.group, resource.resource);
    const now = (): number => services.clock.now();
    return new JsonEncoder(
      tableShape(columns, metaVersion, include, (stored) => readOwnJson(object.one(stored)), now),
      style,
      origin,
    );
  }
  if (resource.custom !== undefined) return makeStateless(services, resource, version, origin);
  // One key for each of a few hundred kinds and a handful of forms: bounded by the catalogue.
  const key = `${resource.group}/${resource.resource}/${version.version} ${format} ${shape} ${metaVersion} ${style.pretty ? "pretty" : ""}`;
  const known = services.encoders.get(key);
  if (known !== undefined) return known;
  const encoder = makeStateless(services, resource, version, origin);
  services.encoders.set(key, encoder);
  return encoder;
}

export const styleOf = (context: RequestContext, { format, pretty }: MediaType): JsonStyle => ({
  yaml: format === "yaml",
  pretty: format === "json" && (pretty || wantsPretty(context.query, context.exchange.header("user-agent"))),
});

function makeStateless(
  services: EndpointServices,
  resource: Resource,
  version: ResourceVersion,
  origin: EncoderOrigin,
): ObjectEncoder {
  const { media, style } = origin;
  const { format, shape, metaVersion } = media;
  if (format !== "protobuf") {
    return new JsonEncoder(
      shape === "object" ? objectShape(resource, version.version, version.kind) : partialShape(metaVersion),
      style,
      origin,
    );
  }
  if (shape !== "object") return partialProtobufEncoder(services.protobuf, metaVersion, origin);
  return objectProtobufEncoder(services.protobuf, resource, version, origin);
}

/** @throws StatusError 400 */
export function includeObject(text: string): IncludeObject {
  if (text === "" || text === "Metadata") return "Metadata";
  if (text === "None" || text === "Object") return text;
  const why = `Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw badRequest(`Unable to convert to Table as requested: includeObject: ${why}`);
}
