/** Several versions of a custom kind: strategy None, a webhook on loopback, and changes of the storage version. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWebhookServer, type WebhookAnswer } from "#admission/testing/webhook-server.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const in1 = "/apis/example.com/v1/namespaces/default/widgets";
const in2 = "/apis/example.com/v2/namespaces/default/widgets";

const version = (name: string, spec: object, more: object = {}): object => ({
  name,
  served: true,
  storage: name === "v1",
  schema: { openAPIV3Schema: objectSchema(spec) },
  ...more,
});
const widget = (of: string, name: string, spec: object): object => ({
  apiVersion: `example.com/${of}`,
  kind: "Widget",
  metadata: { name },
  spec,
});

async function workspaceWith(name: string, body: object): Promise<string> {
  const base = `/clusters/${await server.workspace(name)}`;
  const made = await server.call("POST", base + definitions, { body });
  assert.equal(made.status, 201, made.text);
  return base;
}

async function changeDefinition(base: string, change: (spec: Record<string, unknown>) => object) {
  const path = `${base}${definitions}/widgets.example.com`;
  const current = (await server.call("GET", path)).json;
  const put = await server.call("PUT", path, { body: { ...current, spec: change({ ...current.spec }) } });
  assert.equal(put.status, 200, put.text);
  return put.json as unknown as { status: { storedVersions: string[] } };
}

test("strategy None shows the same fields, without those that the other version does not know", async () => {
  const text = { type: "string" };
  const base = await workspaceWith(
    "none",
    definitionOf({
      versions: [
        version("v1", { a: text, b: text }),
        version("v2", { b: text, c: { ...text, default: "x" } }),
      ],
    }),
  );
  assert.equal(
    (await server.call("POST", base + in1, { body: widget("v1", "a", { a: "1", b: "2" }) })).status,
    201,
  );
  const two = (await server.call("GET", `${base}${in2}/a`)).json;
  assert.equal(two.apiVersion, "example.com/v2");
  assert.deepEqual(two.spec, { b: "2" });
  const made = await server.call("POST", base + in2, { body: widget("v2", "b", { b: "3" }) });
  assert.deepEqual(made.json.spec, { b: "3", c: "x" });
  assert.equal(made.json.apiVersion, "example.com/v2");
  const list = (await server.call("GET", base + in1)).json;
  assert.deepEqual(
    list.items.map(({ apiVersion, spec }) => [apiVersion, spec]),
    [
      ["example.com/v1", { a: "1", b: "2" }],
      ["example.com/v1", { b: "3" }],
    ],
  );

  const after = await changeDefinition(base, (spec) => ({
    ...spec,
    versions: (spec.versions as { name: string }[]).map((one) => ({ ...one, storage: one.name === "v2" })),
  }));
  assert.deepEqual(after.status.storedVersions, ["v1", "v2"]);
  // Stored in the old version, shown in both.
  assert.deepEqual((await server.call("GET", `${base}${in1}/a`)).json.spec, { a: "1", b: "2" });
  const shown = (await server.call("GET", `${base}${in2}/a`)).json;
  assert.deepEqual(shown.spec, { b: "2" });
  // A write that changes nothing migrates it; then it is the same again.
  const put = await server.call("PUT", `${base}${in2}/a`, { body: shown });
  assert.notEqual(put.json.metadata.resourceVersion, shown.metadata.resourceVersion);
  const again = await server.call("PUT", `${base}${in2}/a`, { body: put.json });
  assert.equal(again.json.metadata.resourceVersion, put.json.metadata.resourceVersion);
  assert.equal((await server.call("GET", base + in1)).json.items.length, 2);
});

test("a new default is shown for objects that were stored before, pruned fields are gone, and watches show the same", async () => {
  const text = { type: "string" };
  const base = await workspaceWith(
    "defaults",
    definitionOf({ schema: objectSchema({ a: text, old: text }) }),
  );
  const made = await server.call("POST", base + in1, { body: widget("v1", "a", { a: "1", old: "2" }) });
  await changeDefinition(base, (spec) => ({
    ...spec,
    versions: [version("v1", { a: text, b: { ...text, default: "new" } })],
  }));
  const shown = { a: "1", b: "new" };
  assert.deepEqual((await server.call("GET", `${base}${in1}/a`)).json.spec, shown);
  assert.deepEqual((await server.call("GET", base + in1)).json.items[0]?.spec, shown);
  const watch = await server.watch(`${base}${in1}?watch=1`);
  assert.deepEqual((await watch.until(1))[0]?.object.spec, shown);
  watch.close();
  const raw = (await server.call("GET", `${base}${in1}/a`)).json;
  assert.equal(raw.metadata.resourceVersion, made.json.metadata.resourceVersion);
});

/** `v1` keeps the size as a number, `v2` as a text; the webhook's answer can be spoiled by a test. */
async function converted(name: string, spoil: (review: Review) => WebhookAnswer = (review) => review) {
  const webhook = await startWebhookServer(({ body }) => {
    const { request } = body as unknown as { request: Request };
    const to = request.desiredAPIVersion;
    const convertedObjects = request.objects.map((object) => {
      const size = object.spec.size;
      const spec = { ...object.spec, size: to.endsWith("v2") ? String(size) : Number(size) };
      return { ...object, apiVersion: to, spec };
    });
    return spoil({
      apiVersion: body.apiVersion,
      kind: body.kind,
      response: { uid: request.uid, result: { status: "Success" }, convertedObjects },
    } as Review);
  });
  const base = await workspaceWith(
    name,
    definitionOf({
      versions: [version("v1", { size: { type: "integer" } }), version("v2", { size: { type: "string" } })],
      spec: {
        conversion: {
          strategy: "Webhook",
          webhook: {
            conversionReviewVersions: ["v1"],
            clientConfig: { url: `${webhook.url}/convert`, caBundle: webhook.caBundle },
          },
        },
      },
    }),
  );
  return { webhook, base };
}

