/** WATCH over HTTP, in its forms and from every start (Kubernetes' API concepts; KEP-3157). */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { until } from "#base/testing/until.ts";
import {
  type CallOptions,
  callOn,
  type Json,
  type LiveServer,
  type LiveWatch,
  startLiveServer,
  type WatchEvent,
} from "./testing/live-server.ts";

let server: LiveServer;
let cluster = "";
let base = "";
let count = 0;
const open: LiveWatch[] = [];
before(async () => {
  server = await startLiveServer();
  cluster = await server.workspace("watching");
});
after(() => server.close());
/** Each test has a namespace of its own, with one ConfigMap that belongs to every namespace. */
beforeEach(async () => {
  for (const watch of open.splice(0)) watch.close();
  const namespace = `n${++count}`;
  await server.call("POST", `/clusters/${cluster}/api/v1/namespaces`, {
    body: { metadata: { name: namespace } },
  });
  base = `/clusters/${cluster}/api/v1/namespaces/${namespace}/configmaps`;
});

const call = (method: string, path: string, options?: CallOptions) =>
  server.call(method, `${base}${path}`, options);
async function create(name: string, labels = {}): Promise<number> {
  const { json } = await call("POST", "", { body: { metadata: { name, labels } } });
  return Number(json.metadata.resourceVersion);
}
const label = async (name: string, labels: object): Promise<number> => {
  const answer = await call("PATCH", `/${name}`, {
    body: { metadata: { labels } },
    type: "application/merge-patch+json",
  });
  return Number(answer.json.metadata.resourceVersion);
};
async function watch(query: string, options: { accept?: string } = {}): Promise<LiveWatch> {
  const made = await server.watch(`${base}?watch=1&${query}`, options);
  open.push(made);
  return made;
}
const short = ({ type, object }: WatchEvent): string => `${type} ${object.metadata.name ?? ""}`.trim();
const shorts = (events: readonly WatchEvent[]): string[] =>
  events.map(short).filter((text) => !text.includes("kube-root-ca"));
const endMark = ({ metadata }: Json): unknown => metadata.annotations?.["k8s.io/initial-events-end"];
const streamingList = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";

describe("a watch starts", () => {
  it("behind a revision: what came later, once, in order, then what comes", async () => {
    const first = await create("a");
    await create("b");
    await label("a", { x: "1" });
    await call("DELETE", "/b", { body: {} });
    const seen = await watch(`resourceVersion=${first}`);
    assert.deepEqual([seen.status, seen.contentType], [200, "application/json"]);
    assert.deepEqual((await seen.until(3)).map(short), ["ADDED b", "MODIFIED a", "DELETED b"]);
    const last = await create("c");
    const events = await seen.until(4);
    assert.equal(short(events[3]!), "ADDED c");
    assert.equal(Number(events[3]!.object.metadata.resourceVersion), last);
    const revisions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
  });

  it("from nothing and from 0: the present state as ADDED, then what comes", async () => {
    await create("a");
    for (const query of ["", "resourceVersion=0", "resourceVersion="]) {
      const seen = await watch(query);
      assert.deepEqual(shorts(await seen.until(2)), ["ADDED a"], query);
      await label("a", { turn: query === "" ? "none" : `x${query.length}` });
      assert.deepEqual(shorts(await seen.until(3)), ["ADDED a", "MODIFIED a"]);
    }
  });

  it("in the future: silent until then", async () => {
    const seen = await watch(`resourceVersion=${server.store.current() + 2}`);
    await create("too-early");
    await create("too-early-as-well");
    const there = await create("there");
    assert.deepEqual(shorts(await seen.until(1)), ["ADDED there"]);
    assert.equal(Number(seen.events()[0]!.object.metadata.resourceVersion), there);
  });

  it("too far back: 200, an ERROR event with 410, and the end", async () => {
    await create("a");
    const old = server.store.current() - 1;
    await create("b");
    await server.store.compact(server.store.current());
    for (const accept of ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"]) {
      const seen = await watch(`resourceVersion=${old}`, { accept });
      assert.equal(seen.status, 200);
      const [event] = await seen.until(1);
      assert.deepEqual(
        [event!.type, event!.object.kind, event!.object.code, event!.object.reason],
        ["ERROR", "Status", 410, "Expired"],
      );
      assert.match(event!.object.message, /^too old resource version: \d+ \(\d+\)$/);
      await seen.ended();
    }
    const binary = await watch(`resourceVersion=${old}`, { accept: "application/vnd.kubernetes.protobuf" });
    await binary.ended();
    assert.deepEqual(
      frames(binary.bytes()).map(({ type }) => type),
      ["ERROR"],
    );
  });

  it("nowhere, when its parameters mean nothing", async () => {
    const refused = async (query: string, code: number, text: RegExp): Promise<void> => {
      const answer = await call("GET", `?watch=1&${query}`);
      assert.equal(answer.status, code, query);
      assert.match(answer.json.message, text);
    };
    await refused("resourceVersion=x", 422, /resourceVersion: Invalid value: "x"/);
    await refused(
      "sendInitialEvents=true",
      422,
      /resourceVersionMatch: Forbidden: sendInitialEvents requires/,
    );
    await refused(
      "sendInitialEvents=true&resourceVersionMatch=Exact",
      422,
      /resourceVersionMatch: Forbidden/,
    );
    await refused(
      "resourceVersionMatch=NotOlderThan",
      422,
      /resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided/,
    );
    await refused("continue=x", 422, /resourceVersionMatch is forbidden when continue is provided/);
    await refused("labelSelector=a+b", 400, /unable to parse requirement/);
    await refused("fieldSelector=data.x=1", 400, /is not a known field selector/);
    await refused("timeoutSeconds=x", 400, /invalid syntax/);
    const yaml = await call("GET", "?watch=1", { accept: "application/yaml" });
    assert.equal(yaml.status, 406);
    assert.match(yaml.text, /^reason: NotAcceptable$/m);
  });
});

