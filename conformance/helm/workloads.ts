import { createHash } from "node:crypto";
import type { Api } from "../harness/api.ts";
import { sleep } from "../harness/child.ts";

// There are no nodes and no workload controllers: workloads are data. Helm waits for what such controllers write, so
// the suite brings its own, which write every status at once and run nothing.

/** How long the loop rests between two looks, in milliseconds. */
const rest = 150;

/** A Deployment with this label, of value "false", never becomes ready. */
const readyLabel = "fake/ready";

type Item = {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation?: number;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec: Record<string, unknown> & { replicas?: number };
  status?: { observedGeneration?: number; phase?: string; conditions?: { type: string }[] };
};

/** Writes the status of workloads in one workspace until `stop` is called. Errors of single writes are tried again. */
export function fakeWorkloads(api: Api): { stop(): Promise<void> } {
  let stopped = false;
  const list = async (path: string): Promise<Item[]> =>
    ((await api.json("GET", path)).items as Item[]).filter(
      (item) => item.metadata.deletionTimestamp === undefined,
    );
  const patch = async (path: string, body: object): Promise<void> => {
    await api.send("PATCH", path, body, { "content-type": "application/merge-patch+json" });
  };
  const path = (group: string, resource: string, { metadata }: Item): string =>
    `${group}/namespaces/${metadata.namespace}/${resource}/${metadata.name}`;
  const apps = "/apis/apps/v1";

  const deployment = async (item: Item): Promise<void> => {
    const { metadata, spec } = item;
    if (item.status?.observedGeneration === metadata.generation) return;
    const template = spec.template as { metadata: { labels: Record<string, string> } };
    const selector = spec.selector as { matchLabels: Record<string, string> };
    const hash = createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 8);
    const name = `${metadata.name}-${hash}`;
    const replicas = spec.replicas ?? 1;
    const ready = metadata.labels?.[readyLabel] === "false" ? 0 : replicas;
    const withHash = (labels: Record<string, string>) => ({ ...labels, "pod-template-hash": hash });
    const sets = `${apps}/namespaces/${metadata.namespace}/replicasets`;
    await api.send("POST", sets, {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name,
        labels: withHash(template.metadata.labels),
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name: metadata.name,
            uid: metadata.uid,
            controller: true,
          },
        ],
      },
      spec: {
        replicas,
        selector: { matchLabels: withHash(selector.matchLabels) },
        template: {
          ...template,
          metadata: { ...template.metadata, labels: withHash(template.metadata.labels) },
        },
      },
    });
    await patch(`${sets}/${name}`, { spec: { replicas } });
    const set = (await api.json("GET", `${sets}/${name}`)) as Item;
    await patch(`${sets}/${name}/status`, {
      status: {
        observedGeneration: set.metadata.generation,
        ...{ replicas, fullyLabeledReplicas: replicas, readyReplicas: ready, availableReplicas: ready },
      },
    });
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const condition = (type: string, holds: boolean, reason: string) => ({
      ...{ type, status: holds ? "True" : "False", reason, message: "faked" },
      ...{ lastUpdateTime: now, lastTransitionTime: now },
    });
    await patch(`${path(apps, "deployments", item)}/status`, {
      status: {
        observedGeneration: metadata.generation,
        ...{ replicas, updatedReplicas: replicas, readyReplicas: ready, availableReplicas: ready },
        unavailableReplicas: ready === replicas ? null : replicas - ready,
        conditions: [
          condition("Available", ready === replicas, "MinimumReplicasAvailable"),
          condition("Progressing", true, ready === replicas ? "NewReplicaSetAvailable" : "ReplicaSetUpdated"),
        ],
      },
    });
  };

  const statefulSet = async (item: Item): Promise<void> => {
    if (item.status?.observedGeneration === item.metadata.generation) return;
    const replicas = item.spec.replicas ?? 1;
    await patch(`${path(apps, "statefulsets", item)}/status`, {
      status: {
        observedGeneration: item.metadata.generation,
        ...{ replicas, readyReplicas: replicas, currentReplicas: replicas, updatedReplicas: replicas },
        ...{ availableReplicas: replicas, currentRevision: "one", updateRevision: "one" },
      },
    });
  };

  const job = async (item: Item): Promise<void> => {
    if (item.status?.conditions?.some(({ type }) => type === "Complete")) return;
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const condition = (type: string) => ({
      ...{ type, status: "True", reason: "Faked", message: "", lastProbeTime: now, lastTransitionTime: now },
    });
    await patch(`${path("/apis/batch/v1", "jobs", item)}/status`, {
      status: {
        ...{ startTime: now, completionTime: now, succeeded: 1, ready: 0 },
        uncountedTerminatedPods: {},
        conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
      },
    });
  };

  const pod = async (item: Item): Promise<void> => {
    if (item.status?.phase === "Succeeded") return;
    await patch(`${path("/api/v1", "pods", item)}/status`, { status: { phase: "Succeeded" } });
  };

  const controllers = [
    [`${apps}/deployments`, deployment],
    [`${apps}/statefulsets`, statefulSet],
    ["/apis/batch/v1/jobs", job],
    ["/api/v1/pods", pod],
  ] as const;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      for (const [collection, control] of controllers) {
        // What fails now is seen again at the next look.
        const items = await list(collection).catch(() => []);
        for (const item of items) await control(item).catch(() => {});
      }
      await sleep(rest);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}
