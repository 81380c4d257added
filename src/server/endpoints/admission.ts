/** Binds the admission chain to one write request. */
import { scaleType } from "#api/scale.ts";
import type { Decision } from "#authz/authorizer.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { GroupResource, GroupVersionKind, KubeObject } from "#machinery/meta/object.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import type {
  AdmissionAttributes,
  AdmissionCheck,
  AdmissionForms,
  AdmissionOperation,
} from "#registry/admission.ts";
import { isCheckedByStorage } from "#registry/delete.ts";
import { convertTo } from "#registry/resource.ts";
import { attributesOf, notAllowed } from "#server/access.ts";
import type { RequestContext } from "#server/context.ts";
import { decodeMutated, type ExpectedType } from "./decode-body.ts";
import { type EndpointServices, momentOfRequest, namespaceOf } from "./services.ts";
import type { DeleteOptions } from "./write-options.ts";
import { requesterOf, type WriteTarget } from "./write-target.ts";

export interface RequestAdmission {
  /** Both objects are in the version of the URL. A missing `old` means a creation, also by PUT or apply. */
  mutate(object: KubeObject, old: KubeObject | undefined): KubeObject | Promise<KubeObject>;
  /** Handed to the registry, which calls it before the commit. */
  readonly check: AdmissionCheck;
}

type AdmissionTarget = Pick<WriteTarget, "resource" | "cluster" | "version"> &
  Partial<Pick<WriteTarget, "view" | "expected">>;

/**
 * @param deletion the options of a DELETE; those of other writes stand in the query
 * @param journal of the write, where the request is several
 */
export function admissionOf(
  services: EndpointServices,
  context: RequestContext,
  target: AdmissionTarget,
  options: { readonly dryRun: boolean },
  deletion?: DeleteOptions,
  journal = context.journal,
): RequestAdmission {
  const { admission } = services;
  const { resource, cluster, version, view } = target;
  const { name } = context.info;
  const forms = formsOf(services, context, target);
  const { audit } = context.exchange;
  const attributes = (
    operation: AdmissionOperation,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
  ): AdmissionAttributes => ({
    operation,
    resource,
    version,
    kind: forms.kindIn(version)!,
    subresource: context.info.subresource,
    cluster,
    namespace: namespaceOf(context, resource),
    name: name === "" ? (object?.metadata.name ?? "") : name,
    object,
    old,
    dryRun: options.dryRun,
    requester: requesterOf(context),
    options: shownOptions(context, operation, options.dryRun, deletionOf(resource, old, deletion)),
    forms,
    journal,
    annotate: (key, value, level) => audit?.annotate(key, value, level),
    expired: () => context.closed,
  });
  /** In the version and form of the URL: the registry hands over whole objects in the storage version. */
  const shown = (object: KubeObject | undefined): KubeObject | undefined => {
    if (object === undefined) return undefined;
    const converted = convertTo(resource, object, version);
    return view === undefined ? converted : view.show(converted);
  };
  return {
    mutate(object, old) {
      if (view === undefined || old === undefined) {
        const placed = inNamespace(object, namespaceOf(context, resource));
        return admission.mutate(attributes(old === undefined ? "CREATE" : "UPDATE", placed, old));
      }
      const part = view.show(object);
      const answer = admission.mutate(attributes("UPDATE", part, view.show(old)));
      const merged = (changed: KubeObject): KubeObject =>
        changed === part ? object : view.merge(object, changed);
      return answer instanceof Promise ? answer.then(merged) : merged(answer);
    },
    check: (object, old) => {
      const operation = object === undefined ? "DELETE" : old === undefined ? "CREATE" : "UPDATE";
      const validate = () => admission.validate(attributes(operation, shown(object), shown(old)));
      if (operation !== "CREATE" || context.info.verb === "create") return validate();
      const allowed = mustBeAllowedToCreate(services, context);
      return allowed === undefined ? validate() : allowed.then(validate);
    },
  };
}

