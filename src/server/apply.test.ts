import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ManagedFieldsEntry } from "#machinery/apply/managed.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";

const applyType = "application/apply-patch+yaml";

describe("server-side apply", () => {
  let server: LiveServer;
  let base: string;
  before(async () => {
    server = await startLiveServer();
    const cluster = await server.workspace("apply", { type: "kubernetes" });
    base = `/clusters/${cluster}`;
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.bugs, []);
  });

  const at = (resource: string, name: string): string =>
    `${base}/${resource.includes("/") ? `apis/${resource.slice(0, resource.lastIndexOf("/"))}` : "api/v1"}/namespaces/default/${resource.slice(resource.lastIndexOf("/") + 1)}/${name}`;

  const apply = (
    path: string,
    body: unknown,
    options: { manager?: string; force?: boolean; query?: string } = {},
  ): Promise<Answer> => {
    const { manager = "tester", force = false, query = "" } = options;
    return server.call("PATCH", `${path}?fieldManager=${manager}&force=${force}${query}`, {
      body,
      type: applyType,
    });
  };

  const managed = (answer: Answer): ManagedFieldsEntry[] =>
    (answer.json.metadata.managedFields ?? []) as ManagedFieldsEntry[];
  const owners = (answer: Answer): [string, string, unknown][] =>
    managed(answer).map(({ manager, operation, fieldsV1 }) => [manager!, operation!, fieldsV1]);

  const configMap = (name: string, data: Record<string, string>, more: object = {}): object => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...more },
    data,
  });

  it("creates, says who owns what, and writes nothing when nothing changes", async () => {
    const path = at("configmaps", "one");
    const created = await apply(path, configMap("one", { a: "1", b: "2" }, { labels: { app: "x" } }));
    assert.equal(created.status, 201, created.text);
    assert.deepEqual(owners(created), [
      [
        "tester",
        "Apply",
        { "f:data": { "f:a": {}, "f:b": {} }, "f:metadata": { "f:labels": { "f:app": {} } } },
      ],
    ]);
    const [entry] = managed(created);
    assert.match(entry!.time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(entry!.fieldsType, "FieldsV1");
    const again = await apply(path, configMap("one", { a: "1", b: "2" }, { labels: { app: "x" } }));
    assert.equal(again.status, 200);
    assert.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
    assert.deepEqual(again.json, created.json);
    const read = await server.call("GET", path);
    assert.deepEqual(read.json, created.json);
  });

  it("removes what a manager gives up, unless somebody else owns it", async () => {
    const path = at("configmaps", "two");
    await apply(path, configMap("two", { a: "1", b: "2" }));
    await apply(path, configMap("two", { b: "2", c: "3" }), { manager: "other" });
    const answer = await apply(path, configMap("two", { c: "3" }));
    assert.deepEqual(answer.json.data, { b: "2", c: "3" });
  });

  it("refuses to change what others own, names them, and takes it by force", async () => {
    const path = at("configmaps", "three");
    await server.call("POST", path.replace(/\/three$/, "?fieldManager=creator"), {
      body: configMap("three", { a: "1", b: "1" }),
    });
    const refused = await apply(path, configMap("three", { a: "2" }));
    assert.equal(refused.status, 409);
    assert.equal(refused.json.reason, "Conflict");
    assert.equal(
      refused.json.message,
      'Apply failed with 1 conflict: conflict with "creator" using v1: .data.a',
    );
    assert.deepEqual(refused.json.details.causes, [
      { reason: "FieldManagerConflict", message: 'conflict with "creator" using v1', field: ".data.a" },
    ]);
    const many = await apply(path, configMap("three", { a: "2", b: "2" }));
    assert.equal(
      many.json.message,
      'Apply failed with 2 conflicts: conflicts with "creator" using v1:\n- .data.a\n- .data.b',
    );
    const forced = await apply(path, configMap("three", { a: "2" }), { force: true });
    assert.equal(forced.status, 200);
    assert.deepEqual(owners(forced), [
      ["tester", "Apply", { "f:data": { "f:a": {} } }],
      ["creator", "Update", { "f:data": { ".": {}, "f:b": {} } }],
    ]);
  });

  it("merges lists by their keys", async () => {
    const path = at("apps/v1/deployments", "web");
    const deployment = (image: string, more: object = {}): object => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "web", image, ...more }] },
        },
      },
    });
    const created = await apply(path, deployment("a:1", { ports: [{ containerPort: 80 }] }));
    assert.equal(created.status, 201, created.text);
    const other = await apply(
      path,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { template: { spec: { containers: [{ name: "side", image: "b:1" }] } } },
      },
      { manager: "other" },
    );
    assert.equal(other.status, 200, other.text);
    const spec = other.json.spec as unknown as { template: { spec: { containers: Json[] } } };
    assert.deepEqual(
      spec.template.spec.containers.map((container) => container.name),
      ["web", "side"],
    );
    const conflict = await apply(path, deployment("a:2"), { manager: "third" });
    assert.equal(conflict.status, 409);
    assert.match(conflict.json.message, /\.spec\.template\.spec\.containers\[name="web"\]\.image$/);
  });
});
