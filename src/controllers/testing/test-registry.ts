/** A registry on the memory store with all strategies, and the controllers, without a server around it. */

import { randomBytes } from "node:crypto";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import { type Clock, systemClock } from "#base/clock.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { type ClusterName, rootCluster } from "#registry/cluster-name.ts";
import type { Elsewhere } from "#registry/elsewhere.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { Registry } from "#registry/registry.ts";
import { serviceHoldings } from "#registry/services/holdings.ts";
import { defaultServiceRanges, type ServiceRanges } from "#registry/services/service-ranges.ts";
import { builtinStrategies } from "#registry/strategies/builtin.ts";
import { ownStrategies } from "#registry/strategies/own.ts";
import { serviceStrategyWith } from "#registry/strategies/plain-kinds.ts";
import type { Requester, Strategy } from "#registry/strategy.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import type { Store } from "#storage/port.ts";
import { bootstrapWorkspaces } from "#workspaces/bootstrap.ts";
import { logicalClusterStrategy } from "#workspaces/logical-cluster-strategy.ts";
import { namespaceStrategy } from "#workspaces/namespace-strategy.ts";
import { workspaceStrategy } from "#workspaces/workspace-strategy.ts";
import { clusterRoleAggregation } from "../cluster-role-aggregation.ts";
import { garbageCollector } from "../garbage-collector.ts";
import { kubernetesServiceController } from "../kubernetes-service-controller.ts";
import { ControllerManager } from "../manager.ts";
import { namespaceContentController } from "../namespace-content-controller.ts";
import { namespaceController } from "../namespace-controller.ts";
import { serviceAddressController } from "../service-address-controller.ts";
import { workspaceController } from "../workspace-controller.ts";

export const testRequester: Requester = {
  user: { name: "tester", uid: "", groups: ["system:masters"], extra: {} },
};

export interface TestRegistry {
  readonly registry: Registry;
  readonly store: Store;
  readonly controllers: ControllerManager;
  create(cluster: ClusterName, resource: string, namespace: string, object: KubeObject): Promise<KubeObject>;
  createWorkspace(parent: ClusterName, name: string, type?: string): Promise<ClusterName>;
  /** Resolves when controllers have nothing left to do. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function makeTestRegistry(
  options: { clock?: Clock; store?: Store; elsewhere?: Elsewhere; serviceRanges?: ServiceRanges } = {},
): Promise<TestRegistry> {
  const serviceRanges = options.serviceRanges ?? defaultServiceRanges;
  const store = options.store ?? openMemoryStore({ keySpace: registryKeySpace });
  const clock = options.clock ?? systemClock;
  // As long as the server's own.
  const caPem = () =>
    `-----BEGIN CERTIFICATE-----\n${`${"x".repeat(64)}\n`.repeat(8)}${"x".repeat(28)}\n-----END CERTIFICATE-----\n`;
  const infos = new Map(
    [...kubernetesResources(), ...universalResources()].map((info) => [
      `${info.group}/${info.resource}`,
      info,
    ]),
  );
  const registry: Registry = new Registry({
    store,
    clock,
    randomBytes,
    resources: [...infos.values()],
    elsewhere: options.elsewhere,
    strategies: builtinStrategies(
      new Map<string, Strategy>([
        ...ownStrategies,
        ["/namespaces", namespaceStrategy(caPem)],
        ["/services", serviceStrategyWith(serviceHoldings(store, serviceRanges))],
        ["core.kcp.io/logicalclusters", logicalClusterStrategy],
        [
          "tenancy.kcp.io/workspaces",
          workspaceStrategy({
            tenant: (cluster) => registry.tenants.get(cluster),
            externalUrl: () => "https://example.test",
            caPem,
            serviceRanges,
          }),
        ],
      ]),
    ),
  });
  await bootstrapWorkspaces(registry, {
    externalUrl: "https://example.test",
    caPem: caPem(),
    serviceRanges,
  });
  const errors: unknown[] = [];
  const controllers = new ControllerManager({
    registry,
    clock,
    controllers: [
      namespaceController(registry),
      workspaceController(registry),
      namespaceContentController(registry, caPem),
      garbageCollector(registry),
      clusterRoleAggregation(registry),
      serviceAddressController(registry),
      kubernetesServiceController(registry, () => "https://example.test", serviceRanges),
    ],
    onError: (controller, item, error) => errors.push([controller, item, error]),
  });
  controllers.start();
  const find = (name: string) => {
    const [resource = "", group = ""] = name.split(/\.(.*)/s);
    return registry.mustResource({ group, resource });
  };
  const create = async (cluster: ClusterName, resource: string, namespace: string, object: KubeObject) => {
    const request = {
      resource: find(resource),
      cluster,
      namespace,
      object,
      dryRun: false,
      requester: testRequester,
    };
    return (await registry.create(request)).object;
  };
  return {
    registry,
    store,
    controllers,
    create,
    async createWorkspace(parent, name, type) {
      const object: KubeObject = {
        apiVersion: "tenancy.kcp.io/v1alpha1",
        kind: "Workspace",
        metadata: { name },
        ...(type !== undefined && { spec: { type: { name: type, path: "root" } } }),
      };
      const created = await create(parent, "workspaces.tenancy.kcp.io", "", object);
      return (created.spec as { cluster: ClusterName }).cluster;
    },
    async settled() {
      // Quiet means: everything written was looked at, and nothing is queued; twice, because work writes.
      for (let quiet = 0; quiet < 3; ) {
        await new Promise((resolve) => setImmediate(resolve));
        if (errors.length > 0) throw new Error("a controller failed", { cause: errors[0] });
        quiet = controllers.pending === 0 && controllers.observed >= store.current() ? quiet + 1 : 0;
      }
    },
    async close() {
      await controllers.close();
      await store.close();
    },
  };
}

export { rootCluster };

export const configMap = (
  name: string,
  data: Record<string, string> = {},
  more: Partial<KubeObject["metadata"]> = {},
): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...more },
  data,
});
