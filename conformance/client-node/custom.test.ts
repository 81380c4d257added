import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ADD,
  type ApiException,
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DELETE,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  UPDATE,
  Watch,
} from "@kubernetes/client-node";
import { until } from "../harness/child.ts";
import { openTarget, type Target } from "../harness.ts";

let target: Target;
let config: KubeConfig;
before(async () => {
  target = await openTarget();
  const [workspace] = await target.workspaces(1);
  config = new KubeConfig();
  config.loadFromFile(workspace?.kubeconfig ?? "");
  await config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } });
});
after(() => target?.close());

const namespace = "node";
const group = "node.example.com";
const version = "v1";
const plural = "trees";
const of = { group, version, plural, namespace };

type Tree = KubernetesObject & {
  spec: { height: number; kind?: string; birds?: { name: string; eggs?: number }[] };
  status?: { fruits?: number };
};

const tree = (name: string, spec: Partial<Tree["spec"]>): Tree => ({
  apiVersion: `${group}/${version}`,
  kind: "Tree",
  metadata: { name, namespace },
  spec: spec as Tree["spec"],
});
const custom = (): CustomObjectsApi => config.makeApiClient(CustomObjectsApi);
const codeOf = (code: number, text: RegExp) => (error: unknown) => {
  const { code: got, body } = error as ApiException<unknown>;
  assert.equal(got, code);
  assert.match(typeof body === "string" ? body : JSON.stringify(body), text);
  return true;
};
const applyOptions = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);

test("a definition becomes Established, its kind is served", async () => {
  const api = config.makeApiClient(ApiextensionsV1Api);
  const name = `${plural}.${group}`;
  await api.createCustomResourceDefinition({
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name },
      spec: {
        group,
        scope: "Namespaced",
        names: { kind: "Tree", plural, singular: "tree" },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: {
                  spec: {
                    type: "object",
                    required: ["height"],
                    properties: {
                      height: { type: "integer", minimum: 0 },
                      kind: { type: "string", _default: "oak" },
                      birds: {
                        type: "array",
                        x_kubernetes_list_type: "map",
                        x_kubernetes_list_map_keys: ["name"],
                        items: {
                          type: "object",
                          required: ["name"],
                          properties: { name: { type: "string" }, eggs: { type: "integer" } },
                        },
                      },
                    },
                    x_kubernetes_validations: [{ rule: "self.height < 100", message: "into the sky" }],
                  },
                  status: { type: "object", properties: { fruits: { type: "integer" } } },
                },
              },
            },
          },
        ],
      },
    },
  });
  await until("Established", async () => {
    const { status } = await api.readCustomResourceDefinition({ name });
    return status?.conditions?.some(({ type, status: holds }) => type === "Established" && holds === "True");
  });
  await until("a list", async () => {
    const list = (await custom().listNamespacedCustomObject(of)) as KubernetesListObject<Tree>;
    return list.items.length === 0;
  });
});

test("custom objects: create with defaults, refuse, patch, status, replace, delete", async () => {
  const api = custom();
  const made = (await api.createNamespacedCustomObject({
    ...of,
    body: tree("first", { height: 3 }),
  })) as Tree;
  assert.deepEqual(made.spec, { height: 3, kind: "oak" });
  await assert.rejects(
    api.createNamespacedCustomObject({ ...of, body: tree("bad", { height: 100 }) }),
    codeOf(422, /into the sky/),
  );
  await assert.rejects(
    api.createNamespacedCustomObject({ ...of, body: tree("bad", {}) }),
    codeOf(422, /spec\.height: Required value/),
  );
  const patched = (await api.patchNamespacedCustomObject({
    ...{ ...of, name: "first" },
    body: [{ op: "replace", path: "/spec/height", value: 4 }],
  })) as Tree;
  assert.equal(patched.spec.height, 4);
  const told = (await api.patchNamespacedCustomObjectStatus(
    { ...of, name: "first", body: { spec: { height: 5 }, status: { fruits: 6 } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  )) as Tree;
  assert.deepEqual([told.spec.height, told.status], [4, { fruits: 6 }]);
  told.spec.kind = "ash";
  const replaced = (await api.replaceNamespacedCustomObject({ ...of, name: "first", body: told })) as Tree;
  assert.equal(replaced.spec.kind, "ash");
  await api.deleteNamespacedCustomObject({ ...of, name: "first" });
  await assert.rejects(api.getNamespacedCustomObject({ ...of, name: "first" }), codeOf(404, /not found/));
});

test("server-side apply of a built-in kind and of a custom one, with conflicts", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const apply = (fieldManager: string, data: Record<string, string>, force = false) =>
    core.patchNamespacedConfigMap(
      {
        ...{ namespace, name: "applied", fieldManager, force },
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied" }, data },
      },
      applyOptions,
    );
  await apply("one", { a: "1", b: "1" });
  await assert.rejects(apply("two", { a: "2" }), codeOf(409, /conflict with .*one.*\.data\.a/));
  assert.deepEqual((await apply("two", { a: "2" }, true)).data, { a: "2", b: "1" });
  const last = await apply("one", { b: "1" });
  assert.deepEqual(
    last.metadata?.managedFields?.map(({ manager, operation }) => [manager, operation]).sort(),
    [
      ["one", "Apply"],
      ["two", "Apply"],
    ],
  );

  const objects = KubernetesObjectApi.makeApiClient(config);
  const grow = (manager: string, spec: Partial<Tree["spec"]>): Promise<Tree> =>
    objects.patch(
      tree("applied", spec),
      ...([undefined, undefined, manager, false, PatchStrategy.ServerSideApply] as const),
    );
  await grow("one", { height: 1, birds: [{ name: "jay", eggs: 2 }] });
  const both = await grow("two", { birds: [{ name: "owl", eggs: 1 }] });
  assert.deepEqual(both.spec.birds, [
    { name: "jay", eggs: 2 },
    { name: "owl", eggs: 1 },
  ]);
  const left = await grow("one", { height: 1 });
  assert.deepEqual(left.spec.birds, [{ name: "owl", eggs: 1 }]);
  await assert.rejects(grow("three", { height: 9 }), codeOf(409, /\.spec\.height/));
});

test("watch of custom objects from a version, and an informer", async () => {
  const api = custom();
  const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
  const list = async () => (await api.listNamespacedCustomObject(of)) as KubernetesListObject<Tree>;
  const seen: string[] = [];
  const controller = await new Watch(config).watch(
    path,
    { resourceVersion: (await list()).metadata?.resourceVersion },
    (type: string, object: Tree) => seen.push(`${type} ${object.metadata?.name} ${object.spec.height}`),
    () => {},
  );
  const journal: string[] = [];
  const informer = makeInformer<Tree>(config, path, list);
  for (const verb of [ADD, UPDATE, DELETE] as const) {
    informer.on(verb, (object) => journal.push(`${verb} ${object.metadata?.name}`));
  }
  try {
    await informer.start();
    await api.createNamespacedCustomObject({ ...of, body: tree("watched", { height: 1 }) });
    await api.patchNamespacedCustomObject({
      ...{ ...of, name: "watched" },
      body: [{ op: "replace", path: "/spec/height", value: 2 }],
    });
    await api.deleteNamespacedCustomObject({ ...of, name: "watched" });
    await until("all events", () => seen.length >= 3 && journal.length >= 4);
    assert.deepEqual(seen, ["ADDED watched 1", "MODIFIED watched 2", "DELETED watched 2"]);
    assert.deepEqual(journal, ["add applied", "add watched", "update watched", "delete watched"]);
  } finally {
    controller.abort();
    await informer.stop();
  }
});
