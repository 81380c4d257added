import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { adminKubeconfig, kubeconfigYaml, workspaceKubeconfig } from "./kubeconfig.ts";
import { writeFileAtomic } from "./write-file.ts";

const credentials = {
  ca: "CA",
  admin: { cert: "CERT", key: "KEY" },
  shardAdmin: { cert: "SHARD CERT", key: "SHARD KEY" },
};

test("the contexts are kcp's, and root is the current one", () => {
  const config = adminKubeconfig("https://[::1]:6443", credentials);
  const seen = config.contexts.map(({ name, context }) => {
    const cluster = config.clusters.find((entry) => entry.name === context.cluster);
    return [name, context.user, cluster?.cluster.server];
  });
  assert.deepEqual(seen, [
    ["root", "kcp-admin", "https://[::1]:6443/clusters/root"],
    ["base", "kcp-admin", "https://[::1]:6443"],
    ["system:admin", "shard-admin", "https://[::1]:6443/clusters/system:admin"],
    ["shard-base", "shard-admin", "https://[::1]:6443"],
  ]);
  assert.equal(config["current-context"], "root");
  const keys = config.users.map(({ name, user }) => [
    name,
    Buffer.from(user["client-key-data"], "base64").toString(),
  ]);
  assert.deepEqual(keys, [
    ["kcp-admin", "KEY"],
    ["shard-admin", "SHARD KEY"],
  ]);
});

test("the YAML says what the object says", () => {
  for (const config of [
    adminKubeconfig("https://x:1", credentials),
    workspaceKubeconfig("https://x:1", credentials, "root:a"),
  ]) {
    assert.deepEqual(parse(kubeconfigYaml(config)), config);
  }
});

test("files are replaced whole, keep their mode and their link, and leave nothing beside them", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "myriad-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "deep/config");
  await writeFileAtomic(file, "one");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const link = join(folder, "link");
  await symlink(file, link);
  await writeFile(file, "two", { mode: 0o600 });
  await writeFileAtomic(link, "three");
  assert.equal(await readFile(file, "utf8"), "three");
  assert.deepEqual(await readdir(join(folder, "deep")), ["config"]);
});
