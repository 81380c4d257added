/**
 * The controller of definitions dies at any of its writes and is started again, by another process as it were: whatever was
 * done, the definition and its objects are gone in the end, and nothing else is.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { systemClock } from "#base/clock.ts";
import { nameClaims } from "#crds/claims.ts";
import { customSchemaCompiler, schemaContext } from "#crds/compiled-schemas.ts";
import { definitionRules } from "#crds/definition-rules.ts";
import { definitionStrategy } from "#crds/definition-strategy.ts";
import { Definitions } from "#crds/definitions.ts";
import { customResourceDefinitions } from "#crds/types.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { type ClusterName, rootCluster } from "#registry/cluster-name.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { Registry } from "#registry/registry.ts";
import { defaultServiceRanges } from "#registry/services/service-ranges.ts";
import { builtinStrategies } from "#registry/strategies/builtin.ts";
import type { Strategy } from "#registry/strategy.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import { type Store, StoreUnavailableError, type Txn } from "#storage/port.ts";
import { bootstrapWorkspaces } from "#workspaces/bootstrap.ts";
import { logicalClusterStrategy } from "#workspaces/logical-cluster-strategy.ts";
import { namespaceStrategy } from "#workspaces/namespace-strategy.ts";
import { definitionController } from "./definition-controller.ts";
import { ControllerManager } from "./manager.ts";
import { testRequester } from "./testing/test-registry.ts";

const compiler = new TypeCompiler(loadCatalogue());
const schemas = schemaContext(compiler);
const noConversion = {
  client: { post: () => Promise.reject(new Error("no webhooks here")) },
  makeUid: () => "",
};

/**
 * What one process has: a registry and the controller's options, on a store that it shares with the others. `isBlind`: it sees
 * nothing of what others define.
 */
function processOn(store: Store, { isBlind = false, clock = systemClock } = {}) {
  const definitions = new Definitions({
    store,
    compile: customSchemaCompiler(schemas),
    conversion: noConversion,
  });
  const unclaimed = { resource: () => false, kind: () => false };
  const claims = (cluster: ClusterName, of: string) =>
    isBlind ? unclaimed : nameClaims(store, cluster, of, []);
  const registry = new Registry({
    store,
    clock,
    randomBytes,
    custom: definitions,
    resources: kubernetesResources(),
    strategies: builtinStrategies(
      new Map<string, Strategy>([
        ["/namespaces", namespaceStrategy(() => "")],
        ["core.kcp.io/logicalclusters", logicalClusterStrategy],
        [
          "apiextensions.k8s.io/customresourcedefinitions",
          definitionStrategy(claims, definitionRules(schemas)),
        ],
      ]),
    ),
  });
  const isTerminating = (cluster: ClusterName, of: string): boolean =>
    definitions.definition(cluster, of)?.isTerminating === true;
  return { registry, controller: definitionController({ registry, claims, isTerminating }) };
}

const definition = (plural: string, kind: string): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural, kind },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
});

async function fill({ registry }: ReturnType<typeof processOn>, plural: string, kind: string, count: number) {
  const base = { cluster: rootCluster, dryRun: false, requester: testRequester };
  const resource = registry.mustResource(customResourceDefinitions);
  await registry.create({ ...base, resource, namespace: "", object: definition(plural, kind) });
  const custom = registry.resourceIn(rootCluster, { group: "example.com", resource: plural })!;
  for (let i = 0; i < count; i++) {
    const object = { apiVersion: "example.com/v1", kind, metadata: { name: `o${i}` } };
    await registry.create({ ...base, resource: custom, namespace: "default", object });
  }
  return custom.collection;
}

/** Runs the controller until it has nothing to do, or until its process "dies": from then on its writes fail. */
async function run(store: Store, dies: () => boolean): Promise<void> {
  const dying: Store = new Proxy(store, {
    get(target, name) {
      if (name === "commit")
        return (txn: Txn) =>
          dies() ? Promise.reject(new StoreUnavailableError("dead")) : target.commit(txn);
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { registry, controller } = processOn(dying);
  let dead = false;
  const manager = new ControllerManager({
    registry,
    clock: systemClock,
    controllers: [controller],
    onError: () => {
      dead = true;
    },
  });
  manager.start();
  for (let quiet = 0; quiet < 5 && !dead; ) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = manager.pending === 0 && manager.observed >= store.current() ? quiet + 1 : 0;
  }
  await manager.close();
}

const bootstrap = { externalUrl: "https://example.test", caPem: "", serviceRanges: defaultServiceRanges };

test("a controller that dies at any write is made good for by the next one", async () => {
  for (let survived = 0; survived < 8; survived++) {
    const store = openMemoryStore({ keySpace: registryKeySpace });
    const first = processOn(store);
    await bootstrapWorkspaces(first.registry, bootstrap);
    const going = await fill(first, "goings", "Going", 250);
    const staying = await fill(first, "stayings", "Staying", 3);
    const resource = first.registry.mustResource(customResourceDefinitions);
    const of = { resource, cluster: rootCluster, namespace: "", name: "goings.example.com" };
    const gone = await first.registry.delete({
      ...of,
      preconditions: {},
      dryRun: false,
      requester: testRequester,
    });
    assert.equal(gone.gone, false);

    let writes = 0;
    await run(store, () => writes++ >= survived);
    await run(store, () => false);
    assert.equal(store.count(going), 0, `after ${survived} writes`);
    assert.equal(store.count(staying), 3);
    assert.equal(store.count(resource.collection, rootCluster), 1);
    await store.close();
  }
});

test("of two that were made at the same moment the younger gives its names back, whichever is stored first", async () => {
  for (const order of [
    ["older", "younger"],
    ["younger", "older"],
  ] as const) {
    const store = openMemoryStore({ keySpace: registryKeySpace });
    const { registry, controller } = processOn(store);
    await bootstrapWorkspaces(registry, bootstrap);
    const resource = registry.mustResource(customResourceDefinitions);
    const process = async (name: string) => controller.process(`names/${rootCluster}/${name}s.example.com`);
    const isAccepted = async (name: string): Promise<boolean> => {
      const at = { cluster: rootCluster, namespace: "", name: `${name}s.example.com` };
      const { object } = await registry.get({ resource, ...at, freshness: { kind: "any" } });
      return (object.status as { acceptedNames: { kind: string } }).acceptedNames.kind === "Same";
    };
    for (const name of order) {
      const clock = { ...systemClock, now: () => Date.UTC(2026, 0, name === "older" ? 1 : 2) };
      await fill(processOn(store, { isBlind: true, clock }), `${name}s`, "Same", 0);
      assert.ok(await isAccepted(name));
      await process(name);
    }
    assert.deepEqual([await isAccepted("older"), await isAccepted("younger")], [true, false]);
    await store.close();
  }
});