interface Request {
  uid: string;
  desiredAPIVersion: string;
  objects: { metadata: JsonObject; spec: JsonObject }[];
}
interface Review {
  [member: string]: JsonValue;
  response: { convertedObjects: JsonObject[]; uid: string; result: JsonObject };
}

test("a list that a selector narrows to one name has one object converted", async () => {
  const { base, webhook } = await converted("one-name");
  await using _ = webhook;
  for (const name of ["a", "ab"]) await server.call("POST", base + in1, { body: widget("v1", name, {}) });
  const named = async (fields: string): Promise<unknown[]> => {
    const { json } = await server.call("GET", `${base}${in2}?fieldSelector=${fields}`);
    return json.items.map(({ metadata }) => metadata.name);
  };
  assert.deepEqual(await named("metadata.name=a"), ["a"]);
  assert.equal((webhook.requests[0]!.body.request as unknown as Request).objects.length, 1);
  assert.deepEqual(await named("metadata.name=a/b"), []);
  assert.deepEqual(await named("metadata.name!=a"), ["ab"]);
});

test("a webhook converts reads, writes, lists and watches; the stored version asks nobody", async () => {
  const { webhook, base } = await converted("webhook");
  await using _ = webhook;
  const made = await server.call("POST", base + in1, { body: widget("v1", "a", { size: 1 }) });
  assert.equal(made.status, 201, made.text);
  await server.call("GET", `${base}${in1}/a`);
  await server.call("GET", base + in1);
  assert.equal(webhook.requests.length, 0);

  const two = (await server.call("GET", `${base}${in2}/a`)).json;
  assert.deepEqual([two.apiVersion, two.spec], ["example.com/v2", { size: "1" }]);
  assert.equal(webhook.requests.length, 1);
  const review = webhook.requests[0]!.body;
  assert.equal(review.kind, "ConversionReview");
  assert.equal(review.apiVersion, "apiextensions.k8s.io/v1");

  const watch = await server.watch(`${base}${in2}?watch=1`);
  await watch.until(1);
  const posted = await server.call("POST", base + in2, { body: widget("v2", "b", { size: "2" }) });
  assert.equal(posted.status, 201, posted.text);
  assert.deepEqual(posted.json.spec, { size: "2" });
  assert.deepEqual((await server.call("GET", `${base}${in1}/b`)).json.spec, { size: 2 });
  const patched = await server.call("PATCH", `${base}${in2}/b`, {
    body: { spec: { size: "3" } },
    type: "application/merge-patch+json",
  });
  assert.deepEqual(patched.json.spec, { size: "3" });
  assert.equal((await server.call("DELETE", `${base}${in2}/b`)).status, 200);
  const events = await watch.until(4);
  watch.close();
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.apiVersion, object.spec.size]),
    [
      ["ADDED", "example.com/v2", "1"],
      ["ADDED", "example.com/v2", "2"],
      ["MODIFIED", "example.com/v2", "3"],
      ["DELETED", "example.com/v2", "3"],
    ],
  );

  for (let i = 0; i < 5; i++)
    await server.call("POST", base + in1, { body: widget("v1", `c${i}`, { size: i }) });
  const asked = webhook.requests.length;
  const list = (await server.call("GET", `${base}${in2}?limit=3`)).json;
  assert.equal(list.items.length, 3);
  const rest = (await server.call("GET", `${base}${in2}?limit=3&continue=${list.metadata.continue}`)).json;
  assert.deepEqual(
    [...list.items, ...rest.items].map(({ spec }) => spec.size),
    ["1", "0", "1", "2", "3", "4"],
  );
  assert.equal(rest.metadata.continue, "");
  // One question a page.
  assert.equal(webhook.requests.length, asked + 2);
  const table = await server.call("GET", base + in2, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  assert.equal(table.json.rows.length, 6);
  const noop = await server.call("PUT", `${base}${in2}/a`, { body: two });
  assert.equal(noop.json.metadata.resourceVersion, two.metadata.resourceVersion, noop.text);
});

