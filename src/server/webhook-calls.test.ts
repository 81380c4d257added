import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { Answer, Json } from "./testing/live-server.ts";
import {
  allow,
  configMap,
  deny,
  patch,
  type WebhookBehaviour,
  WebhookFixture,
} from "./testing/webhook-fixture.ts";

let fixture: WebhookFixture;
before(async () => {
  fixture = await WebhookFixture.start();
});
after(() => fixture.close());

/** An answer of 100 KiB goes on in the other thread. */
const large = { why: "x".repeat(100_000) };
const padded = (request: Json, more: JsonObject = {}): JsonValue =>
  allow(request, { auditAnnotations: large, ...more });
const setKey =
  (key: string, value: string): WebhookBehaviour =>
  (request) =>
    request.object === null
      ? allow(request)
      : patch(request, [
          ...((request.object as Json).data === undefined ? [{ op: "add", path: "/data", value: {} }] : []),
          { op: "add", path: `/data/${key}`, value },
        ]);
const expect = (answer: Answer, status: number): Answer => {
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  return answer;
};
const names = (requests: readonly Json[]) => requests.map(({ operation, name }) => `${operation} ${name}`);

test("a webhook with a large answer is called once for each write, and so are those before it", async () => {
  await using small = await fixture.install("Mutating", setKey("small", "1"), {}, "a-small");
  await using big = await fixture.install("Mutating", setKey("big", "y".repeat(50_000)), {}, "b-big");
  await using last = await fixture.install("Validating", (request) => padded(request), {}, "c-last");
  const path = `${fixture.maps}/once`;
  const made = expect(await fixture.create("once"), 201).json;
  assert.deepEqual(Object.keys(made.data).sort(), ["big", "small"]);
  expect(await fixture.mergePatch(path, { data: { more: "1" } }), 200);
  expect(await fixture.server.call("PUT", path, { body: configMap("once") }), 200);
  const applied = { body: configMap("once", { data: { mine: "1" } }), type: "application/apply-patch+yaml" };
  expect(await fixture.server.call("PATCH", `${path}?fieldManager=me&dryRun=All`, applied), 200);
  expect(await fixture.server.call("DELETE", path), 200);
  const writes = ["CREATE once", "UPDATE once", "UPDATE once", "UPDATE once", "DELETE once"];
  for (const webhook of [last]) assert.deepEqual(names(webhook.requests()), writes);
  for (const webhook of [small, big])
    assert.deepEqual(names(webhook.requests()).slice(0, 4), writes.slice(0, 4));
});

test("what a validating webhook is shown of a new object is what is stored", async () => {
  await using first = await fixture.install("Validating", (request) => allow(request), {}, "a-first");
  await using big = await fixture.install("Validating", (request) => padded(request), {}, "b-big");
  const body = { ...configMap(""), metadata: { generateName: "made-" } };
  const { metadata } = expect(await fixture.server.call("POST", fixture.maps, { body }), 201).json;
  for (const webhook of [first, big]) {
    const [seen, ...others] = webhook.requests();
    assert.deepEqual(others, []);
    const shown = (seen!.object as Json).metadata;
    for (const field of ["name", "uid", "creationTimestamp", "managedFields"])
      assert.deepEqual(shown[field], metadata[field], field);
  }
});

test("rounds are counted: who is called again because others changed the object is called twice, and no more", async () => {
  const reinvoked = { reinvocationPolicy: "IfNeeded" };
  await using first = await fixture.install(
    "Mutating",
    setKey("first", "z".repeat(40_000)),
    reinvoked,
    "a-first",
  );
  await using second = await fixture.install(
    "Mutating",
    setKey("second", "z".repeat(40_000)),
    {},
    "b-second",
  );
  const made = expect(await fixture.create("rounds"), 201).json;
  assert.deepEqual(Object.keys(made.data).sort(), ["first", "second"]);
  assert.equal(first.requests().length, 2);
  assert.equal(second.requests().length, 1);
});

