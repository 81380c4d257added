/** Admission webhooks over HTTP: real webhook servers that answer rightly, wrongly, hugely, that lie or are not there. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { WebhookAnswer } from "#admission/testing/webhook-server.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { Json } from "./testing/live-server.ts";
import {
  allow,
  configMap,
  deny,
  patch,
  review,
  WebhookFixture,
  warningsOf,
} from "./testing/webhook-fixture.ts";

let fixture: WebhookFixture;
before(async () => {
  fixture = await WebhookFixture.start();
});
after(() => fixture.close());

describe("refusals", () => {
  it("have the webhook's words and code", async () => {
    const cases: readonly [JsonObject | undefined, number, string][] = [
      [{ code: 403, message: "no" }, 403, "denied the request: no"],
      [{ code: 422, reason: "Invalid" }, 422, "denied the request: Invalid"],
      [{ code: 200, status: "Success", message: "lies" }, 400, "denied the request: lies"],
      [{ code: 99_999, message: "far" }, 599, "denied the request: far"],
      [undefined, 400, "denied the request without explanation"],
    ];
    for (const [status, code, text] of cases) {
      await using _hook = await fixture.install(
        "Validating",
        (request) => deny(request, status),
        {},
        "judge",
      );
      const answer = await fixture.create("refused");
      assert.equal(answer.status, code);
      assert.equal(answer.json.message, `admission webhook "judge.example.com" ${text}`);
      assert.equal(answer.json.code, code);
    }
    assert.equal((await fixture.server.call("GET", `${fixture.maps}/refused`)).status, 404);
  });

  it("of the first webhook in order when several refuse; warnings of all are shown", async () => {
    await using _a = await fixture.install(
      "Validating",
      (request) =>
        review({
          uid: request.uid as string,
          allowed: false,
          warnings: ["from a"],
          status: { message: "a", code: 403 },
        }),
      {},
      "a-first",
    );
    await using _b = await fixture.install(
      "Validating",
      (request) => deny(request, { message: "b", code: 409 }),
      {},
      "b-second",
    );
    await using _c = await fixture.install("Validating", (request) =>
      allow(request, { warnings: ["from c"] }),
    );
    const answer = await fixture.create("refused");
    assert.equal(answer.status, 403);
    assert.deepEqual(warningsOf(answer).join(), '299 - "from a", 299 - "from c"');
  });

  it("hold for deletions, by mutating webhooks too", async () => {
    await fixture.create("kept");
    await using _hook = await fixture.install("Mutating", (request) =>
      request.operation === "DELETE" ? deny(request, { message: "stays", code: 403 }) : allow(request),
    );
    assert.equal((await fixture.server.call("DELETE", `${fixture.maps}/kept`)).status, 403);
  });

  it("concern the workspace of the configuration only", async () => {
    await using _hook = await fixture.install("Validating", (request) => deny(request));
    const elsewhere = await fixture.server.workspace("elsewhere", { type: "kubernetes" });
    const answer = await fixture.server.call(
      "POST",
      `/clusters/${elsewhere}/api/v1/namespaces/default/configmaps`,
      { body: configMap("free") },
    );
    assert.equal(answer.status, 201, answer.text);
  });
});

describe("webhooks that fail", () => {
  const failing: readonly [string, (request: Json) => WebhookAnswer, RegExp][] = [
    ["no review", () => ({ a: 1 }), /received invalid webhook response: webhook response was absent$/],
    [
      "another uid",
      () => review({ uid: "other", allowed: true }),
      /received invalid webhook response: expected response\.uid="[0-9a-f-]+", got "other"$/,
    ],
    [
      "another kind",
      (request) => ({ response: { uid: request.uid as string, allowed: true } }),
      /received invalid webhook response: expected webhook response of admission\.k8s\.io\/v1, Kind=AdmissionReview, got \/, Kind=$/,
    ],
    [
      "another kind by name",
      () => ({ apiVersion: "admission.k8s.io/v1", kind: "Foo" }),
      /failed to call webhook: no kind "Foo" is registered for version "admission\.k8s\.io\/v1" in scheme /,
    ],
    [
      "another version",
      () => ({ apiVersion: "admission.k8s.io/v1beta1", kind: "AdmissionReview" }),
      /failed to call webhook: converting \(v1beta1\.AdmissionReview\) to \(v1\.AdmissionReview\): unknown conversion$/,
    ],
    [
      "a patch where none may be",
      (request) => patch(request, [{ op: "remove", path: "/data" }]),
      /received invalid webhook response: validating webhook may not return response\.patch$/,
    ],
    [
      "wrong types",
      (request) => review({ uid: request.uid as string, allowed: "yes" }),
      /failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionResponse\.response\.allowed of type bool$/,
    ],
    [
      "500",
      () => (response) => response.writeHead(500).end("broken"),
      /failed to call webhook: an error on the server \("broken"\) has prevented the request from succeeding$/,
    ],
    [
      "a huge answer",
      () => (response) => response.end("x".repeat(5_000_000)),
      /failed to call webhook: unexpected error when reading response body.*larger than 4194304 bytes$/,
    ],
    [
      "a deep answer",
      () => (response) => response.end("[".repeat(100_000)),
      /failed to call webhook: couldn't get version\/kind/,
    ],
    [
      "no answer",
      () => (response) => void response.destroy(),
      /failed to call webhook: Post "https:.*": EOF$/,
    ],
  ];
  for (const [name, answer, text] of failing) {
    it(`${name}: 500 when it fails closed, nothing when it fails open`, async () => {
      {
        await using _closed = await fixture.install("Validating", answer, {}, "closed");
        const refused = await fixture.create("f");
        assert.equal(refused.status, 500);
        assert.match(refused.json.message, text);
        assert.match(
          refused.json.message,
          /^Internal error occurred: failed calling webhook "closed\.example\.com": /,
        );
      }
      await using _open = await fixture.install("Validating", answer, { failurePolicy: "Ignore" });
      const made = await fixture.create("f");
      assert.equal(made.status, 201, made.text);
      await fixture.server.call("DELETE", `${fixture.maps}/f`);
    });
  }

  it("is late: its time limit ends the call, and the request goes on by the failure policy", async () => {
    await using _hook = await fixture.install("Validating", () => () => undefined, {
      timeoutSeconds: 1,
      failurePolicy: "Ignore",
    });
    assert.equal((await fixture.create("late")).status, 201);
  });

  it("cannot be reached: by address, by service", async () => {
    const cases: readonly [JsonObject, RegExp][] = [
      [{ url: "https://169.254.169.254/latest" }, /169\.254\.169\.254 may not be reached from this server/],
      [{ url: "https://10.0.0.1/" }, /10\.0\.0\.1 may not be reached from this server/],
      [
        { service: { name: "s", namespace: "n" } },
        /Post "https:\/\/s\.n\.svc:443\?timeout=10s": service references are not supported/,
      ],
    ];
    for (const [clientConfig, text] of cases) {
      await using _hook = await fixture.install("Validating", (request) => allow(request), { clientConfig });
      const answer = await fixture.create("unreachable");
      assert.equal(answer.status, 500);
      assert.match(answer.json.message, text);
    }
  });

  it("is told of dry runs", async () => {
    await using hook = await fixture.install("Validating", (request) => allow(request));
    const dry = await fixture.create("dry", {}, "?dryRun=All");
    assert.equal(dry.status, 201);
    assert.equal(hook.requests()[0]!.dryRun, true);
  });
});

describe("mutation", () => {
  it("runs in order of configurations, and what it makes is pruned and defaulted", async () => {
    await using _b = await fixture.install(
      "Mutating",
      (request) =>
        patch(request, [
          { op: "add", path: "/data/order", value: `${(request.object as Json).data?.order ?? ""}b` },
          { op: "add", path: "/unknown", value: 1 },
        ]),
      {},
      "m-b",
    );
    await using _a = await fixture.install(
      "Mutating",
      (request) => patch(request, [{ op: "add", path: "/data", value: { order: "a" } }]),
      {},
      "m-a",
    );
    const made = await fixture.create("ordered");
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.json.data, { order: "ab" });
    assert.equal(made.json.unknown, undefined);
    await fixture.server.call("DELETE", `${fixture.maps}/ordered`);
  });

  it("calls again who wants to see later changes, once", async () => {
    await using first = await fixture.install(
      "Mutating",
      (request) => {
        const seen = (request.object as Json).metadata.labels ?? {};
        const label = seen.late === undefined ? "first" : "again";
        return patch(request, [{ op: "add", path: "/metadata/labels", value: { ...seen, [label]: "yes" } }]);
      },
      { reinvocationPolicy: "IfNeeded" },
      "r-a",
    );
    await using second = await fixture.install(
      "Mutating",
      (request) => patch(request, [{ op: "add", path: "/metadata/labels/late", value: "yes" }]),
      {},
      "r-b",
    );
    const made = await fixture.create("again");
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.json.metadata.labels, { first: "yes", late: "yes", again: "yes" });
    assert.equal(first.requests().length, 2);
    assert.equal(second.requests().length, 1);
  });

  it("that cannot be done is a 500, a patch that is none a failed call", async () => {
    const cases: readonly [(request: Json) => WebhookAnswer, RegExp][] = [
      [
        (request) => patch(request, [{ op: "remove", path: "/nowhere/x" }]),
        /^Internal error occurred: remove operation does not apply: doc is missing path: "\/nowhere\/x": missing value$/,
      ],
      [
        (request) => patch(request, { a: 1 }),
        /failed calling webhook "p\.example\.com": received undecodable patch in webhook response/,
      ],
      [
        (request) => patch(request, [{ op: "replace", path: "/kind", value: "Secret" }]),
        /^Internal error occurred: the patch of a webhook changes the object into v1, Kind=Secret$/,
      ],
      [
        (request) =>
          allow(request, { patchType: "Merge", patch: Buffer.from('[{"op":"test"}]').toString("base64") }),
        /unsupported patch type "Merge"$/,
      ],
      [
        (request) => allow(request, { patch: "e30=" }),
        /webhook returned response\.patch but not response\.patchType$/,
      ],
      [
        (request) => patch(request, [{ op: "add", path: "/data", value: { a: 7 } }]),
        /^Internal error occurred: json: cannot unmarshal number into Go struct field ConfigMap.data of type string$/,
      ],
    ];
    for (const [answer, text] of cases) {
      await using _hook = await fixture.install("Mutating", answer, {}, "p");
      const refused = await fixture.create("bad");
      assert.equal(refused.status, 500);
      assert.match(refused.json.message, text);
    }
  });

  it("that moves the object to another namespace is refused", async () => {
    await using _hook = await fixture.install("Mutating", (request) =>
      patch(request, [{ op: "replace", path: "/metadata/namespace", value: "kube-system" }]),
    );
    const moved = await fixture.create("moved");
    assert.deepEqual(
      [moved.status, moved.json.message],
      [400, "the namespace of the provided object does not match the namespace sent on the request"],
    );
  });

  it("cannot break managed fields: those from before are kept, with a warning", async () => {
    await using _hook = await fixture.install("Mutating", (request) =>
      patch(request, [
        { op: "add", path: "/data", value: { by: "hook" } },
        { op: "replace", path: "/metadata/managedFields", value: [{ manager: "x", operation: "Nonsense" }] },
      ]),
    );
    const made = await fixture.create("managed", { data: { a: "1" } }, "?fieldManager=me");
    assert.equal(made.status, 201, made.text);
    assert.match(warningsOf(made).join(), /managedFields was in an invalid state after admission/);
    assert.equal((made.json.metadata.managedFields as { manager: string }[])[0]!.manager, "me");
  });
});
