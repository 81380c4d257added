/**
 * Webhooks that answer wrongly, hugely, late, or lie, by the hundred and on a real connection: a call that failed is answered by the
 * failure policy, what a webhook may decide is decided, and nothing shows as a bug of the server.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { WebhookAnswer } from "#admission/testing/webhook-server.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { lateAnswers, noAnswers, spoiled } from "./testing/bad-answers.ts";
import type { Answer, Json } from "./testing/live-server.ts";
import { pick, randomOf, runs } from "./testing/random-objects.ts";
import { allow, configMap, deny, patch, review, WebhookFixture } from "./testing/webhook-fixture.ts";

let fixture: WebhookFixture;
/** What all webhooks do at present. */
let behaviour: (request: Json) => WebhookAnswer = allow;
const kinds = ["Validating", "Mutating"] as const;
const policies = ["Fail", "Ignore"] as const;
type Kind = (typeof kinds)[number];
type Policy = (typeof policies)[number];

before(async () => {
  fixture = await WebhookFixture.start();
  for (const kind of kinds) {
    for (const failurePolicy of policies) {
      for (const timeoutSeconds of [1, 10]) {
        const name = nameOf(kind, failurePolicy, timeoutSeconds);
        const objectSelector = { matchLabels: { asks: name } };
        await fixture.install(
          kind,
          (request) => behaviour(request),
          { failurePolicy, objectSelector, timeoutSeconds },
          name,
        );
      }
    }
  }
});
after(async () => {
  await fixture.close();
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

const nameOf = (kind: Kind, policy: Policy, seconds: number): string =>
  `${kind}-${policy}-${seconds}`.toLowerCase();

/** A dry run that one webhook is asked about. */
async function ask(kind: Kind, policy: Policy, seconds = 10): Promise<Answer> {
  const asks = nameOf(kind, policy, seconds);
  const answer = await fixture.create(
    "asked",
    { metadata: { name: "asked", labels: { asks } }, data: { a: "b" } },
    "?dryRun=All",
  );
  assert.deepEqual(fixture.server.bugs, []);
  return answer;
}

const failed =
  /^Internal error occurred: failed calling webhook "(validating|mutating)-fail-1?[10]\.example\.com": ./;

/**
 * What may come of an answer that may be right: a created object that is still the one, or a refusal. As upstream has it, a
 * webhook may give a new object another name.
 */
function checkDecision(answer: Answer, what: string, names: readonly string[] = ["asked"]): void {
  if (answer.status === 201) {
    const { kind, metadata } = answer.json;
    assert.deepEqual([kind, metadata.namespace], ["ConfigMap", "default"], what);
    assert.ok(names.includes(metadata.name), what);
    assert.equal(String(metadata.uid).length, 36, what);
    return;
  }
  const { kind, code, message } = answer.json;
  assert.deepEqual([kind, code], ["Status", answer.status], what);
  assert.ok(answer.status >= 400 && answer.status < 600, `${what}: ${answer.status}`);
  // Upstream, too, answers with the code that a webhook refuses with, and 500 when it made nonsense of the object.
  if (answer.status >= 500) assert.match(message, /^Internal error occurred: |^admission webhook /, what);
}

describe("webhooks that fail", () => {
  for (const [name, answer] of Object.entries({ ...noAnswers, ...lateAnswers })) {
    it(`${name}: the failure policy decides`, async () => {
      behaviour = () => answer;
      const seconds = Object.hasOwn(lateAnswers, name) ? 1 : 10;
      const answers = await Promise.all(
        kinds.flatMap((kind) => [ask(kind, "Fail", seconds), ask(kind, "Ignore", seconds)]),
      );
      for (const [index, { status, json, text }] of answers.entries()) {
        assert.equal(status, index % 2 === 0 ? 500 : 201, text.slice(0, 500));
        if (status === 500) assert.match(json.message, failed);
        else assert.equal(json.data.a, "b");
      }
    });
  }
});

const odd = ["__proto__", "constructor", "", "a/b", "x".repeat(300), "\ud800", "metadata", "😀"];

/** Answers in the right form that say what they should not. */
function lie(request: Json, random: () => number): JsonValue {
  const key = pick(random, odd);
  const uid = request.uid as string;
  const annotations = Object.fromEntries(odd.map((name) => [name, "x"]));
  const value = pick<JsonValue>(random, [
    null,
    {},
    [],
    "x",
    1,
    { a: { b: {} } },
    { [key]: { polluted: true } },
  ]);
  const path = pick(random, [
    "",
    "/",
    "/kind",
    "/apiVersion",
    "/metadata",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/managedFields",
    "/metadata/creationTimestamp",
    "/metadata/ownerReferences",
    "/metadata/finalizers/-",
    "/metadata/labels/__proto__",
    "/data",
    "/data/__proto__",
    "/data/constructor",
    "/immutable",
    `/data/${key.replaceAll("/", "~1")}`,
    "/data/~9",
    "nonsense",
  ]);
  const op = pick(random, ["add", "replace", "remove", "test", "move", "copy", "nothing"]);
  const from = pick(random, ["/data", "/metadata", "/nowhere", ""]);
  return pick<() => JsonValue>(random, [
    () => review({ uid: "other", allowed: true }),
    () => review({ uid, allowed: true, status: { code: 500, message: "fine" } }),
    () =>
      deny(request, {
        code: pick<JsonValue>(random, [0, -1, 200, 302, 500, 1e9, 400.5, "x"]),
        message: "no",
      }),
    () => deny(request, { reason: pick(random, odd), details: value } as JsonObject),
    () => allow(request, { warnings: Array.from({ length: 5_000 }, () => "x".repeat(100)) }),
    () => allow(request, { warnings: ["\r\nset-cookie: a=b", "\u0000", "😀", '"\\'] }),
    () => allow(request, { auditAnnotations: annotations }),
    () => allow(request, { patchType: pick(random, ["JSONPatch", "MergePatch", ""]), patch: "bm9uc2Vuc2U=" }),
    () => allow(request, { patchType: "JSONPatch", patch: pick(random, ["!", "", "W10", "W10=", "e30="]) }),
    () => patch(request, [{ op, path, from, value }]),
    () => patch(request, [{ op: "add", path, value }]),
    () =>
      patch(
        request,
        Array.from({ length: pick(random, [10, 9_999, 10_001]) }, () => ({
          op: "add",
          path: "/data/a",
          value: "c",
        })),
      ),
    () =>
      patch(
        request,
        Array.from({ length: 30 }, () => ({ op: "copy", from: "/data", path: "/data/a" })),
      ),
    () =>
      patch(request, [
        { op: "add", path: "/data/large", value: "x".repeat(pick(random, [500_000, 2_000_000])) },
      ]),
    () =>
      patch(request, [
        {
          op: "add",
          path: "/data",
          value: Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`k${i}`, ""])),
        },
      ]),
    () => ({ ...(allow(request) as JsonObject), [key]: value }),
    () => ({
      ...(allow(request) as JsonObject),
      apiVersion: pick(random, ["v1", "admission.k8s.io/v1beta1", ""]),
    }),
  ])();
}

