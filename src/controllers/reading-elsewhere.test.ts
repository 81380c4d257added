/** Objects that are too much to be read in this thread are selected by another, which is played by a function here. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { KubeObject } from "#machinery/meta/object.ts";
import { FieldSelector } from "#machinery/selectors/fields.ts";
import { LabelSelector } from "#machinery/selectors/labels.ts";
import type { ReadingTask } from "#registry/elsewhere.ts";
import { readSelected, type Selection, selectionOf } from "#registry/selection.ts";
import { StoredObject } from "#registry/stored-object.ts";
import type { Key } from "#storage/port.ts";
import { makeTestRegistry, rootCluster, type TestRegistry } from "./testing/test-registry.ts";

const limits = { parsedBytes: 4_000, convertedBytes: 4_000, storedBytes: () => 1_000_000 };
let test_: TestRegistry;
let tasks: ReadingTask[] = [];
const processed: unknown[] = [];
/** What a task waits for. */
let gate: Promise<void> = Promise.resolve();

before(async () => {
  test_ = await makeTestRegistry({
    elsewhere: {
      limits,
      process: async (controller, item) => void processed.push([controller, item]),
      async read(_workspace, task) {
        tasks.push(structuredClone(task));
        await gate;
        const resource = test_.registry.mustResource(task);
        const selection = selectionOf(task.selection);
        return task.objects.map((plain) => readSelected(selection, StoredObject.fromPlain(resource, plain)));
      },
    },
  });
  for (const [index, size] of ["s", "l", "s", "l", "l", "s"].entries()) await create(`${index}${size}`);
});
after(() => test_.close());
beforeEach(() => {
  tasks = [];
});

const padding = "x".repeat(6_000);
const secrets = () => test_.registry.mustResource({ group: "", resource: "secrets" });
const create = (name: string, type = "a.b/even", labels: Record<string, string> = { a: "b" }) =>
  test_.create(rootCluster, "secrets", "default", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, labels, annotations: { padding: name.endsWith("l") ? padding : "" } },
    type: Number(name[0]) % 2 === 0 ? type : "a.b/odd",
  } as KubeObject);
const selection = (text: { labels?: string; fields?: string }): Selection =>
  selectionOf({ labels: text.labels, fields: text.fields });
const at = () => ({ resource: secrets(), cluster: rootCluster, namespace: "default" });

async function page(which: Selection, limit?: number, from?: Key) {
  const names: string[] = [];
  const { resumeAfter } = await test_.registry.scan({
    ...at(),
    selection: which,
    at: test_.store.current(),
    ...(limit === undefined ? {} : { limit }),
    ...(from === undefined ? {} : { after: from }),
    visit: ({ location }) => void names.push(location.name),
  });
  return { names, resumeAfter };
}
const scanned = async (which: Selection): Promise<string[]> => (await page(which)).names;
const namesRead = (): string[] =>
  tasks.flatMap(({ objects }) => objects.map(({ location }) => location.name));

test("large objects are selected elsewhere, in their places; small ones here", async () => {
  assert.deepEqual(await scanned(selection({ fields: "type=a.b/even" })), ["0s", "2s", "4l"]);
  assert.deepEqual(namesRead(), ["1l", "3l", "4l"]);
  assert.deepEqual(await scanned(selection({ fields: "type!=a.b/even" })), ["1l", "3l", "5s"]);
});

test("what the key, or a look at the bytes, tells is not asked elsewhere", async () => {
  assert.deepEqual(await scanned(selection({ fields: "metadata.name!=1l" })), ["0s", "2s", "3l", "4l", "5s"]);
  assert.deepEqual(await scanned(selection({ labels: "a=b" })), ["0s", "1l", "2s", "3l", "4l", "5s"]);
  assert.deepEqual(await scanned(selection({ labels: "none=b", fields: "type=a.b/even" })), []);
  assert.deepEqual(tasks, []);
});

test("pages are the same as those of small objects", async () => {
  const which = selection({ fields: "type=a.b/even" });
  const pages: string[][] = [];
  let from: Key | undefined;
  do {
    const { names, resumeAfter } = await page(which, 1, from);
    pages.push(names);
    from = resumeAfter;
  } while (from !== undefined);
  assert.deepEqual(pages, [["0s"], ["2s"], ["4l"], []]);
});

test("many labels are looked through elsewhere", async () => {
  const labels = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`label-${i}`, "x"]));
  await create("6s", "a.b/even", labels);
  for (const [text, expected] of [
    ["label-7=x", ["6s"]],
    ["label-7 notin (x,y),a!=b", []],
    ["label-7", ["6s"]],
  ] as const)
    assert.deepEqual(await scanned({ labels: LabelSelector.parse(text), fields: undefined }), expected);
  assert.deepEqual([...new Set(namesRead())], ["6s"]);
});

test("a watch tells events in order, those of small objects behind those that are read elsewhere; equal watches share", async () => {
  const open = () => {
    const events: string[] = [];
    const handle = test_.registry.watch({
      ...at(),
      selection: { labels: undefined, fields: FieldSelector.parse("type=a.b/even") },
      after: test_.store.current(),
      onEvent: (type, { location }) => void events.push(`${type} ${location.name}`),
      onProgress: () => undefined,
      onBatchEnd: () => undefined,
      onEnd: (error) => void events.push(String(error)),
    });
    return { events, handle };
  };
  const watches = [open(), open()];
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  await create("8l");
  await create("8s");
  await create("9l");
  await test_.settled();
  assert.deepEqual(watches[0]!.events, []);
  held.resolve();
  await test_.settled();
  for (const { events, handle } of watches) {
    assert.deepEqual(events, ["ADDED 8l", "ADDED 8s"]);
    handle.close();
  }
  assert.deepEqual(namesRead(), ["8l", "9l"]);
});

test("what a controller has to read of large objects, it does elsewhere", async () => {
  const owner = await create("owner-l");
  const { name = "", uid = "" } = owner.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "Secret", name, uid }];
  const metadata = { name: "dependent", annotations: { padding } };
  const dependent = { apiVersion: "v1", kind: "Secret", metadata: { ...metadata, ownerReferences } };
  await test_.create(rootCluster, "secrets", "default", dependent as unknown as KubeObject);
  await test_.settled();
  const [first, ...others] = processed as [string, string][];
  const [controller, item] = first!;
  assert.equal(controller, "generic-garbage-collector");
  assert.match(item!, /^changed \d+ \/registry\/core\/secrets\/root\/default\/dependent$/);
  assert.deepEqual(others, []);
});
