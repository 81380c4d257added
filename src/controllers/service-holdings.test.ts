import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { listRange } from "#registry/keys.ts";
import { nodePortCollection } from "#registry/services/held-keys.ts";
import { makeTestRegistry, rootCluster, testRequester } from "./testing/test-registry.ts";

const serviceRanges = {
  addresses: ["10.0.0.0/28", "fd00::/124"],
  nodePorts: { first: 30_000, last: 30_011 },
};

interface Step {
  readonly name: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName" | undefined;
  readonly clusterIP: string | undefined;
  readonly nodePort: number | undefined;
  readonly policy: string;
}

const steps = fc.array(
  fc.record({
    name: fc.constantFrom(..."abcdefghijklmnop"),
    // Undefined: it is deleted.
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "NodePort", undefined),
    clusterIP: fc.constantFrom(undefined, undefined, undefined, "None", "10.0.0.1", "10.0.0.2", "fd00::3"),
    nodePort: fc.constantFrom(undefined, undefined, 30_000, 30_001),
    policy: fc.constantFrom("SingleStack", "PreferDualStack"),
  }) satisfies fc.Arbitrary<Step>,
  { minLength: 20, maxLength: 60 },
);

const specOf = ({ type, clusterIP, nodePort, policy }: Step): object =>
  type === "ExternalName"
    ? { type, externalName: "a.b" }
    : {
        type,
        ports: [
          { port: 80, protocol: "TCP", ...(type !== "ClusterIP" && nodePort !== undefined && { nodePort }) },
        ],
        ...(clusterIP !== undefined && { clusterIP }),
        ipFamilyPolicy: policy,
        ...(type === "LoadBalancer" && { externalTrafficPolicy: "Local" }),
      };

interface Spec {
  readonly type: string;
  readonly clusterIPs?: readonly string[];
  readonly ports?: readonly { readonly nodePort?: number }[];
  readonly healthCheckNodePort?: number;
}

test("whatever is done to Services at once, no two have the same address or port, and what nobody has is free", async () => {
  const world = await makeTestRegistry({ serviceRanges });
  const { registry, store } = world;
  const services = registry.mustResource({ group: "", resource: "services" });
  const addresses = registry.mustResource({ group: "networking.k8s.io", resource: "ipaddresses" });
  let runs = 0;
  const namesIn = (
    collection: string,
    cluster: Awaited<ReturnType<typeof world.createWorkspace>>,
  ): string[] => {
    const names: string[] = [];
    store.visit(
      listRange(collection, cluster, ""),
      undefined,
      (key) => void names.push(key.split("/").at(-1)!),
    );
    return names.sort();
  };
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const cluster = await world.createWorkspace(rootCluster, `w${runs++}`, "kubernetes");
        const at = {
          resource: services,
          cluster,
          namespace: "default",
          dryRun: false,
          requester: testRequester,
        };
        const run = async (step: Step): Promise<void> => {
          try {
            if (step.type === undefined) await registry.delete({ ...at, name: step.name, preconditions: {} });
            else
              await registry.update({
                ...at,
                name: step.name,
                version: "v1",
                subresource: "",
                transform: (): KubeObject => ({
                  apiVersion: "v1",
                  kind: "Service",
                  metadata: { name: step.name },
                  spec: specOf(step),
                }),
              });
          } catch (error) {
            // Missing, taken, contradictory, or all are taken.
            if (!(error instanceof StatusError) || ![404, 422, 500].includes(error.code)) throw error;
            if (error.code === 500) assert.match(error.message, /range is full|already allocated/);
          }
        };
        for (let i = 0; i < all.length; i += 10) {
          await Promise.all(all.slice(i, i + 10).map(run));
          const held: string[] = [];
          const ports: string[] = [];
          store.visit(listRange(services.collection, cluster, ""), undefined, (_key, value) => {
            const { spec } = JSON.parse(value.toString("utf8")) as { spec: Spec };
            held.push(...(spec.clusterIPs ?? []).filter((ip) => ip !== "None"));
            if (spec.type === "ClusterIP") return;
            for (const { nodePort = 0 } of spec.ports ?? []) if (nodePort !== 0) ports.push(String(nodePort));
            if (spec.healthCheckNodePort !== undefined) ports.push(String(spec.healthCheckNodePort));
          });
          assert.deepEqual(held.sort(), namesIn(addresses.collection, cluster));
          assert.deepEqual(ports.sort(), namesIn(nodePortCollection, cluster));
        }
      }),
      { numRuns: 40 },
    );
    await world.settled();
  } finally {
    await world.close();
  }
});

test("all addresses of a range are given out when all ask at once, each to one", async () => {
  const world = await makeTestRegistry({
    serviceRanges: { addresses: ["10.0.0.0/26"], nodePorts: { first: 1, last: 2 } },
  });
  try {
    const cluster = await world.createWorkspace(rootCluster, "w", "kubernetes");
    const made = await Promise.all(
      Array.from({ length: 62 }, (_, i) =>
        world.create(cluster, "services", "default", {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: `s${i}` },
          spec: { ports: [{ port: 80, protocol: "TCP" }] },
        }),
      ),
    );
    assert.equal(new Set(made.map(({ spec }) => (spec as { clusterIP: string }).clusterIP)).size, 62);
  } finally {
    await world.close();
  }
});
