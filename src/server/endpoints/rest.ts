/** From a request that passed all filters to the endpoint of its verb (spec 1.1). */
import type { ResourceVersion, Subresource } from "#api/resource.ts";
import { scaleType } from "#api/scale.ts";
import type { CustomView } from "#crds/custom-view.ts";
import {
  methodNotAllowedGeneric,
  methodNotSupported,
  notAcceptable,
  notAcceptableGeneric,
  notFound,
  notFoundGeneric,
  serviceUnavailable,
} from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { GroupResource } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { DefinitionChangedError, isCustomKind, type Resource } from "#registry/resource.ts";
import { logicalClusters } from "#registry/tenants.ts";
import type { Endpoint, RequestContext } from "#server/context.ts";
import type { RequestInfo } from "#server/request-info.ts";
import { pageNotFound } from "#server/text-error.ts";
import type { ExpectedType } from "./decode-body.ts";
import { serveDelete, serveDeleteCollection } from "./delete.ts";
import type { ObjectEncoder, ObjectResponder } from "./encoder.ts";
import { serveGet } from "./get.ts";
import { serveList } from "./list.ts";
import { parseListOptions } from "./list-options.ts";
import { makeEncoder } from "./make-encoder.ts";
import {
  acceptedAnswers,
  availableAnswers,
  type MediaType,
  namesKnownType,
  type Offer,
} from "./media-types.ts";
import { respondStatus } from "./respond-status.ts";
import { scaleResponder, scaleView } from "./scale.ts";
import type { ServedResource, ServedSet } from "./served-set.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";
import { serveWatch } from "./watch.ts";
import { serveCreate, servePatch, serveUpdate } from "./write.ts";
import type { WriteTarget } from "./write-target.ts";

export interface RestOptions {
  readonly services: EndpointServices;
  /** What a workspace of this type serves. */
  servedBy(workspaceType: string): ServedSet;
  /** What `/clusters/*` serves: everything that is built in. */
  readonly servedByAll: ServedSet;
  readonly custom: CustomKinds;
  /** Discovery and OpenAPI; false = no such path. */
  serveDocument(context: RequestContext, served: ServedSet): boolean | Promise<boolean>;
  /** Review kinds: answered, never stored. */
  serveVirtual(context: RequestContext, served: ServedResource): void | Promise<void>;
}

/** What workspaces define themselves. */
export interface CustomKinds {
  /** A resource in a version as a path names it. */
  view(cluster: ClusterName, of: GroupResource, version: string): CustomView | undefined;
  /** Objects of all workspaces by their metadata; undefined when no workspace defines the resource. */
  everywhere(of: GroupResource): Resource | undefined;
  /** What a workspace serves in all, for discovery and OpenAPI. */
  servedSet(cluster: ClusterName, base: ServedSet): ServedSet | Promise<ServedSet>;
}

/** The endpoint behind the filters. */
export function makeRestEndpoint(options: RestOptions): Endpoint {
  const { services } = options;
  return (context) => {
    const { cluster, info } = context;
    let served = options.servedByAll;
    if (cluster.kind === "one") {
      const tenant = services.registry.tenants.get(cluster.name);
      if (tenant === undefined) return waitForTenant(options, context, cluster.name);
      served = options.servedBy(tenant.type);
    } else if (cluster.kind === "none") throw pageNotFound();
    if (info.isResourceRequest) return serveResource(options, context, served);
    return serveDocument(options, context, served);
  };
}

/** Another server may have created the workspace a moment ago: look again on a fresh copy, then say no. */
async function waitForTenant(
  options: RestOptions,
  context: RequestContext,
  cluster: ClusterName,
): Promise<void> {
  const { registry } = options.services;
  const fresh = registry.store.fresh();
  if (typeof fresh !== "number") await fresh;
  const tenant = registry.tenants.get(cluster);
  if (tenant === undefined) throw notFound(logicalClusters, cluster);
  const served = options.servedBy(tenant.type);
  return context.info.isResourceRequest
    ? serveResource(options, context, served)
    : serveDocument(options, context, served);
}

