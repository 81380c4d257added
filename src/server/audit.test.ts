/** The audit log over HTTP; what events hold was compared with those of kube-apiserver 1.36.3 for the same requests. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
import { auditFixture, type SeenEvent } from "./testing/audit-fixture.ts";
import {
  type Answer,
  type CallOptions,
  callOn,
  type LiveServer,
  startLiveServer,
} from "./testing/live-server.ts";

const audit = auditFixture(`
- {level: None, nonResourceURLs: [/healthz*]}
- {level: None, resources: [{group: tenancy.kcp.io}]}
- {level: Metadata, resources: [{resources: [secrets]}]}
- {level: Request, resources: [{resources: [serviceaccounts]}], omitStages: [RequestReceived]}
- {level: RequestResponse, namespaces: [kube-system], omitManagedFields: true}
- {level: RequestResponse}
`);
let server: LiveServer;
let cluster: string;
let sent = 0;
const maps = "/api/v1/namespaces/default/configmaps";
const json = "application/json";

before(async () => {
  server = await startLiveServer({ audit: audit.options });
  cluster = await server.workspace("audited");
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

/** A request by the workspace's path, and its events. */
async function ask(
  method: string,
  path: string,
  { headers, ...options }: CallOptions = {},
): Promise<{ answer: Answer; events: SeenEvent[]; last: SeenEvent }> {
  const id = `request-${++sent}`;
  const answer = await server.call(method, `/clusters/root:audited${path}`, {
    ...options,
    headers: { "audit-id": id, "user-agent": "tester/1", ...headers },
  });
  const events = audit.of(id);
  return { answer, events, last: events.at(-1)! };
}

const configMap = (name: string, data: object = { a: "b" }, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...more },
  data,
});
const stagesOf = (events: readonly SeenEvent[]): string[] => events.map(({ stage }) => stage);
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

test("a creation: who, what, where, and what came of it, at the time of the answer", async () => {
  const { answer, events } = await ask("POST", maps, { body: configMap("made") });
  assert.equal(answer.status, 201);
  assert.deepEqual(stagesOf(events), ["RequestReceived", "ResponseComplete"]);
  const [received, complete] = events as [SeenEvent, SeenEvent];
  const { user, requestReceivedTimestamp, stageTimestamp, annotations, ...rest } = received;
  assert.deepEqual(rest, {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: received.auditID,
    stage: "RequestReceived",
    requestURI: maps,
    verb: "create",
    sourceIPs: ["127.0.0.1"],
    userAgent: "tester/1",
    objectRef: { resource: "configmaps", namespace: "default", apiVersion: "v1" },
  });
  assert.match(String(requestReceivedTimestamp), time);
  assert.equal(stageTimestamp, requestReceivedTimestamp);
  const where = {
    "kcp.io/cluster": cluster,
    "kcp.io/path": "root:audited",
    "tenancy.kcp.io/workspace": cluster,
  };
  assert.deepEqual(annotations, where);
  const { username, groups, extra } = user as Record<string, unknown>;
  assert.equal(typeof username, "string");
  assert.ok((groups as string[]).includes("system:masters"));
  assert.deepEqual(Object.keys(extra as object), ["authentication.kubernetes.io/credential-id"]);
  assert.deepEqual(complete.objectRef, { ...(rest.objectRef as object), name: "made" });
  assert.deepEqual(complete.responseStatus, { metadata: {}, code: 201 });
  assert.deepEqual(complete.requestObject, configMap("made"));
  assert.deepEqual(complete.responseObject, answer.json);
  assert.deepEqual(complete.annotations, {
    ...where,
    "authorization.k8s.io/decision": "allow",
    "authorization.k8s.io/reason": "",
  });
});

test("each event is one line", () => {
  for (const line of audit.lines) assert.match(line, /^\{.*\}\n$/);
});

test("levels: nothing, who and what only, what was asked, and what was answered", async () => {
  assert.deepEqual((await ask("GET", "/healthz")).events, []);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { a: "c2VjcmV0" } };
  const made = await ask("POST", "/api/v1/namespaces/default/secrets", { body: secret });
  assert.equal(made.answer.status, 201);
  assert.ok(!audit.lines.some((line) => line.includes("c2VjcmV0")));
  assert.equal(made.last.level, "Metadata");
  assert.deepEqual((made.last.objectRef as Record<string, string>).name, "s");
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "sa" } };
  const asked = await ask("POST", "/api/v1/namespaces/default/serviceaccounts", { body: account });
  assert.deepEqual(stagesOf(asked.events), ["ResponseComplete"]);
  assert.deepEqual(asked.last.requestObject, account);
  assert.equal(asked.last.responseObject, undefined);
});

