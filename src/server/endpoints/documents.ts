/** Discovery and OpenAPI of a workspace: made once for each workspace type, whatever the number of workspaces. */
import type { TypeResolver } from "#machinery/schema/types.ts";
import type { RequestContext } from "#server/context.ts";
import { answerDiscovery } from "#server/discovery/answer.ts";
import { type DiscoveryDocuments, discoveryDocuments } from "#server/discovery/documents.ts";
import type { ServedSet } from "./served-set.ts";

export interface DocumentOptions {
  readonly types: TypeResolver;
  /** `https://host:port` */
  externalUrl(): string;
}

/** Answers discovery and OpenAPI paths; false = not one of them, or nothing of that name is served. */
export function makeDocumentServer(
  options: DocumentOptions,
): (context: RequestContext, served: ServedSet) => boolean | Promise<boolean> {
  const discovery = new Map<ServedSet, DiscoveryDocuments>();
  return (context, served) => {
    const { exchange, info } = context;
    if (exchange.method !== "GET" && exchange.method !== "HEAD") return false;
    let documents = discovery.get(served);
    if (documents === undefined) {
      documents = discoveryDocuments(served.resources);
      discovery.set(served, documents);
    }
    const answer = answerDiscovery(documents, {
      path: info.path,
      accept: exchange.header("accept"),
      ifNoneMatch: exchange.header("if-none-match"),
      serverAddress:
        exchange.header("host") ?? exchange.header(":authority") ?? new URL(options.externalUrl()).host,
    });
    if (answer === undefined || answer.status === 404) return false;
    exchange.respond(answer.status, answer.headers, answer.body);
    return true;
  };
}
