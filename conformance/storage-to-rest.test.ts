/**
 * The commands of docs/storage-to-rest.md do what the page says. Method: its shell blocks are run as they stand, in a
 * folder where `.myriad` is the server's root directory, with kubectl, the plugin, `myriad` and etcdctl on the PATH.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type MyriadServer, startMyriad } from "./harness/myriad.ts";
import { part } from "./harness/parts.ts";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const page = readFileSync(join(repository, "docs/storage-to-rest.md"), "utf8");
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
const blockWith = (text: string): string => {
  const found = blocks.filter((block) => block.includes(text));
  assert.equal(found.length, 1, `one block of the page has ${text}`);
  return found[0]!;
};

const run = promisify(execFile);
const timeout = 600_000;

function has(name: "etcd" | "etcdctl" | "kubectl"): boolean {
  try {
    return existsSync(part(name));
  } catch {
    return false;
  }
}

/** A shell in a folder of its own, where the page's names of commands and files mean this server. */
class Shell {
  readonly folder = mkdtempSync(join(tmpdir(), "myriad-storage-to-rest-"));
  readonly #bin = join(this.folder, "bin");
  server!: MyriadServer;

  async start(): Promise<void> {
    mkdirSync(this.#bin);
    for (const name of ["myriad", "kubectl-ws"]) {
      const source = join(repository, "src/cli", name === "myriad" ? "main.ts" : `${name}.ts`);
      this.#command(name, `exec '${process.execPath}' '${source}' "$@"`);
    }
    for (const name of ["kubectl", "etcdctl"] as const) {
      if (has(name)) this.#command(name, `exec '${part(name)}' "$@"`);
    }
    this.server = await startMyriad(this.folder);
    symlinkSync(this.server.root, join(this.folder, ".myriad"));
  }

  #command(name: string, line: string): void {
    writeFileSync(join(this.#bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(this.#bin, name), 0o755);
  }

  /** Runs a script that stops at its first failure; answers what it printed. */
  async run(script: string): Promise<string> {
    const { stdout } = await run("/bin/sh", ["-ec", script], {
      cwd: this.folder,
      timeout,
      env: {
        ...process.env,
        HOME: this.folder,
        PATH: [this.#bin, process.env.PATH ?? ""].join(delimiter),
        ...(this.server.etcd === undefined ? {} : { ETCDCTL_ENDPOINTS: this.server.etcd, ETCDCTL_API: "3" }),
      },
    });
    return stdout;
  }

  /** The logical cluster behind `root:acme`. */
  async cluster(): Promise<string> {
    const url = `${this.server.url}/clusters/root`;
    const answer = await this.run(
      `kubectl --kubeconfig .myriad/admin.kubeconfig --context root -s ${url} get workspace acme -o 'jsonpath={.spec.cluster}'`,
    );
    assert.match(answer, /^[a-z0-9]{16}$/);
    return answer;
  }

  async close(): Promise<void> {
    await this.server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const makeSecret = blockWith("kubectl create secret");
const readEmbedded = blockWith("myriad store get");
const readEtcd = blockWith("etcdctl get");

/** Starts a server on an engine for the tests of one `describe`. */
function serverOn(store: "embedded" | "etcd"): Shell {
  const shell = new Shell();
  before(async () => {
    const earlier = process.env.MYRIAD_STORE;
    process.env.MYRIAD_STORE = store;
    try {
      await shell.start();
    } finally {
      if (earlier === undefined) delete process.env.MYRIAD_STORE;
      else process.env.MYRIAD_STORE = earlier;
    }
  });
  after(() => shell.close());
  return shell;
}

describe("docs/storage-to-rest.md on the embedded engine", { skip: !has("kubectl") && "no kubectl" }, () => {
  const shell = serverOn("embedded");

  it("shows the key of the secret that was made", async () => {
    await shell.run(makeSecret);
    const key = `/registry/core/secrets/${await shell.cluster()}/default/db`;
    assert.deepEqual((await shell.run(readEmbedded)).split("\n"), [key, "", ""]);
  });

  it("shows the value without what the key and the revision tell", async () => {
    const printed = await shell.run(readEmbedded.replace(" --keys-only", ""));
    const [key, value = "", ...rest] = printed.split("\n");
    assert.deepEqual(rest, [""]);
    const { apiVersion, kind, metadata, data } = JSON.parse(value);
    assert.deepEqual(
      { apiVersion, kind, data },
      {
        apiVersion: "v1",
        kind: "Secret",
        data: { password: Buffer.from("hunter2").toString("base64") },
      },
    );
    assert.deepEqual(Object.keys(metadata).toSorted(), ["creationTimestamp", "managedFields", "uid"]);
    const shown = JSON.parse(
      await shell.run(
        `kubectl --kubeconfig .myriad/admin.kubeconfig -s ${shell.server.url}/clusters/root:acme get secret db -o json`,
      ),
    );
    assert.equal(shown.metadata.uid, metadata.uid);
    assert.equal(shown.metadata.annotations["kcp.io/cluster"], key?.split("/")[4]);
  });

  it("reads the past with --rev, and part of a range with --limit", async () => {
    const get = "myriad store get /registry/core/secrets/ --prefix";
    const context = `kubectl --kubeconfig .myriad/admin.kubeconfig -s ${shell.server.url}/clusters/root:acme`;
    const revision = await shell.run(`${context} get secret db -o 'jsonpath={.metadata.resourceVersion}'`);
    await shell.run(`${context} create secret generic db2`);
    await shell.run(`${context} delete secret db`);
    assert.match(await shell.run(`${get} --keys-only`), /^[^\n]*\/db2\n\n$/);
    assert.match(await shell.run(`${get} --keys-only --rev ${revision}`), /^[^\n]*\/db\n\n$/);
    await shell.run(`${context} create secret generic db3`);
    assert.match(await shell.run(`${get} --keys-only --limit 1`), /^[^\n]*\/db2\n\n$/);
  });

  it("reads the data directory of a server that has ended", async () => {
    assert.equal(await shell.server.stop(), 0);
    assert.match(await shell.run(readEmbedded), /\/default\/db2\n\n[^\n]*\/default\/db3\n\n$/);
  });
});

const missing = (["etcd", "etcdctl", "kubectl"] as const).filter((name) => !has(name));

describe("docs/storage-to-rest.md on etcd", {
  skip: missing.length > 0 && `no ${missing.join(", ")}`,
}, () => {
  const shell = serverOn("etcd");

  it("shows the same key with etcd's own tool", async () => {
    await shell.run(makeSecret);
    const key = `/registry/core/secrets/${await shell.cluster()}/default/db`;
    assert.deepEqual((await shell.run(readEtcd)).split("\n"), [key, "", ""]);
  });

  it("shows the same value, and a mod revision that the resourceVersion is made of", async () => {
    const fields = await shell.run(readEtcd.replace(" --keys-only", " -w json"));
    const [pair] = JSON.parse(fields).kvs as { value: string; mod_revision: number }[];
    const value = JSON.parse(Buffer.from(pair!.value, "base64").toString("utf8"));
    assert.equal(value.kind, "Secret");
    assert.equal("name" in value.metadata, false);
    const shown = await shell.run(
      `kubectl --kubeconfig .myriad/admin.kubeconfig -s ${shell.server.url}/clusters/root:acme get secret db -o 'jsonpath={.metadata.resourceVersion}'`,
    );
    assert.equal(Math.floor(Number(shown) / 128), pair!.mod_revision);
  });

  it("says that the keys are in etcd to those who ask the data directory", async () => {
    await assert.rejects(shell.run(readEmbedded), /the server keeps its data in etcd: use etcdctl/);
  });
});
