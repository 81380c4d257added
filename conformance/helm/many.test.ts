import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eachBounded } from "../harness/program.ts";
import { openTarget, type Target, type Workspace } from "../harness.ts";
import { chart, helmFor, timeout, versions } from "./helm.ts";
import { fakeWorkloads } from "./workloads.ts";

/** How many workspaces get a release of the same name. */
const releases = 50;

/** How many of them Helm works in at the same time: a process each, on two cores. */
const width = 6;

let target: Target;
let workspaces: Workspace[];
before(async () => {
  target = await openTarget();
  workspaces = await target.workspaces(releases, "kubernetes");
});
after(() => target?.close());

/** In every workspace at once: Helm 3 in one half, Helm 4 in the other; the fake controllers run meanwhile. */
const everywhere = (
  work: (helm: ReturnType<typeof helmFor>, tenant: string, workspace: Workspace) => Promise<void>,
) =>
  eachBounded(workspaces, width, async (workspace, at) => {
    const version = versions[at % versions.length];
    assert.ok(version);
    const faked = fakeWorkloads(workspace.api);
    try {
      await work(helmFor(version, workspace), `tenant-${at}`, workspace);
    } finally {
      await faked.stop();
    }
  });

const offer = async ({ api }: Workspace): Promise<unknown> =>
  (await api.json("GET", "/apis/shop.example.com/v1/namespaces/shop/offers/one-shop")).spec;

test("install, each with values of its own", () =>
  everywhere(async (helm, tenant) => {
    const text = await helm.ok(
      ...["install", "one", chart, "--create-namespace", "--wait", timeout, `--set=tenant=${tenant}`],
    );
    assert.match(text, new RegExp(`The shop one of ${tenant} is open, revision 1`));
  }));

test("every workspace holds its own release only", async () => {
  await eachBounded(workspaces, width, async (workspace, at) => {
    assert.deepEqual(await offer(workspace), { price: 5, currency: "EUR", tenant: `tenant-${at}` });
    const list = await workspace.api.json("GET", "/apis/shop.example.com/v1/offers");
    assert.equal((list.items as unknown[]).length, 1);
  });
});

test("upgrade, with a price of its own", () =>
  everywhere(async (helm, tenant, workspace) => {
    const price = 20 + Number(tenant.slice("tenant-".length));
    await helm.ok("upgrade", "one", chart, "--wait", timeout, "--reuse-values", `--set=price=${price}`);
    assert.deepEqual(await offer(workspace), { price, currency: "EUR", tenant });
  }));

test("roll back, test, uninstall", () =>
  everywhere(async (helm, tenant, workspace) => {
    await helm.ok("rollback", "one", "1", "--wait", timeout);
    assert.deepEqual(await offer(workspace), { price: 5, currency: "EUR", tenant });
    await helm.ok("test", "one", timeout);
    await helm.ok("uninstall", "one", "--wait", timeout);
    const list = await workspace.api.json("GET", "/apis/shop.example.com/v1/offers");
    assert.deepEqual(list.items, []);
  }));
