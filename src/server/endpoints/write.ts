/** POST, PUT, PATCH: decode, hand to the registry, answer in the client's form. */
import { badRequest, unsupportedMediaType, unsupportedMediaTypeGeneric } from "#machinery/errors/errors.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { isCustomKind, type Resource } from "#registry/resource.ts";
import type { Requester } from "#registry/strategy.ts";
import { wipeSystemFields } from "#registry/system-fields.ts";
import type { RequestContext } from "#server/context.ts";
import { admissionOf } from "./admission.ts";
import { serveApply } from "./apply.ts";
import { decodeObject, type ExpectedType } from "./decode-body.ts";
import type { ObjectResponder } from "./encoder.ts";
import { bareType } from "./media-types.ts";
import { patchedObject, readPatch } from "./patch.ts";
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
      largestHere: services.limits?.storedBytes(context.info.apiGroup),
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
  const bytes = await requestBody(services, context);
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
  if (view !== undefined) return object;
  if (version === resource.storage.version) resource.strategy.applyDefaults?.(object, services.clock.now());
  else resource.strategy.defaultsIn?.(version, object);
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
  if (!accepted.includes(type))
    throw strategic ? unsupportedMediaTypeGeneric() : unsupportedMediaType(accepted);
  if (type === patchTypes.apply) return serveApply(services, context, target, encoder);
  const options = parseWriteOptions(context.query, "PatchOptions");
  const bytes = await requestBody(services, context);
  const kind = type === patchTypes.json ? "json" : type === patchTypes.merge ? "merge" : "strategic";
  const { fieldValidation } = options;
  // Copies of copies make much of a small body.
  if (kind === "json" && services.limits !== undefined && (bytes.includes("copy") || bytes.includes("\\u")))
    throw new ElsewhereError();
  const patch = readPatch(services.types, target.expected, kind, bytes, fieldValidation);
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
      patches: true,
      async transform(current) {
        if (current === undefined) throw badRequest("a patch needs an object to change");
        const shown = target.view?.show(current) ?? (asksManaged ? current : withoutManaged(current));
        const patched = patch.apply(shown as unknown as JsonObject);
        const { expected } = target;
        const decoded = patchedObject(services, expected, patch, patched, fieldValidation, warn);
        const object = defaulted(services, target, decoded);
        checkBodyAgainstUrl(object.metadata, { name, namespace });
        const tracked = await tracking.merge(current, object);
        return tracking.afterAdmission(tracked, admission.mutate(tracked, current));
      },
      dryRun: options.dryRun,
      requester: requesterOf(context),
      admit: admission.check,
      largestHere: services.limits?.storedBytes(context.info.apiGroup),
    }),
  );
  encoder.respond(context.exchange, 200, result.stored);
}

function withoutManaged(object: KubeObject): KubeObject {
  const { managedFields: _kept, ...metadata } = object.metadata;
  return { ...object, metadata };
}
