/** POST, PUT, PATCH: decode, hand to the registry, answer in the client's form. */
import { badRequest, unsupportedMediaType, unsupportedMediaTypeGeneric } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { readJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { Moment } from "#registry/journal.ts";
import { isCustomKind } from "#registry/resource.ts";
import { dropRepeatedOwners } from "#registry/strategies/common.ts";
import { wipeSystemFields } from "#registry/system-fields.ts";
import type { RequestContext } from "#server/context.ts";
import { serveApply } from "./apply.ts";
import { decodeObject } from "./decode-body.ts";
import type { ObjectResponder } from "./encoder.ts";
import { bareType } from "./media-types.ts";
import { patchedObject, type ReadPatch, readPatch } from "./patch.ts";
import { requestBody } from "./request-body.ts";
import { type EndpointServices, momentOfRequest } from "./services.ts";
import { checkBodyAgainstUrl, parseWriteOptions, type WriteOptions } from "./write-options.ts";
import { WriteRequest } from "./write-request.ts";
import { requesterOf, type WriteTarget } from "./write-target.ts";

export async function serveCreate(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  encoder: ObjectResponder,
): Promise<void> {
  const options = parseWriteOptions(context.query, "CreateOptions");
  const object = await readObjectBody(services, context, target, options);
  const write = new WriteRequest(services, context, target, options);
  checkBodyAgainstUrl(object.metadata, { name: "", namespace: write.namespace });
  wipeSystemFields(object);
  dropRepeatedOwners(object, requesterOf(context), false);
  const stored = await write.tracking.storing(() => write.create(() => write.merged(undefined, object)));
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
  const write = new WriteRequest(services, context, target, options);
  checkBodyAgainstUrl(object.metadata, { name: context.info.name, namespace: write.namespace });
  dropRepeatedOwners(object, requesterOf(context), false);
  const result = await write.tracking.storing(() =>
    write.update({ transform: (current) => write.merged(current, object) }),
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
  const object = defaulted(
    momentOfRequest(services, context),
    target,
    decodeObject(services, target.expected, bytes, contentType, options.fieldValidation, warn),
  );
  context.exchange.audit?.request(object);
  return object;
}

/** With the defaults of the kind's code. In other versions than the storage's the registry adds them after conversion. */
function defaulted({ nowMs }: Moment, target: WriteTarget, object: KubeObject): KubeObject {
  const { resource, version, view } = target;
  if (view !== undefined) return object;
  if (version === resource.storage.version) resource.strategy.applyDefaults?.(object, nowMs);
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
  tellPatch(context, bytes);
  let patch: ReadPatch | undefined;
  // Nearly no patch speaks of managed fields: they need not be patched and decoded then.
  const asksManaged = bytes.includes("managedFields") || bytes.includes("\\u");
  const write = new WriteRequest(services, context, target, options);
  const at = { name: context.info.name, namespace: write.namespace };
  const warn = (text: string): void => context.warn(text);
  const result = await write.tracking.storing(() =>
    write.update({
      patches: true,
      transform(current) {
        if (current === undefined) throw badRequest("a patch needs an object to change");
        const shown = target.view?.show(current) ?? (asksManaged ? current : withoutManaged(current));
        // Only now: what is missing is told first.
        patch ??= readPatch(services.types, target.expected, kind, bytes, fieldValidation);
        const patched = patch.apply(shown as unknown as JsonObject);
        const { expected } = target;
        const decoded = patchedObject(services, expected, patch, patched, fieldValidation, warn);
        const object = defaulted(momentOfRequest(services, context), target, decoded);
        checkBodyAgainstUrl(object.metadata, at);
        return write.merged(current, object);
      },
    }),
  );
  encoder.respond(context.exchange, 200, result.stored);
}

/** What is no JSON cannot stand in the audit log. */
function tellPatch({ exchange: { audit } }: RequestContext, bytes: Buffer): void {
  if (audit?.keepsRequest !== true) return;
  try {
    audit.requestPatch(readJson(bytes));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
}

function withoutManaged(object: KubeObject): KubeObject {
  const { managedFields: _kept, ...metadata } = object.metadata;
  return { ...object, metadata };
}
