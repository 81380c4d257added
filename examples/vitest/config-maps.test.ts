import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import { type RunningServer, type ServedWorkspace, startServer } from "myriad";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

let server: RunningServer;
let workspace: ServedWorkspace;
let api: CoreV1Api;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

// A cluster of its own for each test: about a millisecond.
beforeEach(async () => {
  workspace = await server.createWorkspace();
  api = kubeConfig(workspace).makeApiClient(CoreV1Api);
});

function kubeConfig({ kubeconfigYaml }: ServedWorkspace): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfigYaml);
  return config;
}

const settings = (name: string, data: Record<string, string>): V1ConfigMap => ({ metadata: { name }, data });

test("creates, reads and replaces", async () => {
  await api.createNamespacedConfigMap({ namespace: "default", body: settings("app", { color: "blue" }) });
  const found = await api.readNamespacedConfigMap({ namespace: "default", name: "app" });
  expect(found.data).toEqual({ color: "blue" });

  const body = { ...found, data: { color: "green" } };
  await api.replaceNamespacedConfigMap({ namespace: "default", name: "app", body });
  // The version that `found` had is gone: whoever still holds it must read again.
  await expect(
    api.replaceNamespacedConfigMap({ namespace: "default", name: "app", body }),
  ).rejects.toMatchObject({ code: 409 });
});

test("the same name in another workspace is another object", async () => {
  await api.createNamespacedConfigMap({ namespace: "default", body: settings("app", { color: "blue" }) });
  const other = kubeConfig(await server.createWorkspace()).makeApiClient(CoreV1Api);
  await expect(other.readNamespacedConfigMap({ namespace: "default", name: "app" })).rejects.toMatchObject({
    code: 404,
  });
});

test("an informer sees what happens in its workspace", async () => {
  const path = "/api/v1/namespaces/default/configmaps";
  const informer = makeInformer(kubeConfig(workspace), path, () =>
    api.listNamespacedConfigMap({ namespace: "default" }),
  );
  const added = new Promise<V1ConfigMap>((resolve) => {
    informer.on("add", (object) => {
      if (object.metadata?.name === "app") resolve(object);
    });
  });
  await informer.start();
  await api.createNamespacedConfigMap({ namespace: "default", body: settings("app", { color: "blue" }) });
  expect((await added).data).toEqual({ color: "blue" });
  await informer.stop();
});
