/** The scale subresource of any kind that describes one: how it is answered, and what a change of it changes. */
import type { ResourceVersion } from "#api/resource.ts";
import {
  hasReplicas,
  replicasOf,
  type ScaleDescription,
  scaleOf,
  scaleType,
  withReplicas,
} from "#api/scale.ts";
import { encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { badRequest, conflict, foreignError, invalid } from "#machinery/errors/errors.ts";
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { objectMetaErrors } from "#machinery/meta/validation.ts";
import { convertTo, type Resource } from "#registry/resource.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { RequestContext } from "#server/context.ts";
import type { ObjectResponder } from "./encoder.ts";
import { JsonEncoder, styled } from "./json-encoder.ts";
import { includeObject, styleOf } from "./make-encoder.ts";
import { contentTypes, type MediaType } from "./media-types.ts";
import { partialMetadata, partialMetadataType, tableShape } from "./meta-shapes.ts";
import type { EndpointServices } from "./services.ts";
import type { SubresourceView } from "./write-target.ts";

/** What stands in a Scale whose object does not say how many replicas it wants: the smallest int32, as upstream. */
const unset = -(2 ** 31);

const fieldOf = ({ specReplicasPath }: ScaleDescription): string =>
  JSON.stringify(`.${specReplicasPath.join(".")}`);

/** @throws StatusError 400 */
function mustScaleOf(object: KubeObject, description: ScaleDescription): KubeObject {
  const scale = scaleOf(object, description);
  if (scale === undefined) throw badRequest("the label selector has an operator that is not valid");
  return scale;
}

/**
 * Scale of one kind, for updates (scaleUpdatedObjectInfo in pkg/registry/apps/deployment/storage/storage.go and in
 * apiextensions-apiserver pkg/registry/customresource/etcd.go): only the replicas of a Scale count, and its
 * `metadata.uid` and `metadata.resourceVersion` as preconditions.
 */
export function scaleView(
  resource: Pick<Resource, "group" | "resource" | "namespaced" | "custom">,
  description: ScaleDescription,
): SubresourceView {
  return {
    replicasPath: description.specReplicasPath,
    show(object) {
      const scale = mustScaleOf(object, description);
      return hasReplicas(object, description) ? scale : { ...scale, spec: { replicas: unset } };
    },
    merge(object, changed) {
      const name = object.metadata.name ?? "";
      const { namespace } = object.metadata;
      const { uid = "", resourceVersion = "" } = changed.metadata;
      const replicas = replicasOf(changed);
      if (replicas === unset) {
        throw badRequest(`the spec replicas field ${fieldOf(description)} cannot be empty`);
      }
      const metadata = { ...changed.metadata, ...(namespace !== undefined && { namespace }) };
      const errors = objectMetaErrors({ ...changed, metadata }, { namespaced: resource.namespaced });
      // Custom kinds say so themselves, of the field that they have it in.
      if (replicas < 0 && resource.custom === undefined)
        errors.push(fieldInvalid("spec.replicas", replicas, "must be greater than or equal to 0"));
      if (errors.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, errors);
      if (uid !== "" && uid !== object.metadata.uid) {
        throw conflict(
          { group: resource.group, resource: `${resource.resource}/scale` },
          name,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
        );
      }
      const scaled = withReplicas(object, description, replicas);
      return resourceVersion === ""
        ? scaled
        : { ...scaled, metadata: { ...scaled.metadata, resourceVersion } };
    },
  };
}

/** Answers with the Scale of a stored object in the form that was negotiated. */
export function scaleResponder(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  { version }: ResourceVersion,
  description: ScaleDescription,
  media: MediaType,
): ObjectResponder {
  const { format, shape, metaVersion } = media;
  const view = (stored: StoredObject): KubeObject =>
    shownScale(convertTo(resource, stored.object, version), description);
  if (shape === "Table") {
    const include = includeObject(context.query.get("includeObject") ?? "");
    const columns = services.columns.columnsFor("autoscaling", "scales");
    const now = (): number => services.clock.now();
    const table = tableShape(columns, metaVersion, include, (stored) => json(view(stored)), now, view);
    return new JsonEncoder(table, styleOf(context, media));
  }
  const shown = (stored: StoredObject): object =>
    shape === "object" ? view(stored) : (partialMetadata(view(stored), metaVersion) as object);
  const contentType = contentTypes[format];
  const encode = (object: object): Buffer =>
    format === "protobuf"
      ? encodeObjectProtobuf(services.protobuf, shape === "object" ? scaleType : partialMetadataType, object)
      : styled(Buffer.from(writeJson(json(object)), "utf8"), styleOf(context, media));
  return {
    style: styleOf(context, media),
    parses: () => true,
    respond(exchange, code, stored) {
      const scale = shown(stored);
      exchange.audit?.responds(() => Buffer.from(writeJson(json(scale)), "utf8"));
      exchange.respond(code, { "content-type": contentType }, encode(scale));
    },
  };
}

const json = (object: object): JsonValue => object as JsonValue;

/** @throws StatusError 500 when the object does not say how many replicas it wants, 400 for a broken selector */
function shownScale(object: KubeObject, description: ScaleDescription): KubeObject {
  if (hasReplicas(object, description)) return mustScaleOf(object, description);
  // As upstream, and no bug of this server: the definition lets such objects be.
  throw foreignError(`the spec replicas field ${fieldOf(description)} does not exist`);
}
