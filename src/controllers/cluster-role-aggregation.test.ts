import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { objectKey } from "#registry/keys.ts";
import { makeTestRegistry, rootCluster, type TestRegistry, testRequester } from "./testing/test-registry.ts";

let world: TestRegistry;
let cluster: ClusterName;
let workspaces = 0;
before(async () => {
  world = await makeTestRegistry();
});
beforeEach(async () => {
  cluster = await world.createWorkspace(rootCluster, `roles-${workspaces++}`);
});
after(() => world.close());

const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const role = (name: string, more: object, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name, labels },
  rules: [],
  ...more,
});
const create = (object: KubeObject) =>
  world.create(cluster, "clusterroles.rbac.authorization.k8s.io", "", object);
const resource = () =>
  world.registry.mustResource({ group: "rbac.authorization.k8s.io", resource: "clusterroles" });
async function rulesOf(name: string): Promise<unknown> {
  await world.settled();
  const entry = world.store.get(objectKey(resource().collection, { cluster, namespace: "", name }));
  return (JSON.parse(entry!.value.toString("utf8")) as KubeObject).rules;
}
const selecting = (...matchLabels: Record<string, string>[]) => ({
  aggregationRule: { clusterRoleSelectors: matchLabels.map((labels) => ({ matchLabels: labels })) },
});

test("rules come from the roles that are selected, by name, each once, without those of its own", async () => {
  await create(role("b", { rules: [rule("pods"), rule("secrets")] }, { to: "sum" }));
  await create(role("a", { rules: [rule("services"), rule("pods")] }, { to: "sum" }));
  await create(role("other", { rules: [rule("nodes")] }));
  await create(role("sum", { ...selecting({ to: "sum" }), rules: [rule("events")] }, { to: "sum" }));
  assert.deepEqual(await rulesOf("sum"), [rule("services"), rule("pods"), rule("secrets")]);
  await world.registry.delete({
    resource: resource(),
    cluster,
    namespace: "",
    name: "a",
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });
  assert.deepEqual(await rulesOf("sum"), [rule("pods"), rule("secrets")]);
});

test("aggregates of aggregates follow, in any order; other workspaces' roles do not count", async () => {
  await create(role("top", selecting({ to: "top" })));
  await create(role("middle", selecting({ to: "middle" }, { also: "middle" }), { to: "top" }));
  await create(role("one", { rules: [rule("pods")] }, { to: "middle" }));
  await create(role("two", { rules: [rule("nodes")] }, { also: "middle" }));
  const own = cluster;
  cluster = await world.createWorkspace(rootCluster, "stranger");
  await create(role("foreign", { rules: [rule("secrets")] }, { to: "middle" }));
  cluster = own;
  assert.deepEqual(await rulesOf("top"), [rule("pods"), rule("nodes")]);
});

test("what was missed is found by looking at everything", async () => {
  await create(role("part", { rules: [rule("pods")] }, { to: "all" }));
  await create(role("whole", { aggregationRule: { clusterRoleSelectors: [{}] } }));
  await world.settled();
  const { clusterRoleAggregation } = await import("./cluster-role-aggregation.ts");
  const items: string[] = [];
  const controller = clusterRoleAggregation(world.registry);
  controller.resync((item) => items.push(item));
  for (const item of items) await controller.process(item);
  assert.deepEqual(await rulesOf("whole"), [rule("pods")]);
});
