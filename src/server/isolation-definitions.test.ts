/**
 * A workspace among neighbours that define the same kind otherwise, with policies, webhooks, converters and quotas of their
 * own: all that it is told is what it is told where it is alone.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { startWebhookServer, type WebhookServer } from "#admission/testing/webhook-server.ts";
import { sampleOf } from "#base/testing/samples.ts";
import { until } from "#base/testing/until.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { definitionOf } from "./testing/definitions.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";
import { comparable, hookAnswer, type Step, steps, take } from "./testing/neighbours.ts";

let shared: LiveServer;
let alone: LiveServer;
let hooks: WebhookServer;
before(async () => {
  [shared, alone] = await Promise.all([startLiveServer(), startLiveServer()]);
  hooks = await startWebhookServer(({ path, body }) => hookAnswer(path, body) as JsonValue);
});
after(async () => {
  await hooks[Symbol.asyncDispose]();
  for (const server of [shared, alone]) {
    await server.close();
    assert.deepEqual(server.bugs, []);
  }
});

let count = 0;

test("no answer in a workspace depends on what its neighbours define, write, forbid or limit", async () => {
  const neighbours = 2;
  const plan = fc.array(
    fc.record({ who: fc.integer({ min: 0, max: neighbours }), step: steps, again: fc.boolean() }),
    { minLength: 20, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 5 }), plan, async (first, taken) => {
      const name = `run-${++count}`;
      const own = await alone.workspace(name);
      const among = await shared.workspace(name);
      const bases: string[] = [];
      for (let i = 1; i <= neighbours; i++)
        bases.push(`/clusters/${await shared.workspace(`${name}-neighbour-${i}`)}`);
      const compare = async (step: Step): Promise<void> => {
        const expected = await take(alone, hooks, `/clusters/${own}`, step);
        const actual = await take(shared, hooks, `/clusters/${among}`, step);
        assert.deepEqual(
          actual.map((answer) => comparable(answer, among)),
          expected.map((answer) => comparable(answer, own)),
          JSON.stringify(step),
        );
      };
      // Everybody has the kind, each its own.
      for (const [index, base] of bases.entries())
        await take(shared, hooks, base, { do: "define", variant: (first + 1 + index) % 6 });
      await compare({ do: "define", variant: first });
      for (const { who, step, again } of taken) {
        if (who > 0) await take(shared, hooks, bases[who - 1]!, step);
        else await compare(step);
        // What was found right once may be kept somewhere.
        if (who > 0 && again) await compare({ do: "read" });
      }
      await compare({ do: "read" });
    }),
    { numRuns: sampleOf(4, 2), endOnFailure: true },
  );
});

test("an owner's UID of another workspace leads nowhere: nothing there is deleted, held back or told", async () => {
  const [own, other] = [await shared.workspace("owned"), await shared.workspace("claiming")];
  const at = (cluster: string, name = ""): string =>
    `/clusters/${cluster}/apis/example.com/v1/namespaces/default/widgets${name === "" ? "" : `/${name}`}`;
  const create = async (cluster: string, name: string, ownerReferences: object[] = []): Promise<string> => {
    const answer = await shared.call("POST", at(cluster), {
      body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name, ownerReferences } },
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.metadata.uid as string;
  };
  const isGone = async (cluster: string, name: string): Promise<boolean> =>
    (await shared.call("GET", at(cluster, name))).status === 404;
  for (const cluster of [own, other])
    await shared.call("POST", `/clusters/${cluster}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`, {
      body: definitionOf(),
    });
  for (const propagationPolicy of ["Background", "Foreground", "Orphan"]) {
    const name = propagationPolicy.toLowerCase();
    const uid = await create(own, name);
    const reference = { apiVersion: "example.com/v1", kind: "Widget", name, uid, blockOwnerDeletion: true };
    await create(own, `${name}-child`, [reference]);
    // The neighbour has an owner of that name, and claims the UID of ours: by it alone, and beside one that is there.
    const theirs = await create(other, name);
    await create(other, `${name}-claims`, [reference]);
    await create(other, `${name}-both`, [reference, { ...reference, uid: theirs }]);
    // There the claim dangles, so what has no other owner goes, at once and for itself.
    await until("the claim is collected", () => isGone(other, `${name}-claims`));
    assert.equal(await isGone(own, name), false);
    assert.equal(await isGone(own, `${name}-child`), false);

    const deleted = await shared.call("DELETE", at(own, name), {
      body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy },
    });
    assert.equal(deleted.status, 200, deleted.text);
    await until("the owner is gone", () => isGone(own, name));
    if (propagationPolicy === "Orphan") assert.equal(await isGone(own, `${name}-child`), false);
    else await until("its dependent is gone", () => isGone(own, `${name}-child`));
    assert.equal(await isGone(other, name), false);
    assert.equal(await isGone(other, `${name}-both`), false);
    const both = await shared.call("GET", at(other, `${name}-both`));
    assert.deepEqual(
      (both.json.metadata.ownerReferences as { uid: string }[]).map((one) => one.uid),
      [theirs],
    );
  }
  const events = await shared.call("GET", `/clusters/${own}/api/v1/namespaces/default/events`);
  assert.deepEqual(events.json.items, []);
});
