/** WATCH: from any kept revision, with initial events, bookmarks and selector transitions (spec 5.3). */
import { expired, statusOf } from "#machinery/errors/errors.ts";
import type { ClusterScope } from "#registry/cluster-name.ts";
import { settleFreshness } from "#registry/read.ts";
import { DefinitionChangedError, mustBeCurrent, type Resource } from "#registry/resource.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { EventType } from "#registry/watch.ts";
import type { RequestContext } from "#server/context.ts";
import type { ResponseStream } from "#server/exchange.ts";
import { CompactedError, type Revision, type Watch } from "#storage/port.ts";
import type { ObjectEncoder } from "./encoder.ts";
import { type ListOptions, parseRevision } from "./list-options.ts";
import type { EndpointServices } from "./services.ts";
import type { OpenWatch } from "./watch-set.ts";

export interface WatchTarget {
  readonly resource: Resource;
  readonly cluster: ClusterScope;
  readonly namespace: string;
}

/** A watcher that lets this many bytes pile up is cut off; its client resumes from its last revision. */
const maxQueuedBytes = 4 * 1024 * 1024;
/** Initial events pause above this and go on when the client has read them. */
const pauseQueuedBytes = 512 * 1024;
const minTimeoutSeconds = 1_800;

/** Answers a watch request; resolves when the stream has been set going. */
export async function serveWatch(
  services: EndpointServices,
  context: RequestContext,
  target: WatchTarget,
  options: ListOptions,
  encoder: ObjectEncoder,
): Promise<void> {
  const { registry } = services;
  const initial =
    options.sendInitialEvents ?? (options.resourceVersion === "" || options.resourceVersion === "0");
  const given = options.resourceVersion === "" ? undefined : parseRevision(options.resourceVersion);
  let after = given ?? registry.store.current();
  if (initial) {
    const freshness =
      given === undefined
        ? ({ kind: "consistent" } as const)
        : given === 0
          ? ({ kind: "any" } as const)
          : ({ kind: "not-older", revision: given } as const);
    await settleFreshness(registry, freshness);
    after = registry.store.current();
  } else if (given === undefined || given === 0) {
    after = await registry.store.fresh();
  }
  if (context.closed) return;
  mustBeCurrent(target.resource);
  const stream = context.exchange.startStream(200, { "content-type": encoder.streamContentType });
  const session = new WatchSession(services, context, target, options, encoder, stream);
  session.run(after, initial);
}

/** One open watch: initial events, then changes, until a time-out, the client or a limit ends it. */
class WatchSession implements OpenWatch {
  readonly #services: EndpointServices;
  readonly #target: WatchTarget;
  readonly #options: ListOptions;
  readonly #encoder: ObjectEncoder;
  readonly #stream: ResponseStream;
  #pending: Buffer[] = [];
  #watch: Watch | undefined;
  #ended = false;
  /** Catching up reports progress too; only what was asked for becomes a bookmark. */
  #bookmarkDue = false;

  constructor(
    services: EndpointServices,
    context: RequestContext,
    target: WatchTarget,
    options: ListOptions,
    encoder: ObjectEncoder,
    stream: ResponseStream,
  ) {
    this.#services = services;
    this.#target = target;
    this.#options = options;
    this.#encoder = encoder;
    this.#stream = stream;
    context.onClose(() => this.#stop());
    const seconds = options.timeoutSeconds ?? 0;
    const timeoutSeconds = seconds > 0 ? seconds : minTimeoutSeconds * (1 + services.random());
    services.watches.add(this, { timeoutMs: timeoutSeconds * 1_000, bookmarks: options.allowWatchBookmarks });
  }

  run(after: Revision, initial: boolean): void {
    if (!initial) {
      this.#follow(after);
      return;
    }
    this.#sendInitialEvents(after).then(
      () => this.#follow(after),
      (error: unknown) => this.#fail(error),
    );
  }

  bookmark(): void {
    if (this.#watch === undefined) return;
    if (this.#target.resource.form?.isCurrent() === false) {
      this.end();
      return;
    }
    this.#bookmarkDue = true;
    this.#watch.requestProgress();
  }

  end(): void {
    if (this.#stop()) this.#stream.end();
  }

  async #sendInitialEvents(at: Revision): Promise<void> {
    const { resource, cluster, namespace } = this.#target;
    await this.#services.registry.scan({
      resource,
      cluster,
      namespace,
      selection: this.#options.selection,
      at,
      visit: (object) => {
        this.#send("ADDED", object);
        if (this.#ended) throw new WatchEnded();
        if (this.#stream.queuedBytes < pauseQueuedBytes) return undefined;
        return new Promise<void>((resolve) => this.#stream.onDrain(resolve));
      },
    });
    if (this.#options.allowWatchBookmarks && !this.#ended) this.#write(this.#encoder.bookmark(at, true));
  }

  #follow(after: Revision): void {
    if (this.#ended) return;
    const { resource, cluster, namespace } = this.#target;
    try {
      this.#watch = this.#services.registry.watch({
        resource,
        cluster,
        namespace,
        selection: this.#options.selection,
        after,
        onEvent: (type, object) => {
          this.#pending.push(this.#encoder.event(type, object));
        },
        onBatchEnd: () => this.#flush(),
        onProgress: (revision) => {
          if (this.#bookmarkDue) this.#write(this.#encoder.bookmark(revision, false));
          this.#bookmarkDue = false;
        },
        onEnd: (error) => this.#fail(error),
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#write(pending.length === 1 ? pending[0]! : Buffer.concat(pending));
  }

  #send(type: EventType, object: StoredObject): void {
    this.#write(this.#encoder.event(type, object));
  }

  #write(bytes: Buffer): void {
    if (this.#ended) return;
    this.#stream.write(bytes);
    if (this.#stream.queuedBytes > maxQueuedBytes) {
      this.#stop();
      this.#stream.abort();
    }
  }

  /** Tells the client why, as an ERROR event, and ends the stream. */
  #fail(error: unknown): void {
    if (this.#ended || error instanceof WatchEnded) return;
    // The client goes on by itself, and finds the kind as it is now.
    if (error instanceof DefinitionChangedError) {
      this.end();
      return;
    }
    const status =
      error instanceof CompactedError
        ? expired(`too old resource version: ${error.requested} (${error.compacted})`).status
        : statusOf(error);
    this.#write(this.#encoder.error(status));
    this.end();
  }

  #stop(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#watch?.close();
    this.#services.watches.delete(this);
    return true;
  }
}

class WatchEnded extends Error {
  override readonly name = "WatchEnded";
}
