import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Api, openApi } from "../harness/api.ts";
import { until } from "../harness/child.ts";
import { writeKubeconfig } from "../harness/kubeconfig.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";
import { type Kubectl, kubectlFor } from "../kubectl/kubectl.ts";

// Only a server with workspaces can be asked about them.
const skip =
  process.env.CONFORMANCE_TARGET === "kube-apiserver" || (process.env.CONFORMANCE_KUBECONFIG ?? "") !== "";

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

let target: Target;
let api: Api;
let tools: string;

before(async () => {
  if (skip) return;
  target = await openTarget();
  const { myriad } = target;
  assert.ok(myriad);
  api = openApi(myriad.url, myriad.admin.access);
  // The plugins as kubectl finds them: programs on the PATH.
  tools = join(target.folder, "tools");
  mkdirSync(tools);
  for (const [name, file] of [
    ["kubectl-ws", "kubectl-ws.ts"],
    ["kubectl-create-workspace", "kubectl-create-workspace.ts"],
  ] as const) {
    const path = join(tools, name);
    writeFileSync(
      path,
      `#!/bin/sh\nexec "${process.execPath}" "${join(repository, "src/cli", file)}" "$@"\n`,
    );
    chmodSync(path, 0o755);
  }
});
after(async () => {
  api?.close();
  await target?.close();
});

let kubeconfigs = 0;
/** kubectl whose server is `path` below the base URL. */
function at(path: string): Kubectl {
  const { myriad, folder } = target;
  assert.ok(myriad);
  kubeconfigs += 1;
  const file = join(folder, `at-${kubeconfigs}.kubeconfig`);
  writeKubeconfig(file, myriad.url + path, myriad.admin.access);
  return kubectlFor(file, tools);
}

const workspace = (name: string): string =>
  JSON.stringify({ apiVersion: "tenancy.kcp.io/v1alpha1", kind: "Workspace", metadata: { name } });

test("a workspace is Ready and filled when its creation returns", { skip }, async () => {
  const root = at("/clusters/root");
  const made = await root.json(["create", "-f", "-"], { stdin: workspace("fresh") });
  assert.deepEqual((made.status as { phase: string }).phase, "Ready");
  const spec = made.spec as { URL: string; cluster: string };
  assert.match(spec.URL, /\/clusters\/root:fresh$/);
  const inside = at("/clusters/root:fresh");
  const namespaces = await inside.ok(["get", "namespaces", "-o", "name"]);
  assert.ok(namespaces.split("\n").includes("namespace/default"), namespaces);
  await inside.ok(["get", "serviceaccount", "default"]);
  await inside.ok(["get", "configmap", "kube-root-ca.crt"]);
  const cluster = await inside.json(["get", "logicalclusters.core.kcp.io", "cluster"]);
  assert.equal((cluster.status as { phase: string }).phase, "Ready");
  // The same endpoint by its name.
  await at(`/clusters/${spec.cluster}`).ok(["get", "configmap", "kube-root-ca.crt"]);
});

test("a workspace and its objects can be reached at once by their paths", { skip }, async () => {
  const workspaces = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces";
  for (let n = 0; n < 30; n++) {
    const made = await api.send("POST", workspaces, workspace(`quick-${n}`));
    assert.equal(made.status, 201, made.text);
    const maps = `/clusters/root:quick-${n}/api/v1/namespaces/default/configmaps`;
    const created = await api.send(
      "POST",
      maps,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}',
    );
    assert.equal(created.status, 201, created.text);
    const read = await api.send("GET", `${maps}/a`);
    assert.equal(read.status, 200, read.text);
    const removed = await api.send("DELETE", `${maps}/a`);
    assert.equal(removed.status, 200, removed.text);
    const gone = await api.send("GET", `${maps}/a`);
    assert.equal(gone.status, 404, gone.text);
    const entered = await api.send(
      "GET",
      `/clusters/root:quick-${n}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster`,
    );
    assert.equal(entered.status, 200, entered.text);
  }
});

test("kubectl get workspaces shows kcp's columns", { skip }, async () => {
  const root = at("/clusters/root");
  await root.ok(["create", "-f", "-"], { stdin: workspace("shown") });
  const text = await root.ok(["get", "workspaces"]);
  assert.match(text, /^NAME\s+TYPE\s+REGION\s+PHASE\s+URL\s+AGE\n/);
  assert.match(text, /\nshown\s+universal\s+Ready\s+https:\/\/\S+\/clusters\/root:shown\s+\S+\n/);
  assert.match(await root.ok(["get", "ws", "shown", "-o", "name"]), /^workspace\.tenancy\.kcp\.io\/shown\n$/);
});