test("the answer's object is JSON whatever form was answered", async () => {
  const path = `${maps}/made`;
  const plain = (await ask("GET", path)).last.responseObject;
  assert.equal(plain?.metadata.name, "made");
  for (const accept of ["application/yaml", "application/vnd.kubernetes.protobuf", `${json};as=Foo,${json}`])
    assert.deepEqual((await ask("GET", path, { accept })).last.responseObject, plain, accept);
  assert.deepEqual((await ask("GET", `${path}?pretty=true`)).last.responseObject, plain);
  const list = (await ask("GET", maps)).last.responseObject;
  assert.equal(list?.kind, "ConfigMapList");
  const packed = await ask("GET", maps, { accept: "application/vnd.kubernetes.protobuf" });
  assert.deepEqual(packed.last.responseObject, list);
  // Another thread makes what is large, between others.
  await ask("POST", maps, { body: configMap("large", { a: "x".repeat(200_000) }) });
  const larger = (await ask("GET", maps)).last.responseObject;
  assert.ok(larger?.items.some(({ metadata }) => metadata.name === "large"));
  const largerPacked = await ask("GET", maps, { accept: "application/vnd.kubernetes.protobuf" });
  assert.deepEqual(largerPacked.last.responseObject, larger);
  await ask("DELETE", `${maps}/large`);
  const table = await ask("GET", maps, { accept: `${json};as=Table;g=meta.k8s.io;v=v1` });
  assert.equal(table.last.responseObject?.kind, "Table");
});

test("managed fields are left out of objects, lists and tables where the policy says so, and nothing else", async () => {
  const path = "/api/v1/namespaces/kube-system/configmaps";
  const body = configMap("m", { managedFields: "kept" }, { managedFields: [] });
  const { answer, last } = await ask("POST", path, { body });
  assert.equal(answer.status, 201, answer.text);
  const { managedFields, ...metadata } = answer.json.metadata;
  assert.ok(Array.isArray(managedFields));
  assert.deepEqual(last.responseObject, { ...answer.json, metadata });
  assert.equal(last.requestObject?.metadata.managedFields, undefined);
  const list = await ask("GET", path);
  assert.ok(list.answer.text.includes('"f:managedFields"'));
  assert.ok(!JSON.stringify(list.last).includes("f:managedFields"));
  assert.equal(list.last.responseObject?.items.length, list.answer.json.items.length);
  const table = await ask("GET", `${path}?includeObject=Object`, {
    accept: `${json};as=Table;g=meta.k8s.io;v=v1`,
  });
  assert.ok(table.answer.text.includes("f:managedFields"));
  assert.ok(!JSON.stringify(table.last).includes("f:managedFields"));
  assert.equal(table.last.responseObject?.rows.length, table.answer.json.rows.length);
});

test("patches are shown as they were sent, applies as JSON, and what is no JSON not at all", async () => {
  const path = `${maps}/made`;
  const merge = "application/merge-patch+json";
  const patched = await ask("PATCH", path, { body: '{ "data":\n {"x": "y"} }', type: merge });
  assert.deepEqual(patched.last.requestObject, { data: { x: "y" } });
  const broken = await ask("PATCH", path, { body: '{ "data"', type: merge });
  assert.equal(broken.answer.status, 400);
  assert.equal(broken.last.requestObject, undefined);
  const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\ndata: {z: '1'}\n";
  const applied = await ask("PATCH", `${path}?fieldManager=me`, {
    body: yaml,
    type: "application/apply-patch+yaml",
  });
  assert.equal(applied.answer.status, 200);
  assert.deepEqual(applied.last.requestObject, configMap("made", { z: "1" }));
});

test("refusals: the Status, as status and as object", async () => {
  const missing = await ask("GET", `${maps}/missing`);
  const { kind: _k, apiVersion: _v, ...status } = missing.answer.json;
  assert.deepEqual(missing.last.responseStatus, status);
  assert.deepEqual(missing.last.responseObject, missing.answer.json);
  const invalid = await ask("POST", maps, { body: configMap("A_") });
  assert.equal((invalid.last.responseStatus as { code: number }).code, 422);
  assert.equal(invalid.last.requestObject?.metadata.name, "A_");
  const unfit = await ask("GET", maps, { accept: "application/foo" });
  assert.deepEqual(unfit.last.responseStatus, { metadata: {}, code: 406 });
});

test("deletions: the options, and the Status that says what is gone", async () => {
  await ask("POST", maps, { body: configMap("gone") });
  const { last } = await ask("DELETE", `${maps}/gone`, { body: { propagationPolicy: "Background" } });
  assert.deepEqual(last.requestObject, {
    kind: "DeleteOptions",
    apiVersion: "meta.k8s.io/__internal",
    propagationPolicy: "Background",
  });
  const status = last.responseStatus as Record<string, unknown>;
  assert.deepEqual([status.status, status.code], ["Success", 200]);
  assert.equal(last.responseObject?.details.name, "gone");
});