describe("streaming lists", () => {
  it("end with a bookmark, also when there is nothing, and go on", async () => {
    await create("a");
    const seen = await watch(`${streamingList}&labelSelector=!none`);
    const events = await seen.until(3);
    assert.deepEqual(shorts(events), ["ADDED a", "BOOKMARK"]);
    const { object } = events[2]!;
    assert.deepEqual([object.kind, object.apiVersion, endMark(object)], ["ConfigMap", "v1", "true"]);
    assert.ok(Number(object.metadata.resourceVersion) >= Number(events[0]!.object.metadata.resourceVersion));
    const empty = await watch(`${streamingList}&labelSelector=none`);
    assert.deepEqual((await empty.until(1)).map(short), ["BOOKMARK"]);
    await create("b", { none: "not" });
    assert.deepEqual(shorts((await empty.until(2)).slice(1)), ["ADDED b"]);
  });

  it("without bookmarks, and without initial events", async () => {
    await create("a");
    const quiet = await watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    const changes = await watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    await create("b");
    assert.deepEqual(shorts(await quiet.until(3)), ["ADDED a", "ADDED b"]);
    assert.deepEqual(shorts(await changes.until(1)), ["ADDED b"]);
  });

  it("wait for a revision that is near", async () => {
    const opening = watch(`${streamingList}&resourceVersion=${server.store.current() + 1}`);
    await create("near");
    const events = await (await opening).until(3);
    assert.deepEqual(shorts(events), ["ADDED near", "BOOKMARK"]);
  });

  it("as partial metadata, as tables and as protobuf", async () => {
    await create("a");
    const partial = await watch(streamingList, {
      accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    });
    const [added, , mark] = await partial.until(3);
    assert.deepEqual(
      [added!.object.kind, added!.object.apiVersion],
      ["PartialObjectMetadata", "meta.k8s.io/v1"],
    );
    assert.deepEqual(
      [mark!.type, mark!.object.kind, endMark(mark!.object)],
      ["BOOKMARK", "PartialObjectMetadata", "true"],
    );

    const table = await watch(streamingList, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    const [first, second, last] = await table.until(3);
    assert.deepEqual([first!.object.kind, first!.object.rows[0]!.cells[0]], ["Table", "a"]);
    assert.ok(Array.isArray(first!.object.columnDefinitions));
    assert.equal(second!.object.columnDefinitions, null);
    assert.deepEqual(
      [last!.type, last!.object.kind, endMark(last!.object.rows[0]!.object), last!.object.rows[0]!.cells[0]],
      ["BOOKMARK", "Table", "true", ""],
    );

    for (const accept of [
      "application/vnd.kubernetes.protobuf",
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    ]) {
      const binary = await watch(streamingList, { accept });
      assert.equal(binary.contentType, "application/vnd.kubernetes.protobuf;stream=watch");
      await until("the initial events have ended", () => frames(binary.bytes()).length >= 3);
      const all = frames(binary.bytes());
      assert.deepEqual(all.map(({ type }) => type).slice(0, 3), ["ADDED", "ADDED", "BOOKMARK"]);
      assert.ok(all[2]!.object.includes("k8s.io/initial-events-end"));
      for (const { object } of all) assert.equal(object.toString("latin1", 0, 4), "k8s\0");
    }
  });
});

describe("a watch with a selection", () => {
  it("adds what enters and deletes what leaves, as it was, with the new revision", async () => {
    const seen = await watch(`resourceVersion=${server.store.current()}&labelSelector=color%3Dred`);
    await create("a", { color: "blue" });
    const enters = await label("a", { color: "red" });
    await label("a", { more: "yes" });
    const leaves = await label("a", { color: "green" });
    await label("a", { color: "grey" });
    await label("a", { color: "red" });
    await call("DELETE", "/a", { body: {} });
    const events = await seen.until(5);
    assert.deepEqual(events.map(short), ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"]);
    assert.equal(Number(events[0]!.object.metadata.resourceVersion), enters);
    assert.equal(Number(events[2]!.object.metadata.resourceVersion), leaves);
    assert.equal(events[2]!.object.metadata.labels.color, "red");
  });

  it("by name, in the query and in the deprecated paths", async () => {
    await create("a");
    await create("b");
    const [prefix, rest] = base.split("/api/v1/");
    const deprecated = (tail: string): Promise<LiveWatch> =>
      server.watch(`${prefix}/api/v1/watch/${rest}${tail}`);
    const watches = [
      await watch("fieldSelector=metadata.name=b"),
      await deprecated("/b"),
      await deprecated("?fieldSelector=metadata.name=b"),
      await server.watch(
        `${prefix}/api/v1/configmaps?watch=true&fieldSelector=metadata.name=b,metadata.namespace=n${count}`,
      ),
    ];
    await label("a", { x: "1" });
    await label("b", { x: "1" });
    for (const seen of watches) {
      assert.deepEqual((await seen.until(2)).map(short), ["ADDED b", "MODIFIED b"]);
      seen.close();
    }
    const conflicting = await server.call(
      "GET",
      `${prefix}/api/v1/watch/${rest}/b?fieldSelector=metadata.name=a`,
    );
    assert.equal(conflicting.status, 400);
    const posted = await server.call("POST", `${prefix}/api/v1/watch/${rest}`, { body: {} });
    assert.equal(posted.status, 405);
  });

  it("of the kind's own fields", async () => {
    const secrets = base.replace("configmaps", "secrets");
    const seen = await server.watch(
      `${secrets}?watch=1&resourceVersion=${server.store.current()}&fieldSelector=type=mine`,
    );
    for (const [name, type] of [
      ["x", "other"],
      ["y", "mine"],
    ])
      await server.call("POST", secrets, { body: { metadata: { name }, type } });
    assert.deepEqual((await seen.until(1)).map(short), ["ADDED y"]);
    seen.close();
  });
});

describe("a watch ends", () => {
  it("when its time is over, with a last bookmark before that", async () => {
    const start = server.store.current();
    const moved = await create("a");
    const seen = await watch(`timeoutSeconds=4&allowWatchBookmarks=1&resourceVersion=${start}`);
    await seen.ended();
    const events = seen.events();
    assert.deepEqual(shorts(events), ["ADDED a", "BOOKMARK"]);
    const { metadata, kind, apiVersion } = events[1]!.object;
    assert.deepEqual([kind, apiVersion, Object.keys(metadata)], ["ConfigMap", "v1", ["resourceVersion"]]);
    assert.ok(Number(metadata.resourceVersion) >= moved);
  });

  it("when its reader is too slow: cut off, and nobody else suffers", async () => {
    const slowly = server.connect();
    const stream = slowly.request({ ":path": `${base}?watch=1&resourceVersion=${server.store.current()}` });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.on("response", resolve));
    stream.pause();
    const closed = new Promise<void>((resolve) => stream.on("close", resolve));
    const quick = await watch(`resourceVersion=${server.store.current()}`);
    const filler = "x".repeat(900_000);
    for (let i = 0; i < 12; i++) {
      await call("POST", "", { body: { metadata: { name: `big-${i}` }, data: { filler } } });
      await quick.until(i + 1);
    }
    stream.resume();
    await closed;
    assert.notEqual(stream.rstCode, 0);
    slowly.destroy();
    assert.equal(shorts(quick.events()).length, 12);
  });

  it("over all workspaces it sees each once, for administrators only", async () => {
    const other = await server.workspace(`across-${count}`);
    const seen = await server.watch(
      `/clusters/*/api/v1/configmaps?watch=1&resourceVersion=${server.store.current()}&labelSelector=across`,
    );
    for (const where of [cluster, other])
      await server.call("POST", `/clusters/${where}/api/v1/namespaces/default/configmaps`, {
        body: { metadata: { name: "same", labels: { across: "yes" } } },
      });
    const events = await seen.until(2);
    assert.deepEqual(
      events.map(({ object }) => object.metadata.annotations["kcp.io/cluster"]),
      [cluster, other],
    );
    seen.close();
    const nobody = server.connect("nobody");
    const refused = await callOn(nobody, "GET", "/clusters/*/api/v1/configmaps?watch=1", {
      headers: { authorization: "Bearer alice-token" },
    });
    assert.equal(refused.status, 403);
    nobody.destroy();
  });

  it("HEAD of a watch is answered and done", async () => {
    const head = await server.call("HEAD", `${base}?watch=1`);
    assert.deepEqual([head.status, head.bytes.length], [200, 0]);
  });
});

/** Length-delimited WatchEvents, those that are there in full: `{1: type, 2: {1: raw}}`. */
function frames(bytes: Buffer): { type: string; object: Buffer }[] {
  const found = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    const [type, extension] = fields(bytes.subarray(at + 4, end));
    found.push({ type: type!.toString(), object: fields(extension!)[0]! });
    at = end;
  }
  return found;
}

/** The length-delimited fields of a message, in order. */
function fields(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    let shift = 0;
    for (at++; ; at++, shift += 7) {
      length += (bytes[at]! & 0x7f) * 2 ** shift;
      if (bytes[at]! < 0x80) break;
    }
    at++;
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}
