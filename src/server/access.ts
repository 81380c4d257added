/** Requests as authorizers see them, and what is said to those who may not. */
import type { Attributes } from "#authz/authorizer.ts";
import { forbidden } from "#machinery/errors/errors.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import type { RequestContext } from "./context.ts";

/** `unknownCluster`: the workspace that the client named and nobody knows. */
export function attributesOf(
  { info, user, cluster }: Pick<RequestContext, "info" | "user" | "cluster">,
  unknownCluster = "",
): Attributes {
  return {
    user,
    verb: info.verb,
    resourceRequest: info.isResourceRequest,
    namespace: info.namespace,
    apiGroup: info.apiGroup,
    apiVersion: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    name: info.name,
    path: info.path,
    cluster:
      cluster.kind === "one"
        ? cluster.name
        : cluster.kind === "wildcard"
          ? "*"
          : unknownCluster === ""
            ? undefined
            : unknownCluster,
  };
}

/** 403 */
export function notAllowed(attributes: Attributes, reason: string): StatusError {
  const { user, verb, resourceRequest, path, apiGroup, resource, subresource, namespace, name } = attributes;
  const of = { group: apiGroup, resource, subresource, namespace, name };
  return forbidden(
    resourceRequest ? { user: user.name, verb, resource: of } : { user: user.name, verb, path },
    reason,
  );
}
