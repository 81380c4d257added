/**
 * Conversion webhooks that answer wrongly, hugely, or lie, by the hundred and on a real connection: what needs the conversion is
 * refused with its reason, what does not is served, and what is stored stays as it was.
 */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import fc from "fast-check";
import {
  startWebhookServer,
  type WebhookAnswer,
  type WebhookServer,
} from "#admission/testing/webhook-server.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { upstreams500 } from "./testing/answers.ts";
import { noAnswers, spoiled } from "./testing/bad-answers.ts";
import { definitionOf, objectSchema } from "./testing/definitions.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";
import { pick, randomOf, runs } from "./testing/random-objects.ts";

interface Question {
  readonly uid: string;
  readonly desiredAPIVersion: string;
  readonly objects: readonly (JsonObject & { metadata: JsonObject; spec: JsonObject })[];
}
type Review = JsonObject & { response: JsonObject & { convertedObjects: JsonObject[] } };

let server: LiveServer;
let hook: WebhookServer;
let base = "";
/** What becomes of the right answer at present. */
let spoil: (right: Review, question: Question) => WebhookAnswer = (right) => right;
const path = (version: string, name = ""): string =>
  `${base}/apis/example.com/${version}/namespaces/default/widgets${name === "" ? "" : `/${name}`}`;
const widget = (version: string, name: string, spec: object) => ({
  apiVersion: `example.com/${version}`,
  kind: "Widget",
  metadata: { name, labels: { a: "b" } },
  spec,
});

