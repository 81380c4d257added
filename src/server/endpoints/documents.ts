/** Discovery and OpenAPI of a workspace. What equal workspaces answer is made once and shared. */
import type { Catalogue } from "#api/catalogue.ts";
import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { methodNotAllowedGeneric, notAcceptable, notAcceptableGeneric } from "#machinery/errors/errors.ts";
import type { RequestContext } from "#server/context.ts";
import {
  answerDiscovery,
  type DiscoveryAnswer,
  discoveryPath,
  discoveryTypes,
} from "#server/discovery/answer.ts";
import { type DiscoveryDocuments, discoveryDocuments } from "#server/discovery/documents.ts";
import { answerOpenApi, isOpenApiPath } from "#server/openapi/answer.ts";
import { OpenApiLibrary } from "#server/openapi/documents.ts";
import { KUBERNETES_VERSION } from "#server/version.ts";
import type { ServedSet } from "./served-set.ts";

export interface DocumentOptions {
  readonly catalogue: Catalogue;
  readonly codec: ProtobufCodec;
  now(): number;
  /** `https://host:port` */
  externalUrl(): string;
}

/** A streamed document waits for its client above this. */
const pauseQueuedBytes = 1024 * 1024;

/** Answers discovery and OpenAPI paths; false = not one of them, or nothing of that name is served. */
export function makeDocumentServer(
  options: DocumentOptions,
): (context: RequestContext, served: ServedSet) => boolean | Promise<boolean> {
  const library = new OpenApiLibrary(options.catalogue, `v${KUBERNETES_VERSION}`);
  const discovery = new WeakMap<ServedSet, DiscoveryDocuments>();
  const discoveryOf = (served: ServedSet): DiscoveryDocuments => {
    let documents = discovery.get(served);
    if (documents === undefined) {
      documents = makeDiscovery(served);
      discovery.set(served, documents);
    }
    return documents;
  };
  return (context, served) => {
    const { exchange, info } = context;
    const reads = exchange.method === "GET" || exchange.method === "HEAD";
    if (isOpenApiPath(info.path)) return reads && serveOpenApi(context, library, served, options.now());
    if (!reads) {
      if (discoveryPath(info.path) === undefined) return false;
      throw methodNotAllowedGeneric();
    }
    const answer = answerDiscovery(discoveryOf(served), {
      path: info.path,
      accept: exchange.header("accept"),
      ifNoneMatch: exchange.header("if-none-match"),
      serverAddress:
        exchange.header(":authority") ?? exchange.header("host") ?? new URL(options.externalUrl()).host,
      codec: options.codec,
    });
    return answer.then((made) => made !== undefined && respondDiscovery(context, made));
  };
}

function makeDiscovery({ resources, custom }: ServedSet): DiscoveryDocuments {
  if (custom === undefined) return discoveryDocuments(resources);
  return discoveryDocuments(custom.base.resources, [...new Set(custom.served.map(({ info }) => info))]);
}

function respondDiscovery({ exchange }: RequestContext, answer: DiscoveryAnswer): boolean {
  if (answer.status === 404) return false;
  if (answer.status === 406) {
    if (answer.unknownType === true) throw notAcceptableGeneric(discoveryTypes);
    throw notAcceptable(discoveryTypes);
  }
  const { json } = answer;
  if (json !== undefined) exchange.audit?.responds(() => json);
  exchange.respond(answer.status, answer.headers, answer.body);
  return true;
}

async function serveOpenApi(
  context: RequestContext,
  library: OpenApiLibrary,
  served: ServedSet,
  nowMs: number,
): Promise<boolean> {
  const { exchange, info, cluster } = context;
  const answer = await answerOpenApi(library.of(served), {
    path: info.path,
    clusterPrefix: cluster.kind === "one" ? `/clusters/${cluster.path}` : "",
    accept: exchange.header("accept"),
    ifNoneMatch: exchange.header("if-none-match"),
    hash: context.query.get("hash"),
    nowMs,
  });
  if (answer.status === 404) return false;
  if (answer.status === 406) throw notAcceptable(["application/json"]);
  if (Buffer.isBuffer(answer.body)) {
    exchange.respond(answer.status, answer.headers, answer.body);
    return true;
  }
  const stream = exchange.startStream(answer.status, answer.headers);
  try {
    for await (const piece of answer.body) {
      if (context.closed) return true;
      stream.write(piece);
      if (stream.queuedBytes < pauseQueuedBytes) continue;
      await new Promise<void>((resolve) => {
        stream.onDrain(resolve);
        context.onClose(resolve);
      });
    }
  } catch (error) {
    // What was begun cannot become an error: cut it off, so that the client sees it broken and not short.
    exchange.abort();
    throw error;
  }
  stream.end();
  return true;
}
