/**
 * Informers against concurrent writers: whoever lists and watches from there, with any selection and however often the
 * connection breaks, ends with exactly what a list shows, and sees every revision once and in order.
 */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import fc from "fast-check";
import { sampleOf } from "#base/testing/samples.ts";
import { until } from "#base/testing/until.ts";
import {
  type Json,
  type LiveServer,
  type LiveWatch,
  startLiveServer,
  type WatchEvent,
} from "./testing/live-server.ts";
import { pick, randomOf } from "./testing/random-objects.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(() => server.close());

const selections = [
  "",
  "labelSelector=color%3Dred",
  "labelSelector=color!%3Dred",
  "labelSelector=!color",
  "fieldSelector=metadata.name%3Dm-3",
  "fieldSelector=metadata.name!%3Dm-3&labelSelector=color",
];
const versionOf = ({ metadata }: Json): number => Number(metadata.resourceVersion);

/** As client-go's reflector: a store of names and versions, kept by events. */
class Informer {
  readonly #path: string;
  readonly #selection: string;
  readonly #streaming: boolean;
  readonly #state = new Map<string, number>();
  #revision = 0;
  #watch: LiveWatch | undefined;
  #read = 0;

  constructor(path: string, selection: string, streaming: boolean) {
    this.#path = path;
    this.#selection = selection;
    this.#streaming = streaming;
  }

  async start(): Promise<void> {
    if (this.#streaming) {
      await this.#open("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
      return;
    }
    const list = (await server.call("GET", `${this.#path}?${this.#selection}`)).json;
    for (const item of list.items) this.#state.set(item.metadata.name, versionOf(item));
    this.#revision = versionOf(list);
    await this.#open(`resourceVersion=${this.#revision}`);
  }

  /** The connection breaks, and is made again from what was seen. */
  async reconnect(): Promise<void> {
    this.#apply();
    this.#watch?.close();
    if (this.#revision > 0) await this.#open(`resourceVersion=${this.#revision}`);
    else await this.start();
  }

  async #open(query: string): Promise<void> {
    this.#read = 0;
    this.#watch = await server.watch(`${this.#path}?watch=1&${query}&${this.#selection}`);
  }

  #apply(): void {
    const events = this.#watch?.events() ?? [];
    const bookmark = events.findIndex(({ type }) => type === "BOOKMARK");
    for (; this.#read < events.length; this.#read++) {
      const event = events[this.#read]!;
      // Initial events come in the order of keys, and count from their bookmark on.
      const initial = this.#streaming && this.#revision === 0 && (bookmark < 0 || this.#read < bookmark);
      if (initial && bookmark < 0) return;
      this.#take(event, initial);
    }
  }

  #take({ type, object }: WatchEvent, initial: boolean): void {
    const { name } = object.metadata;
    const revision = versionOf(object);
    assert.notEqual(type, "ERROR", JSON.stringify(object));
    if (!initial) {
      const repeats = type === "BOOKMARK" ? revision < this.#revision : revision <= this.#revision;
      assert.ok(!repeats, `${type} ${name} at ${revision} after ${this.#revision}`);
      this.#revision = revision;
    }
    if (type === "ADDED") assert.ok(!this.#state.has(name), `${name} added twice`);
    if (type === "MODIFIED" || type === "DELETED")
      assert.ok(this.#state.has(name), `${type} of unknown ${name}`);
    if (type === "DELETED") this.#state.delete(name);
    else if (type !== "BOOKMARK") this.#state.set(name, revision);
  }

  /** Resolves when it shows what the list shows. */
  async settle(): Promise<void> {
    const list = (await server.call("GET", `${this.#path}?${this.#selection}`)).json;
    const expected = list.items.map((item) => [item.metadata.name, versionOf(item)]);
    const own = (): unknown => {
      this.#apply();
      return [...this.#state].sort(([a], [b]) => (a < b ? -1 : 1));
    };
    await until(this.#selection, () => JSON.stringify(own()) === JSON.stringify(expected)).catch(
      () => undefined,
    );
    assert.deepEqual(own(), expected, this.#selection);
    this.#watch?.close();
  }
}

it("see every change once, whatever they select and however often they reconnect", async () => {
  let namespaces = 0;
  const cluster = await server.workspace("informers");
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0x7fffffff }), async (seed) => {
      const random = randomOf(seed);
      const namespace = `n${++namespaces}`;
      await server.call("POST", `/clusters/${cluster}/api/v1/namespaces`, {
        body: { metadata: { name: namespace } },
      });
      const path = `/clusters/${cluster}/api/v1/namespaces/${namespace}/secrets`;
      const write = async (): Promise<void> => {
        const name = `m-${Math.floor(random() * 8)}`;
        const color = pick(random, ["red", "blue", null]);
        const labels = color === null ? {} : { color };
        const kind = random();
        const merge = {
          body: { metadata: { labels: { color, n: String(Math.floor(random() * 100)) } } },
          type: "application/merge-patch+json",
        };
        const answer =
          kind < 0.4
            ? await server.call("POST", path, { body: { metadata: { name, labels } } })
            : kind < 0.75
              ? await server.call("PATCH", `${path}/${name}`, merge)
              : kind < 0.95
                ? await server.call("DELETE", `${path}/${name}`)
                : await server.call("DELETE", `${path}?labelSelector=color%3Dred`);
        assert.ok(answer.status < 300 || answer.status === 404 || answer.status === 409, answer.text);
      };
      const informers = selections.flatMap((selection) => [
        new Informer(path, selection, false),
        new Informer(path, selection, true),
      ]);
      const writers = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await Promise.all([write(), write(), write(), write()]);
      };
      const readers = async (): Promise<void> => {
        for (let turn = 0; turn < 3; turn++)
          for (const informer of informers) if (random() < 0.5) await informer.reconnect();
      };
      await writers(3);
      await Promise.all([writers(6), Promise.all(informers.map((informer) => informer.start()))]);
      await Promise.all([writers(20), readers()]);
      for (const informer of informers) await informer.settle();
    }),
    { numRuns: sampleOf(8, 2) },
  );
});
