/** Writes that make the object that they name need the right to create it, and the verb of their request. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Authorizer } from "#authz/authorizer.ts";
import { definitionOf } from "./testing/definitions.ts";
import { type Answer, callOn, type LiveServer, startLiveServer } from "./testing/live-server.ts";

/** What alice may do, besides update and patch; the administrator may do everything. */
const rights = new Set<string>();
let late = false;
const authorizer: Authorizer = {
  authorize({ user, verb, resource, name, apiGroup }) {
    const may =
      verb === "update" || verb === "patch" || rights.has(`${verb} ${resource}.${apiGroup} ${name}`);
    const allowed = user.groups.includes("system:masters") || may;
    const decision = {
      decision: allowed ? "allow" : "no-opinion",
      reason: allowed ? "" : "not hers",
    } as const;
    return late ? Promise.resolve(decision) : decision;
  },
};

let server: LiveServer;
let session: ReturnType<LiveServer["connect"]>;
let base = "";
before(async () => {
  server = await startLiveServer({ authorizer });
  base = `/clusters/${await server.workspace("updated", { type: "kubernetes" })}`;
  const body = definitionOf();
  await server.call("POST", `${base}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`, { body });
  session = server.connect("nobody");
});
after(async () => {
  session.destroy();
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const headers = { authorization: "Bearer alice-token" };
const asAlice = (method: string, path: string, body: object, type = "application/json"): Promise<Answer> =>
  callOn(session, method, base + path, { body, headers, type });
const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l" } };
const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
const apply = "application/apply-patch+yaml";

it("a PUT of a kind that it may create", async () => {
  for (late of [false, true]) {
    const refused = await asAlice("PUT", leases, lease);
    assert.equal(refused.status, 403);
    assert.equal(
      refused.json.message,
      'leases.coordination.k8s.io "l" is forbidden: User "alice" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default": not hers',
    );
  }
  rights.add("create leases.coordination.k8s.io l");
  const made = await asAlice("PUT", leases, lease);
  assert.equal(made.status, 201);
  rights.clear();
  // Now there is one.
  assert.equal((await asAlice("PUT", leases, made.json)).status, 200);
});

it("an apply, of built-in and of custom kinds; other patches find nothing", async () => {
  const maps = "/api/v1/namespaces/default/configmaps/m";
  const widgets = "/apis/example.com/v1/namespaces/default/widgets/w";
  for (const [path, right, object] of [
    [maps, "create configmaps. m", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } }],
    [
      widgets,
      "create widgets.example.com w",
      { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" } },
    ],
  ] as const) {
    const query = "?fieldManager=alice";
    const refused = await asAlice("PATCH", path + query, object, apply);
    assert.equal(refused.status, 403);
    assert.match(refused.json.message, /^\S+ "\w" is forbidden: User "alice" cannot create resource /);
    const patched = await asAlice("PATCH", path, {}, "application/merge-patch+json");
    assert.equal(patched.status, 404);
    rights.add(right);
    assert.equal((await asAlice("PATCH", path + query, object, apply)).status, 201);
    rights.clear();
    assert.equal((await asAlice("PATCH", path + query, object, apply)).status, 200);
  }
});
