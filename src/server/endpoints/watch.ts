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
import { eventElsewhere, isLargeToEncode } from "./encoding-tasks.ts";
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
/** The same for objects whose events another thread makes, and for events that wait behind them. */
const maxWaitingBytes = 16 * 1024 * 1024;
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
/** One that is made, or what begins to make it in another thread. */
type WatchEvent = Buffer | (() => Promise<Buffer>);

const bytesOf = (events: readonly WatchEvent[]): number =>
  events.reduce((bytes, event) => bytes + (Buffer.isBuffer(event) ? event.length : 0), 0);

class WatchSession implements OpenWatch {
  readonly #services: EndpointServices;
  readonly #target: WatchTarget;
  readonly #options: ListOptions;
  readonly #encoder: ObjectEncoder;
  readonly #stream: ResponseStream;
  /** Events of a batch. */
  #pending: WatchEvent[] = [];
  /** What is to be written once that has been done which was begun before; undefined: nothing was. */
  #line: (() => void | Promise<void>)[] | undefined;
  #waitingBytes = 0;
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
        if (!isLargeToEncode(this.#services, this.#encoder, object)) {
          this.#write(this.#encoder.event("ADDED", object));
          return this.#drained();
        }
        return this.#elsewhere("ADDED", object.copy(), this.#takeFirst()).then((event) => {
          this.#write(event);
          return this.#drained();
        });
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
          this.#pending.push(this.#eventOf(type, object));
        },
        onBatchEnd: () => {
          const events = this.#pending;
          if (events.length === 0) return;
          this.#pending = [];
          const behind = this.#line === undefined ? 0 : bytesOf(events);
          this.#waits(behind);
          this.#inOrder(() => {
            this.#waitingBytes -= behind;
            return this.#send(events);
          });
        },
        onProgress: (revision) =>
          this.#inOrder(() => {
            if (this.#bookmarkDue) this.#write(this.#encoder.bookmark(revision, false));
            this.#bookmarkDue = false;
          }),
        onEnd: (error) => this.#inOrder(() => this.#fail(error)),
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #eventOf(type: EventType, object: StoredObject): WatchEvent {
    if (!isLargeToEncode(this.#services, this.#encoder, object)) return this.#encoder.event(type, object);
    const { length } = object.value;
    const first = this.#takeFirst();
    this.#waits(length);
    return async () => {
      const event = await this.#elsewhere(type, object, first);
      this.#waitingBytes -= length;
      return event;
    };
  }

  #waits(bytes: number): void {
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > maxWaitingBytes) this.#cutOff();
  }

  #takeFirst(): boolean {
    return this.#encoder.takeFirst?.() ?? true;
  }

  #elsewhere(type: EventType, object: StoredObject, first: boolean): Promise<Buffer> {
    return eventElsewhere(this.#services, this.#encoder, type, object, first);
  }

  #send(events: readonly WatchEvent[]): void | Promise<void> {
    const made = events.filter((event) => Buffer.isBuffer(event));
    if (made.length === events.length) {
      this.#write(made.length === 1 ? made[0]! : Buffer.concat(made));
      return;
    }
    return this.#sendEach(events);
  }

  async #sendEach(events: readonly WatchEvent[]): Promise<void> {
    for (const event of events) {
      if (this.#ended) return;
      this.#write(Buffer.isBuffer(event) ? event : await event());
    }
  }

  /** Steps are done in the order of the calls: at once, unless one before waits. */
  #inOrder(step: () => void | Promise<void>): void {
    if (this.#line !== undefined) {
      this.#line.push(step);
      return;
    }
    const waiting = step();
    if (waiting === undefined) return;
    this.#line = [];
    this.#goOn(waiting, this.#line).catch((error: unknown) => this.#fail(error));
  }

  async #goOn(first: Promise<void>, line: (() => void | Promise<void>)[]): Promise<void> {
    await first;
    for (let step = line.shift(); step !== undefined && !this.#ended; step = line.shift()) await step();
    this.#line = undefined;
  }

  /** To wait for, where the client is slow. */
  #drained(): Promise<void> | undefined {
    if (this.#ended) throw new WatchEnded();
    if (this.#stream.queuedBytes < pauseQueuedBytes) return undefined;
    return new Promise<void>((resolve) => this.#stream.onDrain(resolve));
  }

  #write(bytes: Buffer): void {
    if (this.#ended) return;
    this.#stream.write(bytes);
    if (this.#stream.queuedBytes > maxQueuedBytes) this.#cutOff();
  }

  #cutOff(): void {
    this.#stop();
    this.#stream.abort();
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
