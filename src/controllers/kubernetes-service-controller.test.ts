import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { objectKey } from "#registry/keys.ts";
import { kubernetesServiceContent } from "#workspaces/kubernetes-service.ts";
import { makeTestRegistry, rootCluster, type TestRegistry, testRequester } from "./testing/test-registry.ts";

let world: TestRegistry;
let cluster: ClusterName;
before(async () => {
  world = await makeTestRegistry();
  cluster = await world.createWorkspace(rootCluster, "whole", "kubernetes");
});
after(() => world.close());

const find = (name: string) => {
  const [resource = "", group = ""] = name.split(/\.(.*)/s);
  return world.registry.mustResource({ group, resource });
};
const at = (of = cluster) => ({ cluster: of, namespace: "default", name: "kubernetes" });
async function read(name: string, of = cluster): Promise<KubeObject | undefined> {
  await world.settled();
  const entry = world.store.get(objectKey(find(name).collection, at(of)));
  return entry === undefined ? undefined : (JSON.parse(entry.value.toString("utf8")) as KubeObject);
}
const remove = (name: string) =>
  world.registry.delete({
    resource: find(name),
    ...at(),
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });
const port = { name: "https", port: 443, protocol: "TCP" };

test("a workspace of type kubernetes is born with its Service and slice; others are not", async () => {
  const service = await read("services");
  assert.deepEqual((service!.spec as { ports: unknown }).ports, [{ ...port, targetPort: 443 }]);
  const slice = await read("endpointslices.discovery.k8s.io");
  assert.deepEqual([slice?.addressType, slice?.ports], ["FQDN", [port]]);
  assert.deepEqual(slice?.endpoints, [{ addresses: ["example.test"], conditions: { ready: true } }]);
  assert.equal(await read("endpoints"), undefined);
  const other = await world.createWorkspace(rootCluster, "plain");
  assert.equal(await read("services", other), undefined);
});

test("what is removed or changed is put back; what is added stays", async () => {
  await remove("services");
  await remove("endpointslices.discovery.k8s.io");
  assert.ok((await read("services")) !== undefined);
  assert.ok((await read("endpointslices.discovery.k8s.io")) !== undefined);
  await world.registry.update({
    resource: find("services"),
    version: "v1",
    ...at(),
    subresource: "",
    dryRun: false,
    requester: testRequester,
    transform: (current) => ({
      ...current!,
      metadata: { ...current!.metadata, labels: { mine: "yes" } },
      spec: { ...(current!.spec as object), ports: [{ name: "x", port: 1, protocol: "TCP", targetPort: 1 }] },
    }),
  });
  const service = await read("services");
  assert.deepEqual(service?.metadata.labels, { mine: "yes", component: "apiserver", provider: "kubernetes" });
  assert.deepEqual((service!.spec as { ports: unknown }).ports, [{ ...port, targetPort: 443 }]);
});

test("a slice of another kind of addresses is replaced", async () => {
  // Quicker than the controller: the server's own comes back only when somebody removes it.
  await world.registry.delete({
    resource: find("endpointslices.discovery.k8s.io"),
    ...at(),
    preconditions: {},
    dryRun: false,
    requester: testRequester,
  });
  await world.registry
    .create({
      resource: find("endpointslices.discovery.k8s.io"),
      cluster,
      namespace: "default",
      object: {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "kubernetes" },
        addressType: "IPv6",
        endpoints: [{ addresses: ["2001:db8::1"] }],
        ports: [],
      },
      dryRun: false,
      requester: testRequester,
    })
    .catch(() => undefined);
  assert.equal((await read("endpointslices.discovery.k8s.io"))?.addressType, "FQDN");
});

test("an address of the server is an endpoint as well", () => {
  const [service, slice, endpoints] = kubernetesServiceContent(
    cluster,
    "https://[2001:db8::1]:6443/clusters/root",
  );
  assert.deepEqual((service!.object.spec as { ipFamilies: unknown }).ipFamilies, ["IPv6"]);
  assert.equal(slice?.object.addressType, "IPv6");
  assert.deepEqual(endpoints?.object.subsets, [
    { addresses: [{ ip: "2001:db8::1" }], ports: [{ name: "https", port: 6443, protocol: "TCP" }] },
  ]);
});
