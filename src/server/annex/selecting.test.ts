/** Objects that another thread selects and converts are shown as others are. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWebhookServer } from "#admission/testing/webhook-server.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { definitionOf, objectSchema } from "../testing/definitions.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "../testing/live-server.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
const large = "x".repeat(200_000);
const text = { type: "string" };
const merge = "application/merge-patch+json";

async function expect(status: number, asked: Promise<Answer>): Promise<Json> {
  const answer = await asked;
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  return answer.json;
}
const get = (path: string, accept = "application/json"): Promise<Json> =>
  expect(200, server.call("GET", path, { accept }));
const names = (items: readonly Json[]): string[] => items.map(({ metadata }) => metadata.name);
const shades = (items: readonly Json[]): unknown[] => items.map(({ spec }) => spec.shade);
const version = (name: string, spec: object, more: object = {}): object => ({
  name,
  served: true,
  storage: name === "v1",
  schema: { openAPIV3Schema: objectSchema(spec) },
  selectableFields: [{ jsonPath: ".spec.shade" }],
  additionalPrinterColumns: [{ name: "Shade", type: "string", jsonPath: ".spec.shade" }],
  ...more,
});
const widget = (name: string, spec: object): object => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
});
const path = (base: string, of: string): string =>
  `${base}/apis/example.com/${of}/namespaces/default/widgets`;

test("by a field of a kind with a costly schema that was changed: the new default is selected by", async () => {
  const base = `/clusters/${await server.workspace("costly")}`;
  // A long default is what makes it costly.
  const filler = {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    default: { text: "x".repeat(17_000) },
  };
  const with_ = (shade: object): object => version("v1", { text, filler, shade });
  await expect(
    201,
    server.call("POST", base + definitions, { body: definitionOf({ versions: [with_(text)] }) }),
  );
  const widgets = path(base, "v1");
  for (const [name, spec] of [
    ["a", {}],
    ["b", { text: large }],
    ["c", { shade: "light" }],
    ["d", { text: large, shade: "light" }],
  ] as const)
    await expect(201, server.call("POST", widgets, { body: widget(name, spec) }));
  const change = async (shade: string): Promise<void> => {
    const one = `${base}${definitions}/widgets.example.com`;
    const current = await get(one);
    const spec = { ...current.spec, versions: [with_({ ...text, default: shade })] };
    await expect(200, server.call("PUT", one, { body: { ...current, spec } }));
  };
  await change("dark");
  const dark = `${widgets}?fieldSelector=spec.shade%3Ddark`;
  const listed = (await get(dark)).items;
  assert.deepEqual(names(listed), ["a", "b"]);
  assert.deepEqual(shades(listed), ["dark", "dark"]);
  assert.deepEqual(listed[0], await get(`${widgets}/a`));
  assert.deepEqual(names((await get(`${widgets}?fieldSelector=spec.shade%21%3Ddark`)).items), ["c", "d"]);
  assert.deepEqual(
    (await get(dark, table)).rows.map(({ cells }) => cells),
    [
      ["a", "dark"],
      ["b", "dark"],
    ],
  );
  const first = await get(`${dark}&limit=1`);
  assert.deepEqual(names(first.items), ["a"]);
  assert.deepEqual(names((await get(`${dark}&limit=1&continue=${first.metadata.continue}`)).items), ["b"]);
  const watch = await server.watch(`${dark}&watch=1`);
  await watch.until(2);
  for (const [name, shade] of [
    ["a", "light"],
    ["d", "dark"],
    ["b", "dark"],
  ] as const)
    await expect(200, server.call("PATCH", `${widgets}/${name}`, { type: merge, body: { spec: { shade } } }));
  const events = await watch.until(5);
  watch.close();
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.metadata.name, object.spec.shade]),
    [
      ["ADDED", "a", "dark"],
      ["ADDED", "b", "dark"],
      ["DELETED", "a", "dark"],
      ["ADDED", "d", "dark"],
      ["MODIFIED", "b", "dark"],
    ],
  );
  await change("black");
  const gone = await expect(200, server.call("DELETE", `${widgets}?fieldSelector=spec.shade%3Ddark`));
  assert.deepEqual(names(gone.items), ["b", "d"]);
  await expect(200, server.call("DELETE", `${widgets}/c`));
  assert.deepEqual(names((await get(widgets)).items), ["a"]);
});

test("what a webhook converts: lists, tables, selectors, watches and deletions ask it for each object", async () => {
  const base = `/clusters/${await server.workspace("converted")}`;
  await using hook = await startWebhookServer(({ body }) => {
    const { uid, desiredAPIVersion, objects } = body.request as JsonObject;
    const converted = (objects as JsonObject[]).map((object) => ({
      ...object,
      apiVersion: desiredAPIVersion!,
      metadata: { ...(object.metadata as JsonObject), labels: { in: "v2" } },
      spec: { ...(object.spec as JsonObject), shade: `v2-${(object.spec as JsonObject).shade}` },
    }));
    return {
      kind: "ConversionReview",
      apiVersion: body.apiVersion!,
      response: { uid: uid!, result: { status: "Success" }, convertedObjects: converted },
    };
  });
  const conversion = {
    strategy: "Webhook",
    webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: hook.url, caBundle: hook.caBundle } },
  };
  const spec = { text, shade: text };
  const body = definitionOf({
    versions: [version("v1", spec), version("v2", spec)],
    spec: { conversion },
  });
  await expect(201, server.call("POST", base + definitions, { body }));
  for (const [name, own] of [
    ["a", { shade: "light" }],
    ["b", { shade: "dark", text: large }],
    ["c", { shade: "dark" }],
  ] as const)
    await expect(201, server.call("POST", path(base, "v1"), { body: widget(name, own) }));
  const second = path(base, "v2");
  const items = (await get(second)).items;
  assert.deepEqual(shades(items), ["v2-light", "v2-dark", "v2-dark"]);
  assert.deepEqual(
    items.map(({ spec: own }) => String(own.text ?? "").length),
    [0, large.length, 0],
  );
  assert.deepEqual(await get(`${second}/b`), items[1]);
  const dark = `${second}?fieldSelector=spec.shade%3Dv2-dark&labelSelector=in%3Dv2`;
  assert.deepEqual((await get(dark)).items, items.slice(1));
  assert.deepEqual((await get(`${second}?labelSelector=in%21%3Dv2`)).items, []);
  assert.deepEqual(
    (await get(second, table)).rows.map(({ cells }) => cells),
    [
      ["a", "v2-light"],
      ["b", "v2-dark"],
      ["c", "v2-dark"],
    ],
  );
  const watches = [await server.watch(`${dark}&watch=1`), await server.watch(`${second}?watch=1`)];
  await watches[0]!.until(2);
  await watches[1]!.until(3);
  const patch = { type: merge, body: { spec: { shade: "black" } } };
  for (const name of ["b", "a"])
    await expect(200, server.call("PATCH", `${path(base, "v1")}/${name}`, patch));
  const told = async (watch: (typeof watches)[number], count: number): Promise<unknown[]> => {
    const events = await watch.until(count);
    watch.close();
    return events
      .slice(count === 3 ? 2 : 3)
      .map(({ type, object }) => [type, object.metadata.name, object.spec.shade]);
  };
  assert.deepEqual(await told(watches[0]!, 3), [["DELETED", "b", "v2-dark"]]);
  assert.deepEqual(await told(watches[1]!, 5), [
    ["MODIFIED", "b", "v2-black"],
    ["MODIFIED", "a", "v2-black"],
  ]);
  const gone = await expect(200, server.call("DELETE", second));
  assert.deepEqual(shades(gone.items), ["v2-black", "v2-black", "v2-dark"]);
  assert.deepEqual((await get(second)).items, []);
});
