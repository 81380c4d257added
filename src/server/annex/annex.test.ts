import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWebhookServer } from "#admission/testing/webhook-server.ts";
import { type Answer, type LiveServer, startLiveServer } from "../testing/live-server.ts";

let server: LiveServer;
let base = "";
const configMaps = "/api/v1/namespaces/default/configmaps";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("annex")}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

/** About 15 bytes each. */
const keys = (count: number, value = ""): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, value]));
const configMap = (name: string, data: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...more },
  data,
});
const large = 6_000;

function expect(answer: Answer, status: number): Answer {
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  return answer;
}

test("a large object is created, read, replaced, patched, applied and deleted as a small one is, and watches see it", async () => {
  const path = `${base}${configMaps}`;
  const one = `${path}/big`;
  const watch = await server.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dbig`);
  const made = expect(await server.call("POST", path, { body: configMap("big", keys(large)) }), 201).json;
  assert.equal(Object.keys(made.data).length, large);
  expect(await server.call("POST", path, { body: configMap("big", keys(large)) }), 409);
  const got = expect(await server.call("GET", one), 200).json;
  assert.deepEqual(got, made);
  const put = { body: { ...got, data: keys(large, "b") } };
  const replaced = expect(await server.call("PUT", `${one}?fieldManager=put`, put), 200).json;
  assert.equal(replaced.data["key-7"], "b");
  expect(await server.call("PUT", one, put), 409);
  // A small body on a large object.
  const merge = "application/merge-patch+json";
  const patched = await server.call("PATCH", one, { body: { data: { more: "c" } }, type: merge });
  assert.equal(expect(patched, 200).json.data.more, "c");
  const apply = "application/apply-patch+yaml";
  const applied = { body: configMap("big", { "key-1": "mine" }), type: apply };
  assert.match(
    expect(await server.call("PATCH", `${one}?fieldManager=me`, applied), 409).json.message,
    /conflict with "put" using v1: \.data\.key-1/,
  );
  expect(await server.call("PATCH", `${one}?fieldManager=me&force=true`, applied), 200);
  expect(await server.call("DELETE", one), 200);
  expect(await server.call("GET", one), 404);
  const events = await watch.until(5);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"],
  );
  watch.close();
});

test("refusals and warnings come as from the first thread", async () => {
  const path = `${base}${configMaps}`;
  const wrong = expect(
    await server.call("POST", path, { body: configMap("a", keys(large), { labels: { a: "!" } }) }),
    422,
  );
  assert.equal(wrong.headers["content-type"], "application/json");
  assert.match(wrong.json.message, /metadata\.labels: Invalid value/);
  const broken = await server.call("POST", path, { body: `{"data":{"a":"${"x".repeat(100_000)}` });
  expect(broken, 400);
  const body = { ...configMap("warned", keys(large)), unknown: 1 };
  const warned = expect(await server.call("POST", `${path}?dryRun=All&fieldValidation=Warn`, { body }), 201);
  assert.match(String(warned.headers.warning), /unknown field \\"unknown\\"/);
  assert.equal(String(warned.headers["audit-id"]).length, 36);
  expect(await server.call("POST", `${path}?fieldValidation=Strict`, { body }), 400);
  const packed = await server.call("POST", `${path}?dryRun=All`, {
    body: configMap("packed", keys(large)),
    headers: { "accept-encoding": "gzip" },
  });
  assert.equal(packed.headers["content-encoding"], "gzip");
  const yaml = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: double}\ndata:\n${"  a: b\n".repeat(2)}# ${"x".repeat(70_000)}`;
  const doubled = await server.call("POST", `${path}?fieldValidation=Strict`, {
    body: yaml,
    type: "application/yaml",
  });
  assert.match(expect(doubled, 400).json.message, /already set in map|duplicate/);
});

test("small requests overtake a large one", async () => {
  const order: string[] = [];
  const note = (name: string) => (answer: Answer) => {
    order.push(name);
    return answer.status;
  };
  const path = `${base}${configMaps}`;
  const big = server.call("POST", path, { body: configMap("slow", keys(12_000)) }).then(note("large"));
  const small = server.call("GET", `${path}?limit=1`).then(note("small"));
  assert.deepEqual(await Promise.all([big, small]), [201, 200]);
  assert.deepEqual(order, ["small", "large"]);
});

test("changes of one object by both threads are all kept", async () => {
  const path = `${base}${configMaps}`;
  expect(await server.call("POST", path, { body: configMap("both", {}) }), 201);
  const merge = "application/merge-patch+json";
  // Each body is large, what is kept of it small.
  const padding = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`none-${i}`, null]));
  const patches = Array.from({ length: 16 }, (_, i) => ({
    data: { [`k${i}`]: "x", ...(i % 2 === 0 ? padding : {}) },
  }));
  const answers = await Promise.all(
    patches.map((body) => server.call("PATCH", `${path}/both`, { body, type: merge })),
  );
  for (const answer of answers) expect(answer, 200);
  const { data } = (await server.call("GET", `${path}/both`)).json;
  assert.equal(Object.keys(data).length, 16);
});

test("quota is charged, and webhooks are called", async () => {
  const space = `/clusters/${await server.workspace("charged", { type: "kubernetes" })}`;
  const quota = { metadata: { name: "q" }, spec: { hard: { "count/configmaps": "3" } } };
  expect(
    await server.call("POST", `${space}/api/v1/namespaces/default/resourcequotas`, { body: quota }),
    201,
  );
  await using hook = await startWebhookServer(({ body }) => ({
    ...body,
    response: {
      uid: (body.request as { uid: string }).uid,
      allowed: true,
      patchType: "JSONPatch",
      patch: Buffer.from('[{"op":"add","path":"/data/hook","value":"was here"}]').toString("base64"),
    },
  }));
  const made = await server.call(
    "POST",
    `${space}/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations`,
    {
      body: {
        metadata: { name: "w" },
        webhooks: [
          {
            name: "w.example.com",
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
            clientConfig: { url: hook.url, caBundle: hook.caBundle },
            rules: [
              { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
            ],
          },
        ],
      },
    },
  );
  expect(made, 201);
  const create = (name: string) =>
    server.call("POST", space + configMaps, { body: configMap(name, keys(large)) });
  const first = expect(await create("a"), 201);
  assert.equal(first.json.data.hook, "was here");
  // kube-root-ca.crt is the third.
  expect(await create("b"), 201);
  assert.match(expect(await create("c"), 403).json.message, /exceeded quota: q/);
});

test("a client that goes away ends its own request only", async () => {
  const session = server.connect();
  const body = Buffer.from(JSON.stringify(configMap("gone", keys(12_000))));
  const path = `${base}${configMaps}`;
  const streams = Array.from({ length: 20 }, () => {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    stream.on("error", () => undefined);
    stream.end(body);
    return stream;
  });
  const stays = server.call("POST", path, { body: configMap("stays", keys(large)) });
  for (const stream of streams) stream.close();
  session.destroy();
  expect(await stays, 201);
});

test("a server that closes does not wait for it", async () => {
  const other = await startLiveServer();
  const space = `/clusters/${await other.workspace("w")}`;
  const pending = other
    .call("POST", space + configMaps, { body: configMap("late", keys(12_000)) })
    .catch((error: unknown) => error);
  await other.call("GET", `${space}${configMaps}?limit=1`);
  await other.close();
  assert.ok(await pending);
  assert.deepEqual(other.bugs, []);
});
