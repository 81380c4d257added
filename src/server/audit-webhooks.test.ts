/** What webhooks leave in the audit log. Keys and values are those of kube-apiserver 1.36.3 for the same webhooks. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { auditFixture } from "./testing/audit-fixture.ts";
import { allow, configMap, deny, patch, WebhookFixture } from "./testing/webhook-fixture.ts";

const audit = auditFixture(`
- {level: Metadata, verbs: [patch]}
- {level: Request}
`);
let fixture: WebhookFixture;
before(async () => {
  fixture = await WebhookFixture.start({ audit: audit.options });
});
after(() => fixture.close());

/** Creates a config map; answers the status and the annotations that webhooks left. */
async function create(name: string): Promise<[status: number, annotations: Record<string, string>]> {
  const headers = { "audit-id": name };
  const answer = await fixture.server.call("POST", fixture.maps, { body: configMap(name), headers });
  return [answer.status, notesOf(name)];
}

function notesOf(auditId: string): Record<string, string> {
  const { annotations = {} } = audit.of(auditId).at(-1)!;
  const own = Object.entries(annotations).filter(([key]) => !/^(authorization|kcp|tenancy)\./.test(key));
  return Object.fromEntries(own);
}

const key = (prefix: string) => `${prefix}.webhook.admission.k8s.io/round_0_index_0`;
const mutated = (name: string, was: boolean) =>
  `{"configuration":"${name}","webhook":"${name}.example.com","mutated":${was}}`;

test("a webhook that changes the object, and the annotations that it asks for itself", async () => {
  const operations = [{ op: "add", path: "/data", value: { a: "<b>" } }];
  const hook = await fixture.install(
    "Mutating",
    (request) =>
      request.operation === "CREATE"
        ? { ...(patch(request, operations) as object) }
        : allow(request, { auditAnnotations: { seen: "yes", "not/a/key": "x", "sp ace": "y" } }),
    {},
    "changes",
  );
  assert.deepEqual(await create("changed"), [
    201,
    {
      [key("mutation")]: mutated("changes", true),
      [key("patch")]:
        '{"configuration":"changes","webhook":"changes.example.com","patch":[{"op":"add","path":"/data","value":{"a":"\\u003cb\\u003e"}}],"patchType":"JSONPatch"}',
    },
  ]);
  // At level Metadata there is no patch, and keys that are none are left out.
  await fixture.server.call("PATCH", `${fixture.maps}/changed`, {
    body: { data: { c: "d" } },
    type: "application/merge-patch+json",
    headers: { "audit-id": "update" },
  });
  assert.deepEqual(notesOf("update"), {
    [key("mutation")]: mutated("changes", false),
    "changes.example.com/seen": "yes",
  });
  await hook[Symbol.asyncDispose]();
});

test("webhooks that fail open, and that refuse", async () => {
  const broken = (() => (response: { destroy(): void }) => response.destroy()) as never;
  {
    await using _hook = await fixture.install("Mutating", broken, { failurePolicy: "Ignore" }, "opens");
    assert.deepEqual(await create("opened"), [
      201,
      {
        [key("failed-open.mutation")]: "opens.example.com",
        [key("mutation")]: mutated("opens", false),
      },
    ]);
  }
  {
    await using _hook = await fixture.install("Validating", broken, { failurePolicy: "Ignore" }, "looks");
    assert.deepEqual(await create("looked"), [201, { [key("failed-open.validating")]: "looks.example.com" }]);
  }
  await using _hook = await fixture.install(
    "Mutating",
    (request) => deny(request, { message: "no" }),
    {},
    "denies",
  );
  assert.deepEqual(await create("denied"), [400, { [key("mutation")]: mutated("denies", false) }]);
});