test("an apply in one version after an apply in the other keeps what the second one says", async () => {
  const webhook = await startWebhookServer(({ body }) => {
    const { request } = body as unknown as { request: Request };
    const to = request.desiredAPIVersion;
    const convertedObjects = request.objects.map((object) => {
      const size = object.spec?.size ?? object.spec?.length;
      const colour = object.spec?.colour;
      const spec = {
        ...(size === undefined ? {} : { [to.endsWith("v2") ? "length" : "size"]: size }),
        ...(colour === undefined ? {} : { colour }),
      };
      return { ...object, metadata: object.metadata ?? {}, apiVersion: to, spec };
    });
    const response = { uid: request.uid, result: { status: "Success" }, convertedObjects };
    return { ...body, response } as unknown as WebhookAnswer;
  });
  await using _ = webhook;
  const clientConfig = { url: `${webhook.url}/convert`, caBundle: webhook.caBundle };
  const conversion = { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } };
  const integer = { type: "integer", default: 1 };
  const base = await workspaceWith(
    "renamed",
    definitionOf({
      versions: [
        version("v1", { size: integer, colour: { type: "string", default: "green" } }),
        version("v2", { length: integer, colour: { type: "string", default: "green" } }),
      ],
      spec: { conversion },
    }),
  );
  const apply = (of: string, spec: object) =>
    server.call("PATCH", `${base}${of === "v1" ? in1 : in2}/a?fieldManager=me`, {
      // With a label, what is asked of the webhook between the two has no metadata at all.
      body: { ...widget(of, "a", spec), metadata: { name: "a", labels: { tenant: "a" } } },
      type: "application/apply-patch+yaml",
    });
  assert.equal((await apply("v2", { length: 3 })).status, 201);
  const second = await apply("v1", { size: 4 });
  assert.deepEqual([second.status, second.json.spec], [200, { size: 4, colour: "green" }], second.text);
  const third = await apply("v2", { length: 5 });
  assert.deepEqual([third.status, third.json.spec], [200, { length: 5, colour: "green" }], third.text);
});

const relabelled =
  (labels: JsonObject) =>
  ({ response, ...rest }: Review): WebhookAnswer => ({
    ...rest,
    response: {
      ...response,
      convertedObjects: response.convertedObjects.map((object) => ({
        ...object,
        metadata: { ...(object.metadata as JsonObject), labels },
      })),
    },
  });

