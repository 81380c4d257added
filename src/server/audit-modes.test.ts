/** The audit log when it cannot be written, when events are too large, and in its other format. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authorizer } from "#authz/authorizer.ts";
import { auditFixture } from "./testing/audit-fixture.ts";
import { startLiveServer } from "./testing/live-server.ts";

const everything = "- {level: RequestResponse}\n";
const maps = "/clusters/root/api/v1/namespaces/default/configmaps";
const body = (name: string, size = 1) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { a: "x".repeat(size) },
});

test("a log that fails keeps nobody from working, and is counted", async () => {
  const audit = auditFixture(everything);
  const server = await startLiveServer({ audit: audit.options });
  audit.failWith(new Error("no space left on device"));
  assert.equal((await server.call("POST", maps, { body: body("a") })).status, 201);
  audit.failWith(undefined);
  const metrics = (await server.call("GET", "/metrics")).text;
  assert.match(metrics, /^apiserver_audit_error_total\{plugin="log"\} 2$/m);
  assert.match(metrics, /^apiserver_audit_level_total\{level="RequestResponse"\} 2$/m);
  assert.match(metrics, /^apiserver_audit_requests_rejected_total 0$/m);
  await server.close();
  assert.deepEqual(server.bugs, ["Error in audit plugin 'log': no space left on device"]);
});

test("in mode blocking-strict a request whose first event cannot be written is refused, and does nothing", async () => {
  const audit = auditFixture(everything, { mode: "blocking-strict" });
  const server = await startLiveServer({ audit: audit.options });
  audit.failWith(new Error("no space left on device"));
  const refused = await server.call("POST", maps, { body: body("a") });
  assert.equal(refused.status, 500);
  assert.match(refused.text, /^Internal Server Error: ".*": failed to store audit event\n$/);
  audit.failWith(undefined);
  assert.equal((await server.call("GET", `${maps}/a`)).status, 404);
  assert.match((await server.call("GET", "/metrics")).text, /^apiserver_audit_requests_rejected_total 1$/m);
  await server.close();
});

test("events that are too large lose their objects, and say so", async () => {
  const audit = auditFixture(everything, { format: { format: "json", maxEventBytes: 2_000 } });
  const server = await startLiveServer({ audit: audit.options });
  const headers = { "audit-id": "large" };
  assert.equal((await server.call("POST", maps, { body: body("a", 5_000), headers })).status, 201);
  const [received, complete] = audit.of("large");
  assert.equal(received?.annotations?.["audit.k8s.io/truncated"], undefined);
  assert.equal(complete?.annotations?.["audit.k8s.io/truncated"], "true");
  assert.equal(complete?.requestObject, undefined);
  assert.equal(complete?.responseObject, undefined);
  assert.deepEqual(complete?.responseStatus, { metadata: {}, code: 201 });
  await server.close();
});

test("the format legacy is one line of text for each event", async () => {
  const audit = auditFixture(everything, { format: { format: "legacy", maxEventBytes: undefined } });
  const server = await startLiveServer({ audit: audit.options });
  const headers = { "audit-id": 'with "quotes"', "user-agent": "me" };
  await server.call("GET", `${maps}/missing`, { headers: { ...headers, "audit-id": "legacy" } });
  const lines = audit.lines.filter((line) => line.includes('id="legacy"'));
  assert.match(
    lines[1]!,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z AUDIT: id="legacy" stage="ResponseComplete" ip="127\.0\.0\.1" method="get" user="\S+" groups=".*system:masters.*" as="<self>" asgroups="<lookup>" user-agent="me" namespace="default" uri="\/api\/v1\/namespaces\/default\/configmaps\/missing" response="404"\n$/,
  );
  assert.match(lines[0]!, /stage="RequestReceived" .* response="<deferred>"\n$/);
  await server.close();
});

test("in mode batch requests do not wait, and what waits is written before the server ends", async () => {
  const audit = auditFixture(everything, { mode: "batch" });
  const server = await startLiveServer({ audit: audit.options });
  const headers = { "audit-id": "batch" };
  assert.equal((await server.call("POST", maps, { body: body("a"), headers })).status, 201);
  await server.close();
  assert.equal(audit.of("batch").length, 2);
});

test("a bug that ends a request is told as such", async () => {
  const audit = auditFixture(everything);
  const authorizer: Authorizer = {
    authorize({ path, user }) {
      if (path.includes("bug")) throw new TypeError("broken");
      return { decision: user.name === "" ? "deny" : "allow", reason: "" };
    },
  };
  const server = await startLiveServer({ audit: audit.options, authorizer });
  const headers = { "audit-id": "bug" };
  assert.equal((await server.call("GET", `${maps}/bug`, { headers })).status, 500);
  const events = audit.of("bug");
  assert.deepEqual(
    events.map(({ stage }) => stage),
    ["RequestReceived", "Panic"],
  );
  assert.deepEqual(events[1]?.responseStatus, {
    metadata: {},
    status: "Failure",
    message: "APIServer panic'd: TypeError: broken",
    reason: "InternalError",
    code: 500,
  });
  await server.close();
  assert.equal(server.bugs.length, 1);
});
