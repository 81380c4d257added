import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configMap, suite } from "./suite.ts";

const ns = ["-n", "sets"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "sets"]);
}, "kubernetes");

const file = (folder: string, name: string, text: string): void => {
  mkdirSync(join(s.target.folder, folder), { recursive: true });
  writeFileSync(join(s.target.folder, folder, name), text);
};
const names = async (selector: string): Promise<string[]> =>
  (await s.kubectl.ok(["get", "cm,secret", "-l", selector, ...ns, "-o", "name", "--ignore-not-found"]))
    .split("\n")
    .filter((line) => line !== "")
    .sort();

test("apply --prune by labels and an allow list: other kinds and other labels stay", async () => {
  const apply = (...set: string[]): Promise<string> =>
    s.kubectl.ok(
      [
        ...["apply", "-f", "-", ...ns, "--prune", "-l", "set=labels"],
        ...["--prune-allowlist=core/v1/ConfigMap"],
      ],
      {
        stdin: set.map((name) => configMap(name, { a: "1" }, { labels: { set: "labels" } })).join("\n---\n"),
      },
    );
  await apply("stays", "goes");
  const others = [
    { apiVersion: "v1", kind: "Secret", metadata: { name: "kept", labels: { set: "labels" } } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" } },
  ];
  for (const each of others) {
    await s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: JSON.stringify(each) });
  }
  assert.equal(await apply("stays"), "configmap/stays unchanged\nconfigmap/goes pruned\n");
  assert.deepEqual(await names("set=labels"), ["configmap/stays", "secret/kept"]);
  await s.kubectl.ok(["get", "cm", "other", ...ns]);
});

test("apply --prune with an ApplySet: a parent remembers its members", async () => {
  const apply = (...set: string[]) =>
    s.kubectl.run(["apply", "--server-side", "-f", "-", ...ns, "--prune", "--applyset=configmaps/parent"], {
      stdin: set.join("\n---\n"),
      env: { KUBECTL_APPLYSET: "true" },
    });
  const secret = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "member" } });
  const first = await apply(configMap("one", {}), configMap("two", {}), secret);
  assert.equal(first.code, 0, first.stderr);
  const parent = await s.kubectl.json(["get", "cm", "parent", ...ns]);
  const id = parent.metadata.labels?.["applyset.kubernetes.io/id"] ?? "";
  assert.match(id, /^applyset-/);
  assert.equal(
    parent.metadata.annotations?.["applyset.kubernetes.io/contains-group-kinds"],
    "ConfigMap,Secret",
  );
  assert.deepEqual(await names(`applyset.kubernetes.io/part-of=${id}`), [
    "configmap/one",
    "configmap/two",
    "secret/member",
  ]);
  const second = await apply(configMap("two", {}));
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /configmap\/one pruned/);
  assert.match(second.stdout, /secret\/member pruned/);
  assert.deepEqual(await names(`applyset.kubernetes.io/part-of=${id}`), ["configmap/two"]);
  const after = await s.kubectl.json(["get", "cm", "parent", ...ns]);
  assert.equal(after.metadata.annotations?.["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap");
});

test("kustomize: build, apply -k, diff -k, get -k, delete -k", async () => {
  file(
    "base",
    "kustomization.yaml",
    `resources: [deployment.yaml, service.yaml]
configMapGenerator:
- name: settings
  literals: [mode=base]
`,
  );
  file(
    "base",
    "deployment.yaml",
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        envFrom: [{configMapRef: {name: settings}}]
`,
  );
  file(
    "base",
    "service.yaml",
    `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{port: 80}]
`,
  );
  const overlay = (replicas: number): void =>
    file(
      "overlay",
      "kustomization.yaml",
      `resources: [../base]
namespace: sets
namePrefix: blue-
labels:
- pairs: {overlay: blue}
images:
- name: web
  newTag: "2"
configMapGenerator:
- name: settings
  behavior: merge
  literals: [mode=blue]
patches:
- target: {kind: Deployment}
  patch: |-
    - op: add
      path: /spec/replicas
      value: ${replicas}
`,
    );
  overlay(2);
  const folder = join(s.target.folder, "overlay");
  const built = await s.kubectl.ok(["kustomize", folder]);
  assert.match(built, /image: web:2/);
  const text = await s.kubectl.ok(["apply", "-k", folder]);
  assert.match(
    text,
    /^configmap\/blue-settings-\w+ created\nservice\/blue-web created\ndeployment\.apps\/blue-web created\n$/,
  );
  assert.match(await s.kubectl.ok(["apply", "-k", folder]), /deployment\.apps\/blue-web unchanged\n/);
  overlay(3);
  const diff = await s.kubectl.run(["diff", "-k", folder]);
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /-\s+replicas: 2\n\+\s+replicas: 3/);
  assert.match(
    await s.kubectl.ok(["apply", "--server-side", "--force-conflicts", "-k", folder]),
    /deployment\.apps\/blue-web serverside-applied\n/,
  );
  assert.equal(await s.kubectl.ok(["get", "-k", folder, "-o", "jsonpath={.items[2].spec.replicas}"]), "3");
  await s.kubectl.ok(["delete", "-k", folder]);
  assert.equal(await s.kubectl.ok(["get", "deploy,svc,cm", "-l", "overlay=blue", ...ns]), "");
});
