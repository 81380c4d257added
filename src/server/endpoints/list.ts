/** LIST: one revision, in slices, streamed when it is large (spec 5.1). */
import { badRequest, expired } from "#machinery/errors/errors.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import { listPrefix } from "#registry/keys.ts";
import { compactedListMessage, settleFreshness } from "#registry/read.ts";
import { mustBeCurrent } from "#registry/resource.ts";
import { selectsAll } from "#registry/selection.ts";
import type { RequestContext } from "#server/context.ts";
import type { ResponseStream } from "#server/exchange.ts";
import type { Key, Revision } from "#storage/port.ts";
import { type Continuation, decodeContinue, encodeContinue } from "./continue-token.ts";
import type { ListMeta, ObjectEncoder } from "./encoder.ts";
import { restyleFor } from "./encoding-tasks.ts";
import { ListItems } from "./list-items.ts";
import { type ListOptions, listFreshness } from "./list-options.ts";
import type { EndpointServices } from "./services.ts";
import type { WatchTarget } from "./watch.ts";

/** Answers above this are streamed, piece by piece, as fast as the client reads. */
const streamAboveBytes = 1024 * 1024;
/** A streamed list waits for its client above this. */
const pauseQueuedBytes = 4 * 1024 * 1024;

export async function serveList(
  services: EndpointServices,
  context: RequestContext,
  target: WatchTarget,
  options: ListOptions,
  encoder: ObjectEncoder,
): Promise<void> {
  const { registry } = services;
  const prefix = listPrefix(
    target.resource.collection,
    target.cluster,
    target.cluster === "*" ? "" : target.namespace,
  );
  const page = await settle(services, options, prefix);
  const { at, after, limit } = page;
  mustBeCurrent(target.resource);
  if (at < registry.store.compacted()) throw tooOld(registry.store.current(), prefix, after);

  const writer = encoder.list(at, context.exchange.audit?.keepsResponse);
  const items = new ListItems(services, context, encoder, writer);
  let stream: ResponseStream | undefined;
  const sent = (): Promise<void> | undefined => {
    if (!writer.canStream || writer.size < streamAboveBytes || limit > 0) return undefined;
    stream ??= context.exchange.startStream(200, { "content-type": encoder.contentType });
    const piece = writer.take();
    context.exchange.audit?.respondsPiece(piece);
    stream.write(piece);
    if (context.closed) throw badRequest("the client has gone");
    return stream.queuedBytes < pauseQueuedBytes ? undefined : drained(stream, context);
  };
  const scanned = await registry
    .scan({
      ...target,
      selection: options.selection,
      at,
      ...(after === undefined ? {} : { after }),
      ...(limit > 0 ? { limit } : {}),
      visit: (object) => items.add(object)?.then(sent) ?? sent(),
    })
    .then(async (result) => {
      await items.flush();
      return result;
    })
    .catch((error: unknown) => {
      // A list that was begun cannot become an error: cut it off, so that the client sees it broken and not short.
      if (stream === undefined) throw error;
      context.exchange.abort();
      return undefined;
    });
  if (scanned === undefined) return;
  const meta: ListMeta = {
    resourceVersion: String(at),
    ...rest(services, target, options, page, writer.count, scanned.resumeAfter, prefix),
  };
  if (stream === undefined) {
    await writer.respond(context.exchange, meta, restyleFor(services, target.cluster));
  } else {
    const last = writer.finish();
    context.exchange.audit?.respondsPiece(last, true);
    stream.write(last);
    stream.end();
  }
}

const drained = (stream: ResponseStream, context: RequestContext): Promise<void> =>
  new Promise((resolve) => {
    stream.onDrain(resolve);
    context.onClose(resolve);
  });

interface Settled {
  readonly at: Revision;
  readonly after: Key | undefined;
  readonly limit: number;
  /** Objects on the pages before. */
  readonly seen: number;
}

async function settle(services: EndpointServices, options: ListOptions, prefix: string): Promise<Settled> {
  const { registry } = services;
  if (options.continueToken === "") {
    const { freshness, limit } = listFreshness(options);
    const exact = await settleFreshness(registry, freshness);
    return { at: exact ?? registry.store.current(), after: undefined, limit, seen: 0 };
  }
  const token: Continuation = decodeContinue(prefix, options.continueToken);
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  if (token.revision === undefined) {
    await registry.store.fresh();
    return { at: registry.store.current(), after: token.after, limit: options.limit, seen: token.seen };
  }
  await settleFreshness(registry, { kind: "exact", revision: token.revision });
  return { at: token.revision, after: token.after, limit: options.limit, seen: token.seen };
}

/** 410; with a token that lets the client go on at the newest revision when it was in the middle of a list. */
function tooOld(current: Revision, prefix: string, after: Key | undefined): StatusError {
  if (after === undefined) {
    return expired(`The resourceVersion for the provided list is too old.`);
  }
  const token = encodeContinue(prefix, { revision: undefined, after, seen: 0 });
  const message = `${compactedListMessage.split(".")[0]}. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.`;
  return current === 0 ? expired(message) : expired(message, token);
}

/** What a page says about the pages to come. */
function rest(
  services: EndpointServices,
  target: WatchTarget,
  options: ListOptions,
  page: Settled,
  count: number,
  resumeAfter: Key | undefined,
  prefix: string,
): Omit<ListMeta, "resourceVersion"> {
  if (resumeAfter === undefined) return {};
  const seen = page.seen + count;
  const token = encodeContinue(prefix, { revision: page.at, after: resumeAfter, seen });
  // Upstream tells the remaining number only without selectors; ours is counted per workspace, not per namespace.
  if (!selectsAll(options.selection) || target.namespace !== "") return { continue: token };
  const { store } = services.registry;
  const { collection } = target.resource;
  const total = target.cluster === "*" ? store.count(collection) : store.count(collection, target.cluster);
  return total <= seen ? { continue: token } : { continue: token, remainingItemCount: total - seen };
}
