/** Discovery and OpenAPI of a workspace: made once for each workspace type, whatever the number of workspaces. */
import type { Catalogue } from "#api/catalogue.ts";
import { notAcceptable } from "#machinery/errors/errors.ts";
import type { RequestContext } from "#server/context.ts";
import { answerDiscovery } from "#server/discovery/answer.ts";
import { type DiscoveryDocuments, discoveryDocuments } from "#server/discovery/documents.ts";
import { answerOpenApi } from "#server/openapi/answer.ts";
import { type OpenApiDocuments, openApiDocuments } from "#server/openapi/documents.ts";
import { answerOpenApiV2 } from "#server/openapi/v2.ts";
import { KUBERNETES_VERSION } from "#server/version.ts";
import type { ServedSet } from "./served-set.ts";

export interface DocumentOptions {
  readonly catalogue: Catalogue;
  now(): number;
  /** `https://host:port` */
  externalUrl(): string;
}

/** Answers discovery and OpenAPI paths; false = not one of them, or nothing of that name is served. */
export function makeDocumentServer(
  options: DocumentOptions,
): (context: RequestContext, served: ServedSet) => boolean | Promise<boolean> {
  const discovery = new Map<ServedSet, DiscoveryDocuments>();
  const openApi = new Map<ServedSet, OpenApiDocuments>();
  return (context, served) => {
    const { exchange, info, cluster } = context;
    if (exchange.method !== "GET" && exchange.method !== "HEAD") return false;
    const accept = exchange.header("accept");
    if (info.path === "/openapi/v2") {
      const v2 = answerOpenApiV2(accept, `v${KUBERNETES_VERSION}`);
      if (v2 === undefined) throw notAcceptable(["application/json"]);
      exchange.respond(200, v2.headers, v2.body);
      return true;
    }
    const ifNoneMatch = exchange.header("if-none-match");
    const answer =
      answerOpenApi(
        made(openApi, served, () => openApiDocuments(served.resources, options.catalogue)),
        {
          path: info.path,
          clusterPrefix: cluster.kind === "one" ? `/clusters/${cluster.path}` : "",
          accept,
          ifNoneMatch,
          hash: context.query.get("hash"),
          nowMs: options.now(),
        },
      ) ??
      answerDiscovery(
        made(discovery, served, () => discoveryDocuments(served.resources)),
        {
          path: info.path,
          accept,
          ifNoneMatch,
          serverAddress:
            exchange.header(":authority") ?? exchange.header("host") ?? new URL(options.externalUrl()).host,
        },
      );
    if (answer === undefined || answer.status === 404) return false;
    if (answer.status === 406) throw notAcceptable(["application/json"]);
    exchange.respond(answer.status, answer.headers, answer.body);
    return true;
  };
}

function made<T>(all: Map<ServedSet, T>, served: ServedSet, make: () => T): T {
  let one = all.get(served);
  if (one === undefined) {
    one = make();
    all.set(served, one);
  }
  return one;
}
