/** POST, PUT, PATCH: decode, hand to the registry, answer in the client's form. */
import { badRequest, invalid, unsupportedMediaType } from "#machinery/errors/errors.ts";
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { parseJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import { applyJsonPatch } from "#machinery/patch/json-patch.ts";
import { applyMergePatch } from "#machinery/patch/merge-patch.ts";
import { applyStrategicMergePatch } from "#machinery/patch/strategic-merge-patch.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { isCustomKind, type Resource } from "#registry/resource.ts";
import type { Requester } from "#registry/strategy.ts";
import { wipeSystemFields } from "#registry/system-fields.ts";
import type { RequestContext } from "#server/context.ts";
import { admissionOf } from "./admission.ts";
import { serveApply } from "./apply.ts";
import { decodeObject, type ExpectedType, normalise, typeMetaErrors } from "./decode-body.ts";
import type { ObjectResponder } from "./encoder.ts";
import { bareType } from "./media-types.ts";
import { requestBody } from "./request-body.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";
import { Tracking } from "./tracking.ts";
import { checkBodyAgainstUrl, parseWriteOptions, type WriteOptions } from "./write-options.ts";

/** A subresource that is a kind of its own: what it shows of an object, and the object that a change of it makes. */
export interface SubresourceView {
  /** The one field of the object that the view writes. */
  readonly replicasPath: readonly string[];
  show(object: KubeObject): KubeObject;
  /** @throws StatusError */
  merge(object: KubeObject, changed: KubeObject): KubeObject;
}

/** One write request, resolved. */
export interface WriteTarget {
  readonly resource: Resource;
  readonly cluster: ClusterName;
  /** The kind of the body and of the answer. */
  readonly expected: ExpectedType;
  /** The version of the object itself, which differs from the body's where there is a view. */
  readonly version: string;
  /** The body is a part of the object in a form of its own. */
  readonly view: SubresourceView | undefined;
}

export const requesterOf = (context: RequestContext): Requester => ({
  user: context.user,
  warn: (text) => context.warn(text),
});

export async function serveCreate(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  encoder: ObjectResponder,
): Promise<void> {
  const options = parseWriteOptions(context.query, "CreateOptions");
  const object = await readObjectBody(services, context, target, options);
  const namespace = namespaceOf(context, target.resource);
  checkBodyAgainstUrl(object.metadata, { name: "", namespace });
  const admission = admissionOf(services, context, target, options);
  const tracking = new Tracking(services.registry.managedFields, context, target, options);
  wipeSystemFields(object);
  const stored = await tracking.storing(async () => {
    const tracked = await tracking.merge(undefined, object);
    return services.registry.create({
      resource: target.resource,
      cluster: target.cluster,
      namespace,
      object: await tracking.afterAdmission(tracked, admission.mutate(tracked, undefined)),
      dryRun: options.dryRun,
      requester: requesterOf(context),
      admit: admission.check,
    });
  });
  encoder.respond(context.exchange, 201, stored);
}

export async function serveUpdate(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  encoder: ObjectResponder,
): Promise<void> {
  const options = parseWriteOptions(context.query, "UpdateOptions");
  const object = await readObjectBody(services, context, target, options);
  const { name, subresource } = context.info;
  const namespace = namespaceOf(context, target.resource);
  checkBodyAgainstUrl(object.metadata, { name, namespace });
  const admission = admissionOf(services, context, target, options);
  const tracking = new Tracking(services.registry.managedFields, context, target, options);
  const result = await tracking.storing(() =>
    services.registry.update({
      resource: target.resource,
      version: target.version,
      cluster: target.cluster,
      namespace,
      name,
      subresource,
      async transform(current) {
        const tracked = await tracking.merge(current, object);
        return tracking.afterAdmission(tracked, admission.mutate(tracked, current));
      },
      dryRun: options.dryRun,
      requester: requesterOf(context),
      admit: admission.check,
    }),
  );
  encoder.respond(context.exchange, result.created ? 201 : 200, result.stored);
}

async function readObjectBody(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  options: WriteOptions,
): Promise<KubeObject> {
  const bytes = await requestBody(services.yaml, context.exchange);
  const contentType = context.exchange.header("content-type");
  const warn = (text: string): void => context.warn(text);
  return defaulted(
    services,
    target,
    decodeObject(services, target.expected, bytes, contentType, options.fieldValidation, warn),
  );
}

/** With the defaults of the kind's code. In other versions than the storage's the registry adds them after conversion. */
function defaulted(services: EndpointServices, target: WriteTarget, object: KubeObject): KubeObject {
  const { resource, version, view } = target;
  if (view === undefined && version === resource.storage.version)
    resource.strategy.applyDefaults?.(object, services.clock.now());
  return object;
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

export async function servePatch(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  encoder: ObjectResponder,
): Promise<void> {
  const type = bareType(context.exchange.header("content-type"));
  // Custom resources, as kcp's kinds are there, have no strategic merge patch (spec 7.1).
  const strategic = !isCustomKind(target.resource);
  const accepted: string[] = [
    patchTypes.json,
    patchTypes.merge,
    ...(strategic ? [patchTypes.strategic] : []),
    patchTypes.apply,
  ];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  if (type === patchTypes.apply) return serveApply(services, context, target, encoder);
  const options = parseWriteOptions(context.query, "PatchOptions");
  const bytes = await requestBody(services.yaml, context.exchange);
  const patch = preparePatch(services, target, type, bytes);
  // Nearly no patch speaks of managed fields: they need not be patched and decoded then.
  const asksManaged = bytes.includes("managedFields") || bytes.includes("\\u");
  const { name, subresource } = context.info;
  const namespace = namespaceOf(context, target.resource);
  const warn = (text: string): void => context.warn(text);
  const admission = admissionOf(services, context, target, options);
  const tracking = new Tracking(services.registry.managedFields, context, target, options);
  const result = await tracking.storing(() =>
    services.registry.update({
      resource: target.resource,
      version: target.version,
      cluster: target.cluster,
      namespace,
      name,
      subresource,
      async transform(current) {
        if (current === undefined) throw badRequest("a patch needs an object to change");
        const shown = target.view?.show(current) ?? (asksManaged ? current : withoutManaged(current));
        const patched = patch(shown as unknown as JsonObject);
        const object = normalisePatched(services, target, patched, bytes, options, warn);
        checkBodyAgainstUrl(object.metadata, { name, namespace });
        const tracked = await tracking.merge(current, object);
        return tracking.afterAdmission(tracked, admission.mutate(tracked, current));
      },
      dryRun: options.dryRun,
      requester: requesterOf(context),
      admit: admission.check,
    }),
  );
  encoder.respond(context.exchange, 200, result.stored);
}

function withoutManaged(object: KubeObject): KubeObject {
  const { managedFields: _kept, ...metadata } = object.metadata;
  return { ...object, metadata };
}

type Patch = (current: JsonObject) => JsonValue;

/** Reads the patch once; it may be applied several times. @throws StatusError 400 for a malformed one */
function preparePatch(services: EndpointServices, target: WriteTarget, type: string, bytes: Buffer): Patch {
  const patch = parseJson(bytes).value;
  if (type === patchTypes.json) return (current) => applyJsonPatch(current, patch);
  if (!isJsonObject(patch))
    throw badRequest(`error decoding patch: expected an object, got ${writeJson(patch).slice(0, 64)}`);
  if (type === patchTypes.merge) return (current) => applyMergePatch(current, patch);
  const schema = { kind: "ref", ref: target.expected.type } as const;
  return (current) => applyStrategicMergePatch(current, patch, schema, services.types);
}

/** As ValidateTypeMeta of apiextensions-apiserver. */
function checkCustomType(
  expected: ExpectedType,
  patched: JsonObject,
  complain: (message: string) => StatusError,
): void {
  const { apiVersion = "", kind = "", metadata } = patched;
  if (typeof kind !== "string" || kind === "") {
    throw complain(`Object 'Kind' is missing in '${writeJson(patched).slice(0, 256)}'`);
  }
  const errors = typeMetaErrors(expected, { apiVersion, kind });
  if (errors.length === 0) return;
  const group = typeof apiVersion === "string" ? (parseApiVersion(apiVersion)?.group ?? "") : "";
  const { name = "" } = isJsonObject(metadata) ? metadata : {};
  throw invalid({ group, kind }, String(name), errors);
}

/** What a patch makes must be an object of the kind; problems are the patch's (422 on field `patch`). */
function normalisePatched(
  services: EndpointServices,
  target: WriteTarget,
  patched: JsonValue,
  bytes: Buffer,
  options: WriteOptions,
  warn: (text: string) => void,
): KubeObject {
  const complain = (message: string): StatusError =>
    invalid({ group: "", kind: "" }, "", [
      fieldInvalid("patch", bytes.toString("utf8").slice(0, 4_096), message),
    ]);
  if (!isJsonObject(patched)) throw complain("the patch result is not an object");
  const { apiVersion, kind } = patched;
  if (target.expected.compiled !== undefined) checkCustomType(target.expected, patched, complain);
  const object = ((): KubeObject => {
    try {
      return defaulted(
        services,
        target,
        normalise(
          services,
          target.expected,
          { value: patched, duplicates: [] },
          options.fieldValidation,
          warn,
        ),
      );
    } catch (error) {
      if (error instanceof StatusError && error.code === 400) throw complain(error.message);
      throw error;
    }
  })();
  if (apiVersion !== object.apiVersion || kind !== object.kind) {
    throw badRequest("the patch changes apiVersion or kind, which are fixed by the URL");
  }
  return object;
}
