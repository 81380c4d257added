import { badRequest } from "#machinery/errors/errors.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { readObject, settleFreshness } from "#registry/read.ts";
import { mustBeCurrent, type Resource } from "#registry/resource.ts";
import type { RequestContext } from "#server/context.ts";
import type { ObjectResponder } from "./encoder.ts";
import { isLargeToAnswer } from "./encoding-tasks.ts";
import { getFreshness, parseBoolean } from "./list-options.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";

/** GET of one object: raw bytes with the revision spliced in, unless the client asked for another form. */
export function serveGet(
  services: EndpointServices,
  context: RequestContext,
  resource: Resource,
  cluster: ClusterName,
  encoder: ObjectResponder,
): void | Promise<void> {
  const { registry } = services;
  const { query } = context;
  if ((query.get("export") ?? "") !== "" && parseBoolean(query, "export") === true)
    throw badRequest("the export parameter, deprecated since v1.14, is no longer supported");
  const { name } = context.info;
  const namespace = namespaceOf(context, resource);
  const freshness = getFreshness(context.query.get("resourceVersion") ?? "");
  const request = { resource, cluster, namespace, name };
  // Nothing to wait for where this process decides the writes: the whole answer is made in one turn.
  const settled = settleFreshness(registry, freshness);
  const respond = (): void | Promise<void> => {
    const stored = readObject(registry, request);
    if (isLargeToAnswer(services, encoder, stored)) throw new ElsewhereError();
    const loading = stored.load();
    if (loading !== undefined) return loading.then(() => encoder.respond(context.exchange, 200, stored));
    encoder.respond(context.exchange, 200, stored);
  };
  if (!(settled instanceof Promise)) return respond();
  return settled.then(() => {
    mustBeCurrent(resource);
    return respond();
  });
}