test("a call that failed is not repeated, and refusals come from where they were given", async () => {
  await using broken = await fixture.install(
    "Mutating",
    () => (response) => response.writeHead(500, { "content-type": "text/plain" }).end("broken"),
    { failurePolicy: "Ignore" },
    "a-broken",
  );
  await using big = await fixture.install("Mutating", (request) => padded(request), {}, "b-big");
  const no: WebhookBehaviour = (request) => deny(request, { message: "no".repeat(30_000) });
  await using refusing = await fixture.install("Validating", no, {}, "c-no");
  await using agreeing = await fixture.install("Validating", (request) => allow(request), {}, "d-yes");
  const answer = expect(await fixture.create("refused"), 400);
  assert.match(answer.json.message, /^admission webhook "c-no.example.com" denied the request: nono/);
  for (const webhook of [broken, big, refusing, agreeing]) assert.equal(webhook.requests().length, 1);
});

for (const [where, isLarge] of [
  ["in all of it", (index: number) => index % 7 === 3],
  ["in its second batch", (index: number) => index === 66],
] as const)
  test(`of a collection each object is deleted once, and asked about once: large answers ${where}`, async () => {
    const all = Array.from({ length: 70 }, (_, i) => `item-${String(i).padStart(2, "0")}`);
    for (const name of all) {
      // One of the first batch stays, so that a second deletion of it would be seen.
      const finalizers = name === "item-05" ? ["example.com/wait"] : [];
      expect(await fixture.create(name, { metadata: { name, labels: { set: "deleted" }, finalizers } }), 201);
    }
    const sized: WebhookBehaviour = (request) =>
      isLarge(Number((request.oldObject as Json).metadata.name.slice(5))) ? padded(request) : allow(request);
    // While the first one is asked about, somebody else deletes the last one.
    const deletesLast: WebhookBehaviour = (request) =>
      (request.oldObject as Json).metadata.name === all[0]
        ? (response) =>
            void fixture.server
              .call("DELETE", `${fixture.maps}/${all.at(-1)}`)
              .then(() =>
                response.setHeader("content-type", "application/json").end(JSON.stringify(allow(request))),
              )
        : allow(request);
    await using before = await fixture.install("Validating", deletesLast, {}, "a-before");
    await using webhook = await fixture.install("Validating", sized, {}, "b-sized");
    const gone = expect(
      await fixture.server.call("DELETE", `${fixture.maps}?labelSelector=set%3Ddeleted`),
      200,
    );
    assert.deepEqual(
      gone.json.items.map(({ metadata }) => metadata.name),
      all,
    );
    // As upstream, requests do not name it: the request is about the collection.
    const asked = (requests: readonly Json[]) =>
      requests.map(({ oldObject, name }) => [(oldObject as Json).metadata.name, name]);
    for (const seen of [before, webhook])
      assert.deepEqual(
        asked(seen.requests()).sort(),
        all.map((name) => [name, name === all.at(-1) ? name : undefined]),
      );
    expect(await fixture.mergePatch(`${fixture.maps}/item-05`, { metadata: { finalizers: null } }), 200);
  });

test("what changes under a write asks the webhooks once for each try", async () => {
  // While it is asked, somebody else writes the object: the second try begins with what he wrote.
  const path = `${fixture.maps}/contended`;
  expect(await fixture.create("contended"), 201);
  let interfere = true;
  await using webhook = await fixture.install("Validating", (request) => {
    if (!interfere) return padded(request);
    interfere = false;
    return (response) =>
      void fixture.server
        .call("PUT", `${path}?fieldManager=other`, { body: configMap("contended", { data: { other: "1" } }) })
        .then(() =>
          response.setHeader("content-type", "application/json").end(JSON.stringify(padded(request))),
        );
  });
  expect(await fixture.mergePatch(path, { data: { mine: "1" } }), 200);
  // The first try, the other writer, the second try.
  assert.equal(webhook.requests().length, 3);
  const { data } = (await fixture.server.call("GET", path)).json;
  assert.deepEqual(data, { mine: "1", other: "1" });
});

test("a quota that others change asks nobody again", async () => {
  const quotas = `${fixture.base}/api/v1/namespaces/default/resourcequotas`;
  const quota = { metadata: { name: "q" }, spec: { hard: { "count/configmaps": "500" } } };
  expect(await fixture.server.call("POST", quotas, { body: quota }), 201);
  await using webhook = await fixture.install("Validating", (request) => padded(request));
  const made = await Promise.all(Array.from({ length: 12 }, (_, i) => fixture.create(`counted-${i}`)));
  for (const answer of made) expect(answer, 201);
  assert.equal(webhook.requests().length, 12);
  expect(await fixture.server.call("DELETE", `${quotas}/q`), 200);
});