const failures: readonly [string, (review: Review) => WebhookAnswer, RegExp][] = [
  [
    "refuses",
    ({ response, ...rest }) => ({
      ...rest,
      response: { ...response, result: { status: "Failure", message: "no way" } },
    }),
    /^conversion webhook for example\.com\/v1, Kind=Widget failed: no way$/,
  ],
  [
    "answers another request",
    ({ response, ...rest }) => ({ ...rest, response: { ...response, uid: "other" } }),
    /failed: expected response\.uid="[0-9a-f-]{36}", got "other"$/,
  ],
  [
    "loses an object",
    ({ response, ...rest }) => ({ ...rest, response: { ...response, convertedObjects: [] } }),
    /^conversion webhook for example\.com\/v1, Kind=Widget returned 0 objects, expected 1$/,
  ],
  [
    "renames",
    ({ response, ...rest }) => ({
      ...rest,
      response: {
        ...response,
        convertedObjects: response.convertedObjects.map((object) => ({
          ...object,
          metadata: { ...(object.metadata as JsonObject), name: "other" },
        })),
      },
    }),
    /returned invalid object: must have the same name: a != other$/,
  ],
  [
    "answers in another version of the review",
    (review) => ({ ...review, apiVersion: "apiextensions.k8s.io/v1beta1" }),
    /failed: converting \(v1beta1\.ConversionReview\) to \(v1\.ConversionReview\): unknown conversion$/,
  ],
  [
    "labels with numbers",
    relabelled({ a: 1 }),
    /returned invalid metadata: metadata\.labels\[a\] must be a string, but is int64 in converted object$/,
  ],
  [
    "labels with what is no label",
    relabelled({ "a b": "c" }),
    /returned invalid metadata: metadata\.labels: Invalid value: "a b": name part must consist of /,
  ],
  [
    "keeps the version",
    ({ response, ...rest }) => ({
      ...rest,
      response: {
        ...response,
        convertedObjects: response.convertedObjects.map((object) => ({
          ...object,
          apiVersion: "example.com/v1",
        })),
      },
    }),
    /returned invalid object at index 0: invalid groupVersion \(expected example\.com\/v2, received example\.com\/v1\)$/,
  ],
  [
    "is broken",
    () => (response) => void response.writeHead(500).end("oh"),
    /^conversion webhook for .* failed: /,
  ],
];

for (const [index, [what, spoil, text]] of failures.entries()) {
  test(`a webhook that ${what}: 500 with the reason, and the object can still be read as it is stored`, async () => {
    const { webhook, base } = await converted(`broken${index}`, spoil);
    await using _ = webhook;
    await server.call("POST", base + in1, { body: widget("v1", "a", { size: 1 }) });
    const answer = await server.call("GET", `${base}${in2}/a`);
    assert.equal(answer.status, 500, answer.text);
    assert.match(answer.json.message, text);
    assert.equal((await server.call("GET", base + in2)).status, 500);
    assert.equal((await server.call("GET", `${base}${in1}/a`)).status, 200);
    const watch = await server.watch(`${base}${in2}?watch=1`);
    assert.equal((await watch.until(1))[0]?.type, "ERROR");
    watch.close();
  });
}

test("a watch ends when its kind is defined anew, and can be taken up where it ended", async () => {
  const text = { type: "string" };
  const base = await workspaceWith(
    "redefined",
    definitionOf({ versions: [version("v1", { a: text }), version("v2", { a: text })] }),
  );
  const first = await server.call("POST", base + in1, { body: widget("v1", "a", { a: "1" }) });
  const from = (watched: { revision: string }): string =>
    `${base}${in1}?watch=1&resourceVersion=${watched.revision}`;
  const watch = await server.watch(from({ revision: first.json.metadata.resourceVersion }));
  await changeDefinition(base, (spec) => ({
    ...spec,
    versions: (spec.versions as { name: string }[]).map((one) => ({ ...one, storage: one.name === "v2" })),
  }));
  await server.call("POST", base + in2, { body: widget("v2", "b", { a: "2" }) });
  await watch.ended();
  assert.deepEqual(watch.events(), []);
  const again = await server.watch(from({ revision: first.json.metadata.resourceVersion }));
  const [event] = await again.until(1);
  again.close();
  assert.deepEqual([event?.object.apiVersion, event?.object.spec], ["example.com/v1", { a: "2" }]);
});
