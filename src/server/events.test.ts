/** An Event is one object, seen in two groups. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  assert.deepEqual(server.bugs, []);
  await server.close();
});

const core = "/clusters/root/api/v1/namespaces/default/events";
const events = "/clusters/root/apis/events.k8s.io/v1/namespaces/default/events";
const legacy = {
  metadata: { name: "legacy", namespace: "default", labels: { of: "core" } },
  involvedObject: { kind: "Pod", namespace: "default", name: "p" },
  reason: "Started",
  message: "it runs",
  type: "Normal",
  count: 2,
  source: { component: "kubelet" },
};
const modern = {
  metadata: { name: "modern", namespace: "default" },
  eventTime: "2026-01-01T00:00:00.000001Z",
  regarding: { kind: "Pod", namespace: "default", name: "q" },
  reason: "Killed",
  note: "it is gone",
  type: "Warning",
  action: "Kill",
  reportingController: "example.com/killer",
  reportingInstance: "killer-1",
};

async function created(path: string, body: object) {
  const answer = await server.call("POST", path, { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

test("written in one group, read, listed and selected in both", async () => {
  await created(core, legacy);
  const made = await created(events, modern);
  assert.deepEqual([made.apiVersion, made.note], ["events.k8s.io/v1", "it is gone"]);
  const asCore = (await server.call("GET", `${core}/modern`)).json;
  assert.deepEqual(
    [asCore.apiVersion, asCore.kind, asCore.message, asCore.reportingComponent, asCore.firstTimestamp],
    ["v1", "Event", "it is gone", "example.com/killer", null],
  );
  assert.deepEqual(
    [asCore.metadata.uid, asCore.metadata.resourceVersion],
    [made.metadata.uid, made.metadata.resourceVersion],
  );
  const asEvents = (await server.call("GET", `${events}/legacy`)).json;
  assert.deepEqual(
    [
      asEvents.apiVersion,
      asEvents.note,
      asEvents.deprecatedCount,
      asEvents.deprecatedSource,
      asEvents.regarding,
    ],
    ["events.k8s.io/v1", "it runs", 2, { component: "kubelet" }, legacy.involvedObject],
  );
  for (const [path, selector, name] of [
    [core, "involvedObject.name=q", "modern"],
    [core, "source=kubelet", "legacy"],
    [core, "reportingComponent=example.com/killer", "modern"],
    [events, "regarding.name=p", "legacy"],
    [events, "reportingController=example.com/killer,type=Warning", "modern"],
  ] as const) {
    const { items } = (await server.call("GET", `${path}?fieldSelector=${selector}`)).json;
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [name],
      `${path} ${selector}`,
    );
  }
  const labelled = (await server.call("GET", `${events}?labelSelector=of%3Dcore`)).json;
  assert.equal(labelled.kind, "EventList");
  assert.equal(labelled.items[0]?.note, "it runs");
  assert.equal((await server.call("GET", `${events}?fieldSelector=involvedObject.name%3Dq`)).status, 400);
});

test("changed and deleted in either group, and watched in both", async () => {
  await created(events, { ...modern, metadata: { name: "seen", namespace: "default" } });
  const seen = await Promise.all(
    [core, events].map((path) => server.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dseen`)),
  );
  const series = { series: { count: 2, lastObservedTime: "2026-01-01T00:00:01.000000Z" } };
  const patched = await server.call("PATCH", `${core}/seen`, {
    body: { ...series, message: "changed" },
    type: "application/merge-patch+json",
  });
  assert.equal(patched.status, 200, patched.text);
  // events.k8s.io/v1 keeps everything but the series as it is.
  const refused = await server.call("PATCH", `${events}/seen`, {
    body: { note: "once more" },
    type: "application/merge-patch+json",
  });
  assert.equal(refused.status, 422, refused.text);
  assert.equal((await server.call("DELETE", `${events}/seen`)).status, 200);
  const [inCore, inEvents] = await Promise.all(seen.map((watch) => watch.until(3)));
  const types = ["ADDED", "MODIFIED", "DELETED"];
  for (const all of [inCore!, inEvents!])
    assert.deepEqual(
      all.map(({ type }) => type),
      types,
    );
  assert.equal(inCore![1]!.object.message, "changed");
  assert.equal(inEvents![1]!.object.note, "changed");
  assert.equal(inEvents![2]!.object.apiVersion, "events.k8s.io/v1");
  for (const watch of seen) watch.close();
  assert.equal((await server.call("GET", `${core}/seen`)).status, 404);
});

test("protobuf, tables and partial metadata of both", async () => {
  await created(core, { ...legacy, metadata: { name: "forms", namespace: "default" } });
  for (const path of [core, events]) {
    const protobuf = await server.call("GET", `${path}/forms`, {
      accept: "application/vnd.kubernetes.protobuf",
    });
    assert.equal(protobuf.status, 200);
    assert.ok(protobuf.bytes.includes(path === core ? "v1" : "events.k8s.io/v1"));
    const table = await server.call("GET", `${path}?fieldSelector=metadata.name%3Dforms`, {
      accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
    });
    assert.ok(table.json.rows[0]!.cells.includes("it runs"), path);
    const partial = await server.call("GET", `${path}/forms`, {
      accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    });
    assert.equal(partial.json.metadata.name, "forms");
  }
});

test("what is wrong with an Event is told of the kind of the core group, in both", async () => {
  const odd = { ...modern, metadata: { name: "odd", namespace: "default" }, type: "Odd" };
  const { json } = await server.call("POST", events, { body: odd });
  assert.equal(json.message, 'Event "odd" is invalid: type: Invalid value: "": has invalid value: Odd');
  assert.deepEqual([json.details.group, json.details.kind], [undefined, "Event"]);
});