before(async () => {
  server = await startLiveServer();
  hook = await startWebhookServer(({ body }) => {
    const question = body.request as unknown as Question;
    const to = question.desiredAPIVersion;
    const convertedObjects = question.objects.map((object) => {
      const { size } = object.spec ?? {};
      const spec = { ...object.spec, size: to.endsWith("v2") ? String(size) : Number(size) };
      return { ...object, apiVersion: to, spec };
    });
    const response = { uid: question.uid, result: { status: "Success" }, convertedObjects };
    return spoil({ apiVersion: body.apiVersion, kind: body.kind, response } as Review, question);
  });
  base = `/clusters/${await server.workspace("converted")}`;
  const version = (name: string, size: object) => ({
    name,
    served: true,
    storage: name === "v1",
    schema: { openAPIV3Schema: objectSchema({ size }) },
  });
  const made = await server.call("POST", `${base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`, {
    body: definitionOf({
      versions: [version("v1", { type: "integer" }), version("v2", { type: "string", maxLength: 1_000 })],
      spec: {
        conversion: {
          strategy: "Webhook",
          webhook: {
            conversionReviewVersions: ["v1"],
            clientConfig: { url: `${hook.url}/convert`, caBundle: hook.caBundle },
          },
        },
      },
    }),
  });
  assert.equal(made.status, 201, made.text);
  for (const name of ["a", "b", "c"]) {
    const created = await server.call("POST", path("v1"), { body: widget("v1", name, { size: 1 }) });
    assert.equal(created.status, 201, created.text);
  }
});
after(async () => {
  await hook[Symbol.asyncDispose]();
  await server.close();
  assert.deepEqual(server.bugs, []);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

/** All ways that lead through a conversion. */
const ways: Readonly<Record<string, () => Promise<Answer>>> = {
  get: () => server.call("GET", path("v2", "a")),
  list: () => server.call("GET", path("v2")),
  table: () =>
    server.call("GET", path("v2"), {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    }),
  create: () => server.call("POST", `${path("v2")}?dryRun=All`, { body: widget("v2", "n", { size: "2" }) }),
  replace: () =>
    server.call("PUT", `${path("v2", "a")}?dryRun=All`, { body: widget("v2", "a", { size: "3" }) }),
  patch: () =>
    server.call("PATCH", `${path("v2", "b")}?dryRun=All`, {
      body: { spec: { size: "4" } },
      type: "application/merge-patch+json",
    }),
  apply: () =>
    server.call("PATCH", `${path("v2", "a")}?dryRun=All&fieldManager=me&force=true`, {
      body: widget("v2", "a", { size: "5" }),
      type: "application/apply-patch+yaml",
    }),
  delete: () => server.call("DELETE", `${path("v2", "c")}?dryRun=All`),
};

const conversionText = /^conversion webhook for example\.com\/v\d, Kind=Widget (failed: |returned )/;

async function checkOthers(): Promise<void> {
  assert.deepEqual(server.bugs, []);
  const { status, json } = await server.call("GET", path("v1"));
  assert.equal(status, 200);
  assert.deepEqual(
    json.items.map(({ metadata, spec }) => [metadata.name, spec]),
    ["a", "b", "c"].map((name) => [name, { size: 1 }]),
  );
}

function check(way: string, answer: Answer, what: string): void {
  const said = `${way}: ${what} -> ${answer.status} ${answer.text.slice(0, 500)}`;
  if (answer.status >= 500) {
    assert.equal(answer.status, 500, said);
    if (!upstreams500.test(answer.json.message)) assert.match(answer.json.message, conversionText, said);
  } else if (answer.status >= 400) {
    assert.deepEqual([answer.json.kind, answer.json.code], ["Status", answer.status], said);
  } else if (["get", "replace", "apply"].includes(way)) {
    const { apiVersion, kind, metadata } = answer.json;
    assert.deepEqual([apiVersion, kind, metadata.name], ["example.com/v2", "Widget", "a"], said);
    assert.deepEqual([metadata.namespace, String(metadata.uid).length], ["default", 36], said);
  }
}

for (const [name, answer] of Object.entries(noAnswers)) {
  it(`a conversion webhook that answers: ${name}`, async () => {
    spoil = () => answer;
    for (const way of Object.keys(ways)) {
      // The object that nobody has to convert.
      const given = await ways[way]!();
      check(way, given, name);
      if (way !== "delete") assert.equal(given.status, 500, `${way}: ${given.text.slice(0, 500)}`);
    }
    await checkOthers();
  });
}

/** An answer in the right form that says what it should not. */
function lie(right: Review, random: () => number): JsonValue {
  const { response } = right;
  const answer = (more: JsonObject): Review => ({ ...right, response: { ...response, ...more } });
  const each = (change: (object: JsonObject, metadata: JsonObject) => JsonValue): Review =>
    answer({
      convertedObjects: response.convertedObjects.map((object) =>
        change(object, (object.metadata ?? {}) as JsonObject),
      ),
    });
  const odd = pick<JsonValue>(random, [
    null,
    {},
    [],
    "x",
    1,
    true,
    [{}],
    { __proto__x: 1 },
    "x".repeat(3_000),
  ]);
  const proto = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}') as JsonObject;
  const field = pick(random, [
    "name",
    "namespace",
    "uid",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "resourceVersion",
    "generation",
    "deletionTimestamp",
    "creationTimestamp",
  ]);
  const deep = ((): JsonValue => {
    let value: JsonValue = {};
    for (let i = 0; i < pick(random, [50, 2_000, 15_000]); i++) value = { a: value };
    return value;
  })();
  return pick<() => JsonValue>(random, [
    () => answer({ uid: "other" }),
    () => answer({ result: { status: pick<JsonValue>(random, ["Failure", "", null, 1]), message: odd } }),
    () => answer({ convertedObjects: odd }),
    () => answer({ convertedObjects: [...response.convertedObjects, ...response.convertedObjects] }),
    () => answer({ convertedObjects: [...response.convertedObjects].reverse() }),
    () => answer({ convertedObjects: response.convertedObjects.slice(1) }),
    () => each(() => odd),
    () => each((object, metadata) => ({ ...object, metadata: { ...metadata, [field]: odd } })),
    () => each((object) => ({ ...object, metadata: odd })),
    () => each((object) => ({ ...object, kind: odd })),
    () => each((object) => ({ ...object, apiVersion: odd })),
    () => each((object) => ({ ...object, apiVersion: "example.com/v1" })),
    () => each((object) => ({ ...object, spec: odd })),
    () => each((object) => ({ ...object, spec: { size: odd } })),
    () => each((object) => ({ ...object, spec: deep })),
    () => each((object) => ({ ...object, ...proto, spec: proto })),
    () => each((object, metadata) => ({ ...object, metadata: { ...metadata, ...proto, labels: proto } })),
    () =>
      each((object, metadata) => ({
        ...object,
        metadata: { ...metadata, annotations: { a: "x".repeat(300_000) } },
      })),
    () => each((object) => ({ ...object, spec: { size: "x".repeat(pick(random, [2_000, 400_000])) } })),
    () =>
      each((object) => ({
        ...object,
        ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1])),
      })),
    () => ({ ...right, kind: odd }),
    () => ({ ...right, response: odd }),
  ])();
}

it("conversion webhooks that lie, or whose answers are spoiled", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0x7fff_ffff }), async (seed) => {
      const random = randomOf(seed);
      let told = "";
      const lies = random() < 0.7;
      spoil = (right) => {
        const answer = lies ? lie(right, random) : spoiled(right, random);
        told = typeof answer === "function" ? "spoiled" : JSON.stringify(answer).slice(0, 500);
        return answer;
      };
      const way = pick(random, Object.keys(ways));
      const answer = await ways[way]!();
      check(way, answer, told);
      if (answer.status >= 400) refused++;
      if (random() < 0.1) await checkOthers();
    }),
    { numRuns: runs(250) },
  );
  await checkOthers();
  assert.ok(refused > runs(250) / 4, `${refused} were refused`);
});