test("two workspaces with the same names never see each other", { skip }, async () => {
  const [one, two] = await target.workspaces(2);
  assert.ok(one && two);
  const [first, second] = [kubectlFor(one.kubeconfig), kubectlFor(two.kubeconfig)];
  const watching = first.follow([
    "get",
    "cm",
    "--field-selector=metadata.name=same",
    "--watch",
    "-o",
    'jsonpath={.data.who}{"\\n"}',
  ]);
  try {
    for (const [kubectl, who] of [
      [first, "one"],
      [second, "two"],
    ] as const) {
      await kubectl.ok(["create", "cm", "same", `--from-literal=who=${who}`]);
    }
    assert.equal(await first.ok(["get", "cm", "same", "-o", "jsonpath={.data.who}"]), "one");
    assert.equal(await second.ok(["get", "cm", "same", "-o", "jsonpath={.data.who}"]), "two");
    await second.ok(["delete", "cm", "same"]);
    assert.equal(await first.ok(["get", "cm", "same", "-o", "jsonpath={.data.who}"]), "one");
    await second.ok(["create", "namespace", "only-two"]);
    assert.match(await first.fails(["get", "namespace", "only-two"]), /namespaces "only-two" not found/);
    assert.match(
      await first.fails(["create", "cm", "x", "-n", "only-two"]),
      /namespaces "only-two" not found/,
    );
    await until("the watch shows its own", () => watching.lines().length > 0);
    assert.ok(
      watching.lines().every((line) => line === "one"),
      watching.lines().join(),
    );
  } finally {
    await watching.stop();
  }
});

test("nested workspaces by path, and an unknown path is no way in", { skip }, async () => {
  await at("/clusters/root").ok(["create", "-f", "-"], { stdin: workspace("org") });
  await at("/clusters/root:org").ok(["create", "-f", "-"], { stdin: workspace("team") });
  const team = at("/clusters/root:org:team");
  await team.ok(["create", "cm", "deep"]);
  assert.match(await at("/clusters/root:org").fails(["get", "cm", "deep"]), /not found/);
  assert.notEqual((await at("/clusters/root:none").run(["get", "cm"])).code, 0);
  assert.notEqual((await at("/clusters/root:org:none").run(["create", "cm", "x"])).code, 0);
});

test("malformed cluster paths are refused", { skip }, async () => {
  const rest = "/api/v1/namespaces/default/configmaps";
  for (const path of [
    "root:",
    ":root",
    "root::a",
    "Root",
    "root%2Fa",
    "..",
    "%2e%2e",
    "root%3Ashown%2F..",
    "a_b",
    "",
  ]) {
    const { status } = await api.send("GET", `/clusters/${path}${rest}`);
    assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
  }
});

test("/clusters/* lists and watches across workspaces, for admins", { skip }, async () => {
  const [one, two] = await target.workspaces(2);
  assert.ok(one && two);
  const all = at("/clusters/*");
  for (const each of [one, two]) {
    await kubectlFor(each.kubeconfig).ok(["create", "cm", "everywhere", "--from-literal=a=1"]);
  }
  const list = await all.json(["get", "cm", "-A", "--field-selector", "metadata.name=everywhere"]);
  const clusters = list.items.map((item) => item.metadata.annotations?.["kcp.io/cluster"]);
  assert.equal(new Set(clusters).size, 2, JSON.stringify(clusters));
});

test("deleting a workspace removes its tree", { skip }, async () => {
  const root = at("/clusters/root");
  await root.ok(["create", "-f", "-"], { stdin: workspace("trunk") });
  const trunk = at("/clusters/root:trunk");
  const branch = await trunk.json(["create", "-f", "-"], { stdin: workspace("branch") });
  await at("/clusters/root:trunk:branch").ok(["create", "cm", "leaf"]);
  await root.ok(["delete", "workspace", "trunk", "--timeout=300s"]);
  assert.match(
    await root.fails(["get", "workspace", "trunk"]),
    /workspaces\.tenancy\.kcp\.io "trunk" not found/,
  );
  assert.notEqual((await trunk.run(["get", "cm"])).code, 0);
  const { cluster } = branch.spec as { cluster: string };
  assert.notEqual((await at(`/clusters/${cluster}`).run(["get", "cm", "leaf"])).code, 0);
  await root.ok(["create", "-f", "-"], { stdin: workspace("trunk") });
  assert.equal(await trunk.ok(["get", "workspaces", "-o", "name"]), "");
});