test("who is nobody: one event, without a user; who may nothing: that he was forbidden", async () => {
  const session = server.connect("nobody");
  const path = `/clusters/${cluster}${maps}`;
  const wrong = { authorization: "Bearer wrong", "audit-id": "wrong" };
  assert.equal((await callOn(session, "GET", path, { headers: wrong })).status, 401);
  const [event, ...more] = audit.of("wrong");
  assert.deepEqual(more, []);
  assert.equal(event?.stage, "ResponseStarted");
  assert.deepEqual(event?.user, {});
  assert.equal((event!.responseStatus as { message: string }).message, "Unauthorized");
  session.destroy();
  const other = server.connect("nobody");
  const alice = { authorization: "Bearer alice-token", "audit-id": "alice" };
  assert.equal((await callOn(other, "GET", path, { headers: alice })).status, 403);
  other.destroy();
  const [, forbidden] = audit.of("alice");
  assert.equal(forbidden?.annotations?.["authorization.k8s.io/decision"], "forbid");
  assert.equal((forbidden!.user as { username: string }).username, "alice");
});

test("a watch is told when it begins and when it ends", async () => {
  const before = audit.lines.length;
  const watch = await server.watch(`/clusters/${cluster}${maps}?watch=1`);
  const events = () =>
    audit.lines
      .slice(before)
      .map((line) => JSON.parse(line) as SeenEvent)
      .filter(({ verb }) => verb === "watch");
  await until("two events", () => events().length === 2);
  assert.deepEqual(stagesOf(events()), ["RequestReceived", "ResponseStarted"]);
  watch.close();
  await until("a third event", () => events().length === 3);
  assert.equal(events().at(-1)?.stage, "ResponseComplete");
  assert.equal(events().at(-1)?.responseObject, undefined);
});

test("addresses that proxies tell, and long names of clients", async () => {
  const { last } = await ask("GET", maps, {
    headers: {
      "x-forwarded-for": "10.1.1.1, nonsense,10.2.2.2",
      "x-real-ip": "2001:DB8:0::1",
      "user-agent": "u".repeat(1_100),
    },
  });
  assert.deepEqual(last.sourceIPs, ["10.1.1.1", "10.2.2.2", "2001:db8::1", "127.0.0.1"]);
  assert.equal(last.userAgent, `${"u".repeat(1_024)}...TRUNCATED`);
});

test("what is deprecated is said to be", async () => {
  const all = await server.workspace("all", { type: "kubernetes" });
  const headers = { "audit-id": "deprecated" };
  await server.call("GET", `/clusters/${all}/api/v1/namespaces/default/endpoints`, { headers });
  assert.equal(audit.of("deprecated").at(-1)?.annotations?.["k8s.io/deprecated"], "true");
});

test("writes that are done in the second thread are remembered alike, with what policies have to say", async () => {
  const group = "/apis/admissionregistration.k8s.io/v1";
  const policy = {
    metadata: { name: "notes" },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] },
        ],
        objectSelector: { matchLabels: { noted: "yes" } },
      },
      validations: [{ expression: "!has(object.data.bad)", message: "bad is < good" }],
      auditAnnotations: [{ key: "name", valueExpression: "'it is ' + object.metadata.name" }],
    },
  };
  const binding = {
    metadata: { name: "notes" },
    spec: { policyName: "notes", validationActions: ["Audit"] },
  };
  assert.equal(
    (await ask("POST", `${group}/validatingadmissionpolicies`, { body: policy })).answer.status,
    201,
  );
  const bound = await ask("POST", `${group}/validatingadmissionpolicybindings`, { body: binding });
  assert.equal(bound.answer.status, 201);
  const large = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key-${i}`, "value"]));
  for (const [name, data] of [
    ["small", { bad: "1" }],
    ["large", { ...large, bad: "1" }],
  ] as const) {
    const { answer, events, last } = await ask("POST", maps, {
      body: configMap(name, data, { labels: { noted: "yes" } }),
    });
    assert.equal(answer.status, 201);
    assert.deepEqual(stagesOf(events), ["RequestReceived", "ResponseComplete"]);
    assert.equal((last.objectRef as { name: string }).name, name);
    assert.deepEqual(last.requestObject?.data, data);
    assert.deepEqual(last.responseObject, answer.json);
    assert.equal(last.annotations?.["notes/name"], `it is ${name}`);
    assert.equal(
      last.annotations?.["validation.policy.admission.k8s.io/validation_failure"],
      '[{"message":"bad is \\u003c good","policy":"notes","binding":"notes","expressionIndex":0,"validationActions":["Audit"]}]',
    );
    assert.equal(last.annotations?.["authorization.k8s.io/decision"], "allow");
  }
});

test("large lists, which are sent in pieces, are there as a whole", async () => {
  for (const name of ["p", "q", "r"]) {
    const made = await ask("POST", maps, { body: configMap(name, { big: "x".repeat(900_000) }) });
    assert.equal(made.answer.status, 201);
  }
  const { answer, last } = await ask("GET", maps);
  assert.ok(answer.bytes.length > 2_000_000);
  assert.deepEqual(last.responseObject, answer.json);
});
