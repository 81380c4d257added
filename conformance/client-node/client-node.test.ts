import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ADD,
  type ApiException,
  CoreV1Api,
  CustomObjectsApi,
  DELETE,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  UPDATE,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from "@kubernetes/client-node";
import { until } from "../harness/child.ts";
import { openTarget, type Target } from "../harness.ts";

let target: Target;
let configs: KubeConfig[];
before(async () => {
  target = await openTarget();
  configs = (await target.workspaces(2)).map((each) => {
    const config = new KubeConfig();
    config.loadFromFile(each.kubeconfig);
    return config;
  });
  for (const config of configs) {
    await config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: "node" } } });
  }
});
after(() => target?.close());

const namespace = "node";
const first = (): KubeConfig => {
  const config = configs[0];
  assert.ok(config);
  return config;
};
const core = (): CoreV1Api => first().makeApiClient(CoreV1Api);
const codeOf = (code: number) => (error: unknown) => (error as ApiException<unknown>).code === code;

test("CRUD", async () => {
  const api = core();
  const made = await api.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "crud", labels: { a: "b" } }, data: { n: "1" } },
  });
  assert.ok(made.metadata?.creationTimestamp instanceof Date);
  assert.match(made.metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
  const read = await api.readNamespacedConfigMap({ namespace, name: "crud" });
  assert.deepEqual(read.data, { n: "1" });
  const replaced = await api.replaceNamespacedConfigMap({
    namespace,
    name: "crud",
    body: { ...read, data: { n: "2" } },
  });
  assert.notEqual(replaced.metadata?.resourceVersion, read.metadata?.resourceVersion);
  await assert.rejects(
    api.replaceNamespacedConfigMap({ namespace, name: "crud", body: { ...read, data: { n: "3" } } }),
    codeOf(409),
  );
  const list = await api.listNamespacedConfigMap({ namespace, labelSelector: "a=b" });
  assert.deepEqual(
    list.items.map((each) => [each.metadata?.name, each.data]),
    [["crud", { n: "2" }]],
  );
  await api.deleteNamespacedConfigMap({ namespace, name: "crud" });
  await assert.rejects(api.readNamespacedConfigMap({ namespace, name: "crud" }), codeOf(404));
});

test("patches of three kinds", async () => {
  const api = core();
  await api.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "patched" }, data: { a: "1" } },
  });
  const patch = (body: object, strategy: PatchStrategy): Promise<V1ConfigMap> =>
    api.patchNamespacedConfigMap(
      { namespace, name: "patched", body },
      setHeaderOptions("Content-Type", strategy),
    );
  await patch([{ op: "add", path: "/data/j", value: "1" }], PatchStrategy.JsonPatch);
  await patch({ data: { m: "1" } }, PatchStrategy.MergePatch);
  const last = await patch({ data: { a: null, s: "1" } }, PatchStrategy.StrategicMergePatch);
  assert.deepEqual(last.data, { j: "1", m: "1", s: "1" });
});

test("the generic object API, custom objects API, and version", async () => {
  const objects = KubernetesObjectApi.makeApiClient(first());
  const made = await objects.create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "generic", namespace },
  });
  assert.equal(made.kind, "Secret");
  const read = await objects.read({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "generic", namespace },
  });
  assert.equal(read.metadata?.name, "generic");
  await objects.delete(read);
  const leases = (await first()
    .makeApiClient(CustomObjectsApi)
    .listNamespacedCustomObject({
      ...{ group: "coordination.k8s.io", version: "v1", plural: "leases", namespace },
    })) as { kind: string };
  assert.equal(leases.kind, "LeaseList");
  assert.equal((await first().makeApiClient(VersionApi).getCode()).major, "1");
});

test("watch from a version", async () => {
  const api = core();
  const from = (await api.listNamespacedConfigMap({ namespace })).metadata?.resourceVersion ?? "";
  const seen: string[] = [];
  const controller = await new Watch(first()).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: from, fieldSelector: "metadata.name=watched" },
    (type: string, object: V1ConfigMap) => seen.push(`${type} ${object.metadata?.name}`),
    () => {},
  );
  try {
    await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: "watched" } } });
    await api.deleteNamespacedConfigMap({ namespace, name: "watched" });
    await until("both events", () => seen.length >= 2);
    assert.deepEqual(seen, ["ADDED watched", "DELETED watched"]);
  } finally {
    controller.abort();
  }
});

test("informers in two workspaces with the same names see their own objects only", async () => {
  const journals = configs.map((): string[] => []);
  const informers = configs.map((config, at) => {
    const api = config.makeApiClient(CoreV1Api);
    const informer = makeInformer(
      config,
      `/api/v1/namespaces/${namespace}/configmaps`,
      () => api.listNamespacedConfigMap({ namespace, labelSelector: "informed=yes" }),
      "informed=yes",
    );
    for (const verb of [ADD, UPDATE, DELETE] as const) {
      informer.on(verb, (object: V1ConfigMap) => {
        journals[at]?.push(`${verb} ${object.metadata?.name} ${object.data?.owner}`);
      });
    }
    return informer;
  });
  const write = async (name: string): Promise<void> => {
    for (const [at, config] of configs.entries()) {
      await config.makeApiClient(CoreV1Api).createNamespacedConfigMap({
        namespace,
        body: { metadata: { name, labels: { informed: "yes" } }, data: { owner: `tenant-${at}` } },
      });
    }
  };
  try {
    await write("before");
    for (const informer of informers) await informer.start();
    await write("later");
    for (const config of configs) {
      const api = config.makeApiClient(CoreV1Api);
      await api.patchNamespacedConfigMap(
        { namespace, name: "before", body: { data: { more: "1" } } },
        setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
      );
      await api.deleteNamespacedConfigMap({ namespace, name: "later" });
    }
    await until("all events", () => journals.every((each) => each.length >= 4));
    for (const [at, journal] of journals.entries()) {
      const own = `tenant-${at}`;
      assert.deepEqual(journal, [
        `add before ${own}`,
        `add later ${own}`,
        `update before ${own}`,
        `delete later ${own}`,
      ]);
    }
  } finally {
    for (const informer of informers) await informer.stop();
  }
});
