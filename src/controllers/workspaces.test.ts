import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { prefixRange } from "#storage/port.ts";
import { PathResolver } from "#workspaces/resolve-path.ts";
import {
  configMap,
  makeTestRegistry,
  rootCluster,
  type TestRegistry,
  testRequester,
} from "./testing/test-registry.ts";

let test_: TestRegistry;
before(async () => {
  test_ = await makeTestRegistry();
});
after(() => test_.close());

const remove = (resource: string, group: string, cluster: ClusterName, name: string) =>
  test_.registry.delete({
    resource: test_.registry.mustResource({ group, resource }),
    cluster,
    namespace: "",
    name,
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });

function keysOf(cluster: string): string[] {
  const keys: string[] = [];
  test_.store.visit(prefixRange("/registry/"), undefined, (key) => {
    if (key.includes(`/${cluster}/`)) keys.push(key);
  });
  return keys;
}

test("a fresh workspace is whole when its creation returns, and small", async () => {
  const before_ = test_.store.current();
  const cluster = await test_.createWorkspace(rootCluster, "fresh");
  const keys = keysOf(cluster);
  assert.deepEqual(
    keys.map((key) => key.replace(cluster, "C")),
    [
      "/registry/core.kcp.io/logicalclusters/C/cluster",
      "/registry/core/configmaps/C/default/kube-root-ca.crt",
      "/registry/core/configmaps/C/kube-system/kube-root-ca.crt",
      "/registry/core/namespaces/C/default",
      "/registry/core/namespaces/C/kube-system",
      "/registry/core/serviceaccounts/C/default/default",
      "/registry/core/serviceaccounts/C/kube-system/default",
      "/registry/rbac.authorization.k8s.io/clusterrolebindings/C/workspace-admin",
    ],
  );
  assert.equal(test_.store.current() - before_, keys.length + 1, "one change each, and the Workspace");
  let bytes = 0;
  for (const key of keys) {
    bytes += key.length + test_.store.get(key as never)!.value.length;
  }
  assert.ok(bytes <= 4_096, `${bytes} bytes`);
});

test("paths resolve hop by hop, and unknown ones to nothing", async () => {
  const resolver = new PathResolver(test_.store);
  const org = await test_.createWorkspace(rootCluster, "org");
  const team = await test_.createWorkspace(org, "team");
  assert.equal(resolver.resolve("root:org:team"), team);
  assert.equal(resolver.resolve(`${org}:team`), team);
  assert.equal(resolver.resolve(team), team);
  assert.equal(resolver.resolve("root:org:nobody"), undefined);
  assert.equal(resolver.resolve("root:org:../team"), undefined);
  assert.equal(resolver.resolve(""), undefined);
  assert.equal(test_.registry.tenants.get(team)?.path, "root:org:team");
});

test("deleting a workspace removes its whole tree and nothing else", async () => {
  const top = await test_.createWorkspace(rootCluster, "tree");
  const others = await test_.createWorkspace(rootCluster, "tree2");
  const clusters = [top];
  for (let i = 0; i < 5; i++) {
    const child = await test_.createWorkspace(top, `c${i}`);
    clusters.push(child, await test_.createWorkspace(child, "leaf"));
  }
  for (let i = 0; i < 250; i++) await test_.create(top, "configmaps", "default", configMap(`many-${i}`));
  await test_.create(others, "configmaps", "default", configMap("stays"));
  await remove("workspaces", "tenancy.kcp.io", rootCluster, "tree");
  await test_.settled();
  for (const cluster of clusters) assert.deepEqual(keysOf(cluster), []);
  assert.equal(test_.store.revisionOf("/registry/tenancy.kcp.io/workspaces/root/tree" as never), 0);
  assert.ok(keysOf(others).length > 8);
  for (const cluster of clusters) assert.deepEqual(test_.store.tenantCounts(cluster), []);
});

test("a finalizer in a workspace holds the workspace until it is removed", async () => {
  const cluster = await test_.createWorkspace(rootCluster, "held");
  await test_.create(
    cluster,
    "configmaps",
    "default",
    configMap("holder", {}, { finalizers: ["example.com/hold"] }),
  );
  await remove("workspaces", "tenancy.kcp.io", rootCluster, "held");
  await test_.settled();
  assert.deepEqual(
    keysOf(cluster).map((key) => key.split("/").at(-1)),
    ["cluster", "holder"],
  );
  await assert.rejects(
    test_.create(cluster, "configmaps", "default", configMap("late")),
    (error: unknown) => {
      assert.ok(error instanceof StatusError);
      return error.code === 403 || error.code === 404;
    },
  );
  await test_.registry.update({
    resource: test_.registry.mustResource({ group: "", resource: "configmaps" }),
    version: "v1",
    cluster,
    namespace: "default",
    name: "holder",
    subresource: "",
    dryRun: false,
    requester: testRequester,
    transform: (current): KubeObject => ({ ...current!, metadata: { ...current!.metadata, finalizers: [] } }),
  });
  await test_.settled();
  assert.deepEqual(keysOf(cluster), []);
  assert.equal(test_.store.revisionOf("/registry/tenancy.kcp.io/workspaces/root/held" as never), 0);
});

test("namespaces are born with their content, get it back, and go with it", async () => {
  const cluster = await test_.createWorkspace(rootCluster, "namespaces");
  const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns" } };
  await test_.create(cluster, "namespaces", "", namespace);
  const own = () => keysOf(cluster).filter((key) => key.includes("/ns/"));
  assert.equal(own().length, 2);
  const configMaps = test_.registry.mustResource({ group: "", resource: "configmaps" });
  await test_.registry.delete({
    resource: configMaps,
    cluster,
    namespace: "ns",
    name: "kube-root-ca.crt",
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });
  await test_.settled();
  assert.equal(own().length, 2, "the root CA is back");
  await test_.create(cluster, "configmaps", "ns", configMap("mine"));
  const { gone } = await remove("namespaces", "", cluster, "ns");
  assert.equal(gone, false);
  await test_.settled();
  assert.deepEqual(own(), []);
  assert.equal(test_.store.revisionOf(`/registry/core/namespaces/${cluster}/ns` as never), 0);
});

test("the namespaces that every workspace needs cannot be deleted", async () => {
  await assert.rejects(remove("namespaces", "", rootCluster, "default"), /this namespace may not be deleted/);
});

test("a workspace of a type that nobody knows, or with a reserved name, is refused", async () => {
  const workspace = (name: string, spec = {}): KubeObject => ({
    apiVersion: "tenancy.kcp.io/v1alpha1",
    kind: "Workspace",
    metadata: { name },
    spec,
  });
  const create = (object: KubeObject) => test_.create(rootCluster, "workspaces.tenancy.kcp.io", "", object);
  await assert.rejects(
    create(workspace("x", { type: { name: "nosuch", path: "root" } })),
    /workspace type not found/,
  );
  await assert.rejects(create(workspace("system")), /reserved/);
  await assert.rejects(create(workspace("UPPER")), /RFC 1123 label/);
});

test("a workspace with more children than one step looks at goes as well, and nothing starves meanwhile", async () => {
  const top = await test_.createWorkspace(rootCluster, "wide");
  for (let i = 0; i < 1_200; i++) await test_.createWorkspace(top, `child-${i}`);
  await remove("workspaces", "tenancy.kcp.io", rootCluster, "wide");
  await test_.settled();
  assert.deepEqual(keysOf(top), []);
  assert.equal(test_.store.revisionOf("/registry/tenancy.kcp.io/workspaces/root/wide" as never), 0);
});
