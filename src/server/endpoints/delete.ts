/** DELETE of one object and of a collection (spec 8). */
import { deleted } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { byCurrentRules } from "#registry/freshness.ts";
import { settleFreshness } from "#registry/read.ts";
import { mustBeCurrent, type Resource } from "#registry/resource.ts";
import { StoredObject } from "#registry/stored-object.ts";
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

export async function serveDelete(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  cluster: ClusterName,
  encoder: ObjectEncoder,
  respondStatus: (code: number, status: object) => void,
): Promise<void> {
  const options = await readOptions(services, context);
  const { name, apiVersion: version } = context.info;
  const namespace = namespaceOf(context, resource);
  const target = { resource, cluster, version };
  warnOfPolicy(context, resource, options);
  const { registry } = services;
  const { stored, gone } = await byCurrentRules(registry, cluster, () =>
    registry.delete({
      resource,
      cluster,
      namespace,
      name,
      preconditions: options.preconditions,
      dryRun: options.dryRun,
      propagation: propagationOf(options),
      requester: { user: context.user, warn: (text) => context.warn(text) },
      admit: admissionOf(services, context, target, options, options).check,
      largestHere: services.limits?.storedBytes(context.info.apiGroup),
    }),
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
 * Deletes what matches and answers the list of it. Not atomic; objects that vanish meanwhile are skipped.
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
  const requester = { user: context.user, warn: (text: string) => context.warn(text) };
  const target = { resource, cluster, version: context.info.apiVersion };
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
        const { location, revision, value } = object;
        // One that had to be converted has bytes of its own already.
        const own = resource.form?.asynchronous === true;
        found.push(own ? object : new StoredObject(resource, location, revision, Buffer.from(value)));
      },
    });
    const largest = services.limits?.storedBytes(resource.group) ?? Number.POSITIVE_INFINITY;
    if (found.some(({ value }) => value.length > largest)) throw new ElsewhereError();
    const parts = found.map(() => context.journal.part());
    const outcomes = await Promise.allSettled(
      found.map(async (object, index) => {
        const { namespace, name } = object.location;
        const journal = parts[index]!;
        if (deletions.done.has(`${namespace}/${name}`)) return;
        const { check } = admissionOf(services, context, target, options, options, journal);
        await byCurrentRules(registry, cluster, () =>
          registry.delete({
            resource,
            cluster,
            namespace,
            name,
            preconditions: options.preconditions,
            dryRun: options.dryRun,
            propagation: propagationOf(options),
            requester,
            admit: check,
          }),
        );
        deletions.done.add(`${namespace}/${name}`);
      }),
    );
    for (const [index, { status }] of outcomes.entries()) {
      if (status === "fulfilled") context.journal.drop(parts[index]!);
      else context.journal.adopt(parts[index]!);
    }
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") await items.add(found[index]!);
      else if (!(outcome.reason instanceof StatusError) || outcome.reason.code !== 404) throw outcome.reason;
    }
    await items.flush();
    if (resumeAfter === undefined || (limit > 0 && writer.count >= limit) || context.closed) break;
    after = resumeAfter;
  }
  const meta = { resourceVersion: String(registry.store.current()) };
  await writer.respond(context.exchange, meta, restyleFor(services, cluster));
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