/**
 * A PUT or apply that makes the object needs the right to create as well (apiserver pkg/endpoints/handlers/update.go
 * withAuthorization). @throws StatusError 403
 */
function mustBeAllowedToCreate(
  { authorizer }: EndpointServices,
  context: RequestContext,
): undefined | Promise<void> {
  const attributes = { ...attributesOf(context), verb: "create" };
  const enforce = ({ decision, reason }: Decision): undefined => {
    if (decision !== "allow") throw notAllowed(attributes, reason);
  };
  const answer = authorizer.authorize(attributes);
  return answer instanceof Promise ? answer.then(enforce) : enforce(answer);
}

/** A body may leave its namespace to the URL; plugins see it in the object. */
function inNamespace(object: KubeObject, namespace: string): KubeObject {
  if (namespace === "" || object.metadata.namespace === namespace) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

function formsOf(
  services: EndpointServices,
  context: RequestContext,
  { resource, view, expected }: AdmissionTarget,
): AdmissionForms {
  const { subresource } = context.info;
  const { nowMs } = momentOfRequest(services, context);
  const served = (version: string) => resource.info.versions.find((one) => one.version === version);
  return {
    kindIn(version): GroupVersionKind | undefined {
      const found = served(version);
      if (found === undefined) return undefined;
      if (subresource === "") return { group: resource.group, version, kind: found.kind };
      const sub = found.subresources.find(({ name }) => name === subresource);
      return sub === undefined ? undefined : { group: sub.group, version: sub.version, kind: sub.kind };
    },
    convert(object, version) {
      if (view !== undefined) return object;
      return resource.form === undefined
        ? convertTo(resource, object, version)
        : resource.form.convert(object, version);
    },
    decode(object, version, strict = false) {
      const type =
        view !== undefined && expected !== undefined
          ? { ...expected, type: scaleType }
          : {
              group: resource.group,
              version,
              kind: served(version)!.kind,
              type: served(version)!.type,
              compiled: resource.custom?.get(version)?.compiled,
            };
      const decoded = mutated(services, type, object, strict && type.compiled === undefined);
      if (view === undefined && version === resource.storage.version)
        resource.strategy.applyDefaults?.(decoded, nowMs);
      return decoded;
    },
  };
}

/** @throws StatusError 400 */
function mutated(
  services: EndpointServices,
  type: ExpectedType,
  value: JsonObject,
  strict: boolean,
): KubeObject {
  try {
    return decodeMutated(services, type, value, strict);
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

/** A storage that checks preconditions itself gives the options one before admission sees them, upstream. */
function deletionOf(
  resource: GroupResource,
  old: KubeObject | undefined,
  deletion: DeleteOptions | undefined,
): DeleteOptions | undefined {
  const { uid } = old?.metadata ?? {};
  if (deletion === undefined || uid === undefined || !isCheckedByStorage(resource)) return deletion;
  return { ...deletion, preconditions: { uid, ...deletion.preconditions } };
}

const optionsKinds = {
  CREATE: "CreateOptions",
  UPDATE: "UpdateOptions",
  DELETE: "DeleteOptions",
  CONNECT: "ConnectOptions",
} as const;

/** The options by the operation that happens, not by the request's: a PATCH that creates has CreateOptions. */
function shownOptions(
  { query }: RequestContext,
  operation: AdmissionOperation,
  dryRun: boolean,
  deletion: DeleteOptions | undefined,
): JsonObject {
  const shown: JsonObject = {
    kind: optionsKinds[operation],
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
  if (deletion !== undefined) {
    const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = deletion;
    return {
      ...shown,
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(Object.keys(preconditions).length === 0 ? {} : { preconditions: { ...preconditions } }),
      ...(orphanDependents === undefined ? {} : { orphanDependents }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    };
  }
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") ?? "";
  return {
    ...shown,
    ...(fieldManager === "" ? {} : { fieldManager }),
    ...(fieldValidation === "" ? {} : { fieldValidation }),
  };
}