test("kubectl ws: enter, up, back, create, tree", { skip }, async () => {
  const kubectl = at("/clusters/root");
  assert.match(await kubectl.ok(["ws", "."]), /root/);
  assert.match(await kubectl.ok(["ws", "create", "walked", "--enter"]), /walked/);
  assert.match(await kubectl.ok(["ws", "."]), /root:walked/);
  await kubectl.ok(["create", "cm", "here"]);
  await at("/clusters/root:walked").ok(["get", "cm", "here"]);
  await kubectl.ok(["create", "workspace", "below"]);
  await kubectl.ok(["ws", "below"]);
  assert.match(await kubectl.ok(["ws", "."]), /root:walked:below/);
  await kubectl.ok(["ws", ".."]);
  assert.match(await kubectl.ok(["ws", "."]), /root:walked['". \n]/);
  await kubectl.ok(["ws", "-"]);
  assert.match(await kubectl.ok(["ws", "."]), /root:walked:below/);
  await kubectl.ok(["ws", "root"]);
  const tree = await kubectl.ok(["ws", "tree"]);
  assert.match(tree, /root\n(.*\n)*.*walked\n.*below/);
  assert.notEqual((await kubectl.run(["ws", "root:nowhere"])).code, 0);
});

test("a workspace of type kubernetes takes a Deployment and a Service as plain data", { skip }, async () => {
  const [full] = await target.workspaces(1, "kubernetes");
  assert.ok(full);
  const kubectl = kubectlFor(full.kubeconfig);
  await kubectl.ok(["create", "deployment", "web", "--image=nginx", "--replicas=2"]);
  assert.match(
    await kubectl.ok(["get", "deploy", "web"]),
    /NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/2\s/,
  );
  await kubectl.ok(["expose", "deployment", "web", "--port=80"]);
  assert.match(await kubectl.ok(["get", "svc", "web"]), /web\s+ClusterIP\s/);
  await kubectl.ok(["scale", "deployment", "web", "--replicas=3"]);
  await kubectl.ok([
    ...["patch", "deployment", "web", "--subresource=status", "--type=merge"],
    ...["-p", '{"spec":{"replicas":9},"status":{"replicas":3,"readyReplicas":1}}'],
  ]);
  assert.match(await kubectl.ok(["get", "deploy", "web"]), /\nweb\s+1\/3\s/);
  assert.equal(await kubectl.ok(["get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"]), "3");
  assert.match(await kubectl.ok(["explain", "deployment.spec.replicas"]), /FIELD: replicas <integer>/);
});

test("strangers stay outside", { skip }, async () => {
  const { myriad, folder } = target;
  assert.ok(myriad);
  const { access } = myriad.admin;
  const strange = join(folder, "stranger.kubeconfig");
  writeKubeconfig(strange, `${myriad.url}/clusters/root`, { ca: access.ca, token: "wrong" });
  assert.match(await kubectlFor(strange).fails(["get", "cm"]), /must be logged in|Unauthorized/);
  const anonymous = openApi(myriad.url, { ca: access.ca });
  try {
    assert.equal((await anonymous.send("GET", "/readyz")).status, 200);
    assert.equal((await anonymous.send("GET", "/version")).status, 200);
    const refused = await anonymous.send("GET", "/clusters/root/api/v1/namespaces/default/secrets");
    assert.ok(refused.status === 401 || refused.status === 403, String(refused.status));
  } finally {
    anonymous.close();
  }
});

test("the etcd store holds the keys that the documentation shows", {
  skip: skip || process.env.MYRIAD_STORE !== "etcd",
}, async () => {
  const { execFileSync } = await import("node:child_process");
  const [one] = await target.workspaces(1);
  assert.ok(one && target.myriad?.etcd);
  await kubectlFor(one.kubeconfig).ok(["create", "secret", "generic", "key-in-etcd"]);
  const args = [
    "--endpoints",
    target.myriad.etcd,
    "get",
    "--prefix",
    "/registry/core/secrets/",
    "--keys-only",
  ];
  const keys = execFileSync(part("etcdctl"), args, { encoding: "utf8" });
  assert.match(keys, /^\/registry\/core\/secrets\/[a-z0-9]{16}\/default\/key-in-etcd$/m);
});

test("SIGTERM drains and ends the server with exit code 0", { skip }, async () => {
  const { myriad } = target;
  assert.ok(myriad);
  const watching = at("/clusters/root").follow(["get", "cm", "--watch"]);
  assert.equal(await myriad.stop("SIGTERM"), 0, myriad.output());
  await watching.stop();
  assert.ok(readFileSync(join(myriad.root, "admin.kubeconfig"), "utf8").includes("root"));
});