async function serveDocument(
  options: RestOptions,
  context: RequestContext,
  served: ServedSet,
): Promise<void> {
  const { cluster } = context;
  let all = served;
  if (cluster.kind === "one") {
    const fresh = options.services.registry.store.fresh();
    if (typeof fresh !== "number") await fresh;
    const set = options.custom.servedSet(cluster.name, served);
    all = set instanceof Promise ? await set : set;
  }
  if (await options.serveDocument(context, all)) return;
  const [root, group = ""] = context.info.path.split("/").slice(1);
  const builtin = root === "api" ? group !== "" : root === "apis" && served.hasGroup(group);
  throw builtin ? notFoundGeneric() : pageNotFound();
}

function serveResource(
  options: RestOptions,
  context: RequestContext,
  served: ServedSet,
): void | Promise<void> {
  const { services } = options;
  const { info, cluster } = context;
  const found = served.find(info.apiGroup, info.apiVersion, info.resource);
  if (found === undefined) {
    const nowhere = (): Error => (served.hasGroup(info.apiGroup) ? notFoundGeneric() : pageNotFound());
    if (cluster.kind === "one") return serveCustom(options, context, cluster.name, nowhere);
    return serveEverywhere(options, context);
  }
  if (info.parts.length > 3) throw notFoundGeneric();
  if (found.info.virtual) return options.serveVirtual(context, found);
  const resource = services.registry.resource(found.info);
  if (resource === undefined) throw pageNotFound();
  if (found.version.type === deprecatedEndpoints) tellDeprecated(context, endpointsWarning);
  const subresource = info.subresource === "" ? undefined : subresourceOf(found.version, info.subresource);
  if (info.subresource !== "" && subresource === undefined) throw notFoundGeneric();
  const verbs: readonly string[] = subresource?.verbs ?? found.version.verbs;
  if (resource.namespaced && info.namespace === "" && info.parts.length > 1) throw notFoundGeneric();
  if (!resource.namespaced && info.namespace !== "" && info.namespace !== ownNamespace(info))
    throw notFoundGeneric();
  if (!isServedVerb(context, verbs)) throw methodNotAllowedGeneric();
  const ofNamespace = info.verb === "create" || info.verb === "deletecollection";
  if (resource.namespaced && info.namespace === "" && ofNamespace) throw methodNotAllowedGeneric();
  return serveVerb(services, context, found.version, resource, subresource);
}

const deprecatedEndpoints = "io.k8s.api.core.v1.Endpoints";
/** k8s.io/api core/v1/lifecycle.go; the only served version of a built-in kind that is deprecated in this release. */
const endpointsWarning = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

/** k8s.io/apiserver pkg/endpoints/metrics/metrics.go MonitorRequest. */
function tellDeprecated(context: RequestContext, warning: string): void {
  context.warn(warning);
  context.exchange.audit?.annotate("k8s.io/deprecated", "true");
}

/** A resource that the workspace may define itself. Before it says no it looks again on a fresh copy. */
function serveCustom(
  options: RestOptions,
  context: RequestContext,
  cluster: ClusterName,
  nowhere: () => Error,
): void | Promise<void> {
  const { info } = context;
  const of = { group: info.apiGroup, resource: info.resource };
  const find = (): CustomView | undefined => options.custom.view(cluster, of, info.apiVersion);
  const view = find();
  if (view !== undefined) return serveView(options, context, view, find);
  const fresh = options.services.registry.store.fresh();
  if (typeof fresh === "number") throw nowhere();
  return fresh.then(() => {
    if (find() === undefined) throw nowhere();
    return serveAgain(options, context, find);
  });
}

function serveAgain(
  options: RestOptions,
  context: RequestContext,
  find: () => CustomView | undefined,
  attempt = 1,
): void | Promise<void> {
  const view = find();
  if (view === undefined) throw pageNotFound();
  return serveView(options, context, view, find, attempt);
}

/** They have an object validated, by patterns and rules that are compiled for it. */
const validatedVerbs: readonly string[] = ["create", "update", "patch"];

/** Times that a request is begun anew because its definition was changed under it. */
const maxDefinitionChanges = 8;

/**
 * By a view that may turn out to be of yesterday: when the definition was changed under the request, or when a refusal was by a
 * definition that another server has changed.
 */
