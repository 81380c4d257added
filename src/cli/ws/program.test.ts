/** The plugin as a user sees it: a kubeconfig file and a server, here a fake one. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { startFakeWorkspaces } from "../testing/fake-workspaces.ts";
import { memoryTerminal } from "../testing/memory-terminal.ts";
import { runCreateWorkspace, runWs } from "./program.ts";

interface Config {
  "current-context": string;
  clusters: { name: string; cluster: { server: string; "certificate-authority"?: string } }[];
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
}

async function setUp(t: TestContext, at: string, ...paths: string[]) {
  const api = await startFakeWorkspaces(...paths);
  const folder = await mkdtemp(join(tmpdir(), "myriad-test-"));
  t.after(async () => {
    await api.close();
    await rm(folder, { recursive: true });
  });
  const file = join(folder, "config");
  await writeFile(
    file,
    `# kept
apiVersion: v1
kind: Config
current-context: root
clusters:
- name: root
  cluster: {server: "${api.url}${at}", certificate-authority: ca.pem} # also kept
contexts:
- name: root
  context: {cluster: root, user: admin, namespace: web}
users:
- name: admin
  user: {token: secret}
`,
  );
  await writeFile(join(folder, "ca.pem"), "");
  const run = async (...args: string[]) => {
    const terminal = memoryTerminal({
      env: { KUBECONFIG: file },
      workingDirectory: folder,
      homeDirectory: "/nowhere/sts",
    });
    const code = await runWs(args, terminal);
    return { code, out: terminal.printed(), err: terminal.errors() };
  };
  const config = async () => parse(await readFile(file, "utf8")) as Config;
  /** The address that a context leads to, without the server's own. */
  const leads = async (name: string) => {
    const { clusters, contexts } = await config();
    const context = contexts.find((entry) => entry.name === name)?.context;
    return clusters.find((entry) => entry.name === context?.cluster)?.cluster.server.replace(api.url, "");
  };
  return { api, file, folder, run, config, leads };
}

test("prints the current workspace without asking the server", async (t) => {
  const { run, api } = await setUp(t, "/clusters/root:a");
  for (const args of [[], ["."], ["current"]]) {
    assert.deepEqual(await run(...args), { code: 0, out: "Current workspace is 'root:a'.\n", err: "" });
  }
  assert.equal((await run("current", "--short")).out, "root:a\n");
  assert.equal((await run("--short")).out, "root:a\n");
  assert.deepEqual(api.requests, []);
});