describe("webhooks that lie", () => {
  it("are believed only what they may decide", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 0x7fff_ffff }), async (seed) => {
        const random = randomOf(seed);
        let told = "";
        behaviour = (request) => {
          const answer = lie(request, random);
          told = JSON.stringify(answer).slice(0, 500);
          return answer;
        };
        const answer = await ask(pick(random, kinds), pick(random, policies));
        checkDecision(answer, `${told} -> ${answer.text.slice(0, 500)}`, ["asked", "x"]);
        if (answer.status !== 201) refused++;
      }),
      { numRuns: runs(120) },
    );
    assert.ok(refused > runs(120) / 10, `${refused} were refused`);
  });

  it("or whose answers are spoiled, decide or fail", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 0x7fff_ffff }), async (seed) => {
        const random = randomOf(seed);
        const kind = pick(random, kinds);
        behaviour = (request) => {
          const right = pick(random, [
            () => allow(request),
            () => deny(request, { code: 403, message: "no", details: { causes: [{ reason: "R" }] } }),
            () => patch(request, [{ op: "add", path: "/data/c", value: "d" }]),
          ])();
          return spoiled(right, random);
        };
        const answer = await ask(kind, pick(random, policies));
        checkDecision(answer, answer.text.slice(0, 500));
      }),
      { numRuns: runs(120) },
    );
  });

  it("and the server goes on", async () => {
    behaviour = allow;
    for (const kind of kinds) assert.equal((await ask(kind, "Fail")).status, 201);
    const made = await fixture.create("after", configMap("after"));
    assert.equal(made.status, 201, made.text);
  });
});
