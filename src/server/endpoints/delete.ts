/** DELETE of one object and of a collection (spec 8). */
import { deleted } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { DeleteResult } from "#registry/delete.ts";
import { byCurrentRules } from "#registry/freshness.ts";
import { isDone, passBatch } from "#registry/journal.ts";
import { type ObjectLocation, objectKey } from "#registry/keys.ts";
import { settleFreshness } from "#registry/read.ts";
import { mustBeCurrent, type Resource } from "#registry/resource.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { RequestContext } from "#server/context.ts";
import type { Key } from "#storage/port.ts";
import { admissionOf } from "./admission.ts";
import { decodeOptions, type ExpectedType } from "./decode-body.ts";
import type { ObjectEncoder } from "./encoder.ts";
import { restyleFor } from "./encoding-tasks.ts";
import { ListItems } from "./list-items.ts";
import { type ListOptions, listFreshness } from "./list-options.ts";
import { requestBody } from "./request-body.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";
import { type DeleteOptions, parseDeleteOptions, propagationOf } from "./write-options.ts";
import { requesterOf } from "./write-target.ts";

/** Upstream's audit log shows them in the version that it works in. */
const shownOptions = ({ apiVersion: _given, kind: _kind, ...options }: JsonObject): JsonObject => ({
  kind: "DeleteOptions",
  apiVersion: "meta.k8s.io/__internal",
  ...options,
});

const deleteOptionsType: ExpectedType = {
  group: "",
  version: "v1",
  kind: "DeleteOptions",
  type: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
};

/** A DELETE, with its options. */
interface Deletion {
  readonly services: EndpointServices;
  readonly context: RequestContext;
  readonly resource: Resource;
  readonly cluster: ClusterName;
  readonly options: DeleteOptions;
}

/**
 * Deletes one of the objects that the request is about.
 * @param journal of this deletion, where the request is several
 * @throws StatusError, ElsewhereError
 */
function deleteOne(
  { services, context, resource, cluster, options }: Deletion,
  { namespace, name }: Pick<ObjectLocation, "namespace" | "name">,
  journal = context.journal,
): Promise<DeleteResult> {
  const { registry } = services;
  const target = { resource, cluster, version: context.info.apiVersion };
  return byCurrentRules(registry, cluster, () =>
    registry.delete({
      resource,
      cluster,
      namespace,
      name,
      preconditions: options.preconditions,
      dryRun: options.dryRun,
      propagation: propagationOf(options),
      requester: requesterOf(context),
      admit: admissionOf(services, context, target, options, options, journal).check,
    }),
  );
}

export async function serveDelete(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  cluster: ClusterName,
  encoder: ObjectEncoder,
  respondStatus: (code: number, status: object) => void,
): Promise<void> {
  const options = await readOptions(services, context);
  const { name } = context.info;
  const namespace = namespaceOf(context, resource);
  warnOfPolicy(context, resource, options);
  const { stored, gone } = await deleteOne(
    { services, context, resource, cluster, options },
    { namespace, name },
  );
  if (!gone || resource.strategy.answersDeleted === true) {
    encoder.respond(context.exchange, options.orphanDependents === false ? 202 : 200, stored);
    return;
  }
  respondStatus(200, deleted(resource, name, stored.object.metadata.uid ?? ""));
}

/** How many objects of a collection are deleted side by side; group commit makes one flush of them. */
const deletionBatch = 64;

/**
 * Deletes what matches and answers the list of it. Not atomic; what somebody else deletes meanwhile is listed, too, as upstream
 * does (apiserver registry/generic/registry/store.go, DeleteCollection).
 * @throws ElsewhereError: the journal tells what is deleted already
 */
export async function serveDeleteCollection(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  cluster: ClusterName,
  list: ListOptions,
  encoder: ObjectEncoder,
): Promise<void> {
  const options = await readOptions(services, context);
  const { registry } = services;
  const namespace = namespaceOf(context, resource);
  const { freshness, limit } = listFreshness(list);
  const { deletions } = context.journal;
  deletions.at ??= (await settleFreshness(registry, freshness)) ?? registry.store.current();
  const { at } = deletions;
  mustBeCurrent(resource);
  const writer = encoder.list(at, context.exchange.audit?.keepsResponse);
  const items = new ListItems(services, context, encoder, writer);
  const deletion = { services, context, resource, cluster, options };
  warnOfPolicy(context, resource, options);
  let after: Key | undefined;
  for (;;) {
    const found: StoredObject[] = [];
    const batch = limit > 0 ? Math.min(deletionBatch, limit - writer.count) : deletionBatch;
    const { resumeAfter } = await registry.scan({
      resource,
      cluster,
      namespace,
      selection: list.selection,
      at,
      ...(after === undefined ? {} : { after }),
      limit: batch,
      visit: (object) => {
        found.push(object.copy());
      },
    });
    await deleteBatch(deletion, found);
    for (const object of found) await items.add(object);
    await items.flush();
    if (resumeAfter === undefined || (limit > 0 && writer.count >= limit) || context.closed) break;
    after = resumeAfter;
  }
  const meta = { resourceVersion: String(registry.store.current()) };
  await writer.respond(context.exchange, meta, restyleFor(services, cluster));
}

/**
 * Deletes objects of a collection side by side, but for those that the journal tells of.
 * @param found in the order of their keys, which are greater than those of all batches before
 * @throws what one of them was refused with, when all are done; ElsewhereError
 */
async function deleteBatch(deletion: Deletion, found: readonly StoredObject[]): Promise<void> {
  const { resource, context } = deletion;
  const { journal } = context;
  const progress = journal.deletions;
  const outcomes = await Promise.allSettled(
    found.map(async ({ location }) => {
      const key = objectKey(resource.collection, location);
      if (isDone(progress, key)) return;
      const part = journal.part();
      try {
        await deleteOne(deletion, location, part);
      } catch (error) {
        if (!(error instanceof StatusError) || error.code !== 404) {
          journal.adopt(part);
          throw error;
        }
      }
      journal.drop(part);
      progress.done.add(key);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  const last = found.at(-1);
  if (last !== undefined) passBatch(progress, objectKey(resource.collection, last.location));
}

function warnOfPolicy(context: RequestContext, { strategy }: Resource, options: DeleteOptions): void {
  if (strategy.policyWarning !== undefined && propagationOf(options) === undefined)
    context.warn(strategy.policyWarning);
}

async function readOptions(services: EndpointServices, context: RequestContext): Promise<DeleteOptions> {
  const bytes = await requestBody(services, context);
  const body = decodeOptions(services, deleteOptionsType, bytes, context.exchange.header("content-type"));
  if (body !== undefined) context.exchange.audit?.request(shownOptions(body));
  return parseDeleteOptions(context.query, body);
}