function serveView(
  options: RestOptions,
  context: RequestContext,
  view: CustomView,
  find: () => CustomView | undefined,
  attempt = 1,
): void | Promise<void> {
  const { store } = options.services.registry;
  const { resource } = view;
  const again = async (error: unknown): Promise<void> => {
    const refused = error instanceof StatusError;
    if (!refused && !(error instanceof DefinitionChangedError)) throw error;
    const fresh = store.fresh();
    if (refused && typeof fresh === "number") throw error;
    await fresh;
    if (refused && resource.form?.isCurrent() !== false) throw error;
    if (attempt > maxDefinitionChanges)
      throw serviceUnavailable(`${resource.resource} is being redefined`, 1);
    return serveAgain(options, context, find, attempt + 1);
  };
  try {
    return serveOnce(options, context, view)?.catch(again);
  } catch (error) {
    return again(error);
  }
}

/** Texts and codes: apiextensions-apiserver pkg/apiserver/customresource_handler.go ServeHTTP. */
function serveOnce(
  options: RestOptions,
  context: RequestContext,
  { resource, version, warning, isCostly }: CustomView,
): void | Promise<void> {
  const { services } = options;
  const { info } = context;
  const ofCollection = info.verb === "list" || info.verb === "watch";
  if (!resource.namespaced && info.namespace !== "") throw pageNotFound();
  if (resource.namespaced && info.namespace === "" && !ofCollection) throw pageNotFound();
  if (warning !== undefined) tellDeprecated(context, warning);
  const subresource = info.subresource === "" ? undefined : subresourceOf(version, info.subresource);
  if (info.subresource !== "" && subresource === undefined) throw notFound(resource, info.name);
  if (info.parts.length > 3) throw notFoundGeneric();
  if (!isServedVerb(context, subresource?.verbs ?? version.verbs))
    throw methodNotSupported(resource, info.verb === "" ? context.exchange.method.toLowerCase() : info.verb);
  if (isCostly && services.limits !== undefined && validatedVerbs.includes(info.verb))
    throw new ElsewhereError();
  return serveVerb(services, context, version, resource, subresource);
}

/**
 * A resource of workspaces' own in `/clusters/*`. There is no one schema by which objects of all workspaces could be shown, so
 * they are listed and watched by their metadata only, in whatever version (kcp: customresource_handler.go, wildcard partial metadata).
 */
function serveEverywhere(options: RestOptions, context: RequestContext): void | Promise<void> {
  const { services } = options;
  const { info } = context;
  const of = { group: info.apiGroup, resource: info.resource };
  const serve = (): Promise<void> => {
    const resource = of.group.includes(".") ? options.custom.everywhere(of) : undefined;
    if (resource === undefined) throw pageNotFound();
    if ((info.verb !== "list" && info.verb !== "watch") || info.parts.length > 1)
      throw notEverywhere(of, info.verb);
    const list = info.verb === "list";
    const media = negotiated(services, context, { list, stream: !list, transforms: true, protobuf: false });
    if (media.shape !== "PartialObjectMetadata") throw notEverywhere(of, info.verb);
    const encoder = makeEncoder(services, context, resource, resource.storage, media);
    const listOptions = parseListOptions(context.query, resource, "", !list);
    const target = { resource, cluster: "*" as const, namespace: info.namespace };
    return list
      ? serveList(services, context, target, listOptions, encoder)
      : serveWatch(services, context, target, listOptions, encoder);
  };
  const fresh = services.registry.store.fresh();
  return typeof fresh === "number" ? serve() : fresh.then(serve);
}

function notEverywhere(of: GroupResource, verb: string): StatusError {
  const { status } = methodNotSupported(of, verb === "" ? "this" : verb);
  const message = `${status.message} in the \`*\` logical cluster: workspaces define it each for itself, so only list and watch of PartialObjectMetadata are served there`;
  return new StatusError({ ...status, message });
}

/** Verbs of collections. All others have a name in the path; a watch has one only in its deprecated form. */
const collectionVerbs: readonly string[] = ["list", "create", "deletecollection"];