test("enters, goes up, back and to the root; the file keeps everything else", async (t) => {
  const { run, leads, config, file } = await setUp(t, "/clusters/root", "root:a", "root:a:b");
  assert.deepEqual(await run("a"), {
    code: 0,
    out: "Current workspace is 'root:a' (type root:universal).\n",
    err: "",
  });
  assert.equal((await config())["current-context"], "workspace.kcp.io/current");
  assert.equal(await leads("workspace.kcp.io/current"), "/clusters/root:a");
  assert.equal(await leads("workspace.kcp.io/previous"), "/clusters/root");
  assert.equal(await leads("root"), "/clusters/root");

  assert.equal((await run("use", "b")).out, "Current workspace is 'root:a:b' (type root:universal).\n");
  assert.equal(await leads("workspace.kcp.io/previous"), "/clusters/root:a");
  assert.equal((await run("-")).out, "Current workspace is 'root:a'.\n");
  assert.equal((await run("cd", "-")).out, "Current workspace is 'root:a:b'.\n");
  assert.equal((await run("..")).out, "Current workspace is 'root:a' (type root:universal).\n");
  assert.equal((await run("..")).out, "Current workspace is 'root' (type root).\n");
  assert.equal((await run(":root:a:b")).code, 0);
  assert.equal((await run(":")).out, "Current workspace is 'root'.\n");
  const legacy = await run("root:a");
  assert.match(legacy.err, /^Note: Using 'root:'/);
  assert.equal(legacy.code, 0);

  const text = await readFile(file, "utf8");
  assert.match(text, /^# kept$/m);
  assert.match(text, /# also kept$/m);
  const { contexts, clusters } = await config();
  assert.equal(contexts.find(({ name }) => name === "workspace.kcp.io/current")?.context.namespace, "web");
  assert.equal(
    clusters.find(({ name }) => name === "workspace.kcp.io/current")?.cluster["certificate-authority"],
    "ca.pem",
  );
});

test("refuses what is not there or not open, and changes nothing", async (t) => {
  const { run, api, file } = await setUp(t, "/clusters/root", "root:shut");
  api.closed.add("root:shut");
  const before = await readFile(file, "utf8");
  assert.deepEqual(await run("gone"), { code: 1, out: "", err: 'error: workspace "root:gone" not found\n' });
  assert.deepEqual(await run("shut"), {
    code: 1,
    out: "",
    err: 'error: access to workspace "root:shut" denied\n',
  });
  assert.deepEqual(await run("Bad_Name"), {
    code: 1,
    out: "",
    err: "error: invalid workspace path: Bad_Name\n",
  });
  assert.deepEqual(await run("-"), {
    code: 1,
    out: "",
    err: "error: no previous workspace found in kubeconfig\n",
  });
  assert.equal((await run("a", "b")).code, 1);
  assert.equal((await run("--token=wrong", "x")).code, 1);
  assert.equal(await readFile(file, "utf8"), before);
});

test("a context that points to no workspace says so", async (t) => {
  const { run, api } = await setUp(t, "");
  assert.deepEqual(await run(), { code: 0, out: `Current workspace is the URL "${api.url}".\n`, err: "" });
  assert.equal((await run("--short")).out, "");
  assert.match((await run("a")).err, /does not point to a workspace/);
  assert.match((await run("tree")).out, /does not point directly to a workspace/);
});

test("creates, enters, and ignores existing ones when asked", async (t) => {
  const { run, leads } = await setUp(t, "/clusters/root");
  const ready = 'Workspace "a" (type root:universal) is ready to use.\n';
  assert.deepEqual(await run("create", "a"), { code: 0, out: ready, err: "" });
  assert.match((await run("create", "a")).err, /^error: root: AlreadyExists\n$/);
  const again = await run("create", "a", "--ignore-existing", "--enter");
  assert.equal(
    again.out,
    `Workspace "a" (type root:universal) already exists.\n${ready}Current workspace is 'root:a' (type root:universal).\n`,
  );
  assert.equal(await leads("workspace.kcp.io/current"), "/clusters/root:a");
  assert.match((await run("create", "x", "--ignore-existing", "--type=foo")).err, /non-absolute type path/);
  assert.match(
    (await run("create", "a", "-w", ":root", "--ignore-existing", "--type=root:other")).err,
    /cannot be created with type root:other, it already exists with different type root:universal/,
  );
  assert.equal(
    (await run("create", "c", "--create-context", "mine")).out.split("\n")[1],
    'Created context "mine".',
  );
  assert.equal(await leads("mine"), "/clusters/root:a:c");
});

test("kubectl create workspace is the same command", async (t) => {
  const { api, file, folder } = await setUp(t, "/clusters/root");
  const terminal = memoryTerminal({ workingDirectory: folder });
  assert.equal(await runCreateWorkspace(["a", "--kubeconfig", file], terminal), 0);
  assert.ok(api.paths.has("root:a"));
});

test("create-context names the workspace's path, and overwrites only when told", async (t) => {
  const { run, leads, config } = await setUp(t, "/clusters/root:a");
  assert.equal((await run("create-context")).out, 'Created context "root:a" and switched to it.\n');
  assert.equal(await leads("root:a"), "/clusters/root:a");
  assert.equal((await config())["current-context"], "root:a");
  assert.match((await run("create-context")).err, /already exists in kubeconfig, use --overwrite/);
  assert.equal((await run("create-context", "--overwrite")).out, 'Updated context "root:a".\n');
});

test("draws the tree, page by page", async (t) => {
  const { run } = await setUp(t, "/clusters/root", "root:a", "root:a:b", "root:a:c", "root:d");
  assert.equal(
    (await run("tree")).out,
    ".\n└── root\n    ├── a\n    │   ├── b\n    │   └── c\n    └── d\n\n",
  );
  assert.equal(
    (await run("tree", "-f", "-w", "a")).out,
    ".\n└── root:a\n    ├── root:a:b\n    └── root:a:c\n\n",
  );
});

test("several files are one: entries go where they were, the current context to the file that had one", async (t) => {
  const { api, file, folder } = await setUp(t, "/clusters/root", "root:a");
  const second = join(folder, "second");
  await writeFile(
    second,
    "contexts:\n- name: workspace.kcp.io/current\n  context: {cluster: gone, user: gone}\n",
  );
  const terminal = memoryTerminal({ env: { KUBECONFIG: `${join(folder, "none")}:${file}:${second}` } });
  assert.equal(await runWs(["a"], terminal), 0, terminal.errors());
  const first = parse(await readFile(file, "utf8")) as Config;
  assert.equal(first["current-context"], "workspace.kcp.io/current");
  assert.equal(first.clusters[1]?.cluster.server, `${api.url}/clusters/root:a`);
  const other = parse(await readFile(second, "utf8")) as Config;
  assert.deepEqual(other.contexts[0]?.context, {
    cluster: "workspace.kcp.io/current",
    user: "admin",
    namespace: "web",
  });
});