/** Upstream registers each verb for its own form of the path only. */
function isServedVerb({ info, exchange: { method } }: RequestContext, verbs: readonly string[]): boolean {
  const { verb } = info;
  const reads = method === "GET" || method === "HEAD";
  if (verb === "" || (verb === "watch" && !reads)) return false;
  const fits = verb === "watch" || info.parts.length > 1 !== collectionVerbs.includes(verb);
  return fits && verbs.includes(verb);
}

/** The path grammar counts a namespace's name as its namespace. */
const ownNamespace = ({ resource, parts }: RequestInfo): string | undefined =>
  resource === "namespaces" ? parts[1] : undefined;

function serveVerb(
  services: EndpointServices,
  context: RequestContext,
  version: ResourceVersion,
  resource: Resource,
  subresource: Subresource | undefined,
): void | Promise<void> {
  const { info, cluster } = context;
  // Custom resources have no protobuf form; their metadata has (spec 3.1).
  const protobuf = !isCustomKind(resource);
  const encoderFor = (offer: Offer): ObjectEncoder =>
    makeEncoder(services, context, resource, version, negotiated(services, context, offer));
  const one = { list: false, stream: false, transforms: true, protobuf };
  switch (info.verb) {
    case "list":
    case "watch": {
      // A name from a field selector is authorization's matter; here only the path's counts.
      const options = parseListOptions(context.query, resource, info.parts[1] ?? "", info.verb === "watch");
      const target = {
        resource,
        cluster: cluster.kind === "one" ? cluster.name : ("*" as const),
        namespace: namespaceOf(context, resource),
      };
      if (info.verb === "list") {
        return serveList(
          services,
          context,
          target,
          options,
          encoderFor({ list: true, stream: false, transforms: true, protobuf }),
        );
      }
      const encoder = encoderFor({ list: false, stream: true, transforms: true, protobuf });
      return serveWatch(services, context, target, options, encoder);
    }
    default:
      break;
  }
  if (cluster.kind !== "one") throw methodNotSupported(resource, info.verb);
  const name = cluster.name;
  const scale = subresource?.scale;
  const expected: ExpectedType = {
    group: subresource?.group ?? resource.group,
    version: subresource?.version ?? version.version,
    kind: subresource?.kind ?? version.kind,
    type: scale === undefined ? version.type : scaleType,
    compiled: scale === undefined ? resource.custom?.get(version.version)?.compiled : undefined,
  };
  const view = scale === undefined ? undefined : scaleView(resource, scale);
  const target: WriteTarget = { resource, cluster: name, expected, version: version.version, view };
  const responder = (): ObjectResponder => {
    if (scale === undefined) return encoderFor(one);
    return scaleResponder(
      services,
      context,
      resource,
      version,
      scale,
      negotiated(services, context, { ...one, protobuf: true }),
    );
  };
  switch (info.verb) {
    case "get":
      return serveGet(services, context, resource, name, responder());
    case "create":
      return serveCreate(services, context, target, responder());
    case "update":
      return serveUpdate(services, context, target, responder());
    case "patch":
      return servePatch(services, context, target, responder());
    case "delete":
      return serveDelete(services, context, resource, name, encoderFor(one), (code, status) =>
        respondStatus(services, context.exchange, code, status),
      );
    case "deletecollection": {
      const options = parseListOptions(context.query, resource, "", false);
      const encoder = encoderFor({ list: true, stream: false, transforms: true, protobuf });
      return serveDeleteCollection(services, context, resource, name, options, encoder);
    }
    default:
      throw methodNotSupported(resource, info.verb);
  }
}

const subresourceOf = (version: ResourceVersion, name: string): Subresource | undefined =>
  version.subresources.find((subresource) => subresource.name === name);

/** @throws StatusError 406 */
function negotiated(services: EndpointServices, context: RequestContext, offer: Offer): MediaType {
  const accept = context.exchange.header("accept");
  const media = services.negotiator.negotiate(accept, offer);
  if (media !== undefined) return media;
  const { verb } = context.info;
  if (offer.protobuf && !namesKnownType(accept))
    throw notAcceptableGeneric(availableAnswers(verb === "list" || verb === "watch"));
  throw notAcceptable(acceptedAnswers(offer));
}
