import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../harness/child.ts";
import { openTarget, type Target, type Workspace } from "../harness.ts";
import { chart, type Helm, helmFor, timeout, versions } from "./helm.ts";
import { fakeWorkloads } from "./workloads.ts";

let target: Target;
let workspaces: Workspace[];
const faked: { stop(): Promise<void> }[] = [];
before(async () => {
  target = await openTarget();
  workspaces = await target.workspaces(versions.length, "kubernetes");
  for (const { api } of workspaces) faked.push(fakeWorkloads(api));
});
after(async () => {
  for (const each of faked) await each.stop();
  await target?.close();
});

/** Short waits for what is meant to fail; what it takes back afterwards must be done within the same time. */
const soon = "--timeout=20s";

for (const [at, version] of versions.entries()) {
  describe(`Helm ${version}`, () => {
    let helm: Helm;
    let api: Workspace["api"];
    before(() => {
      const workspace = workspaces[at];
      assert.ok(workspace);
      helm = helmFor(version, workspace);
      api = workspace.api;
    });
    const get = async (path: string): Promise<{ [field: string]: never } | undefined> => {
      const answer = await api.send("GET", path);
      if (answer.status === 404) return undefined;
      assert.equal(answer.status, 200, answer.text);
      return JSON.parse(answer.text);
    };
    const core = (name: string) => get(`/api/v1/namespaces/shop/${name}`);
    const data = async (name: string): Promise<Record<string, string>> =>
      ((await core(name))?.data ?? {}) as Record<string, string>;
    const offer = async (name = "one-shop") =>
      (await get(`/apis/shop.example.com/v1/namespaces/shop/offers/${name}`))?.spec as
        | Record<string, unknown>
        | undefined;
    const jobs = async (): Promise<string[]> =>
      (
        (await get("/apis/batch/v1/namespaces/shop/jobs"))?.items as
          | { metadata: { name: string } }[]
          | undefined
      )
        ?.map(({ metadata }) => metadata.name.replace("one-shop-", ""))
        .sort() ?? [];
    const upgrade = (...args: string[]) => [
      "upgrade",
      "one",
      chart,
      "--wait",
      timeout,
      "--set=tenant=ann",
      ...args,
    ];
    let password: string | undefined;

    test("install: definitions first, then hooks and the rest; waits; notes", async () => {
      const text = await helm.ok(
        ...["install", "one", chart, "--create-namespace", "--wait", "--wait-for-jobs", timeout],
        "--set=tenant=ann",
      );
      assert.match(
        text,
        /STATUS: deployed\nREVISION: 1\n(?:.*\n)*NOTES:\nThe shop one of ann is open, revision 1\.\n/,
      );
      assert.deepEqual(await offer(), { price: 5, currency: "EUR", tenant: "ann" });
      const settings = await data("configmaps/one-shop");
      assert.deepEqual([settings.tenant, settings.revision], ["ann", "1"]);
      password = (await data("secrets/one-shop-password")).password;
      assert.ok(password);
      assert.deepEqual(await jobs(), ["post-install", "pre-install"]);
      assert.ok(await get("/apis/apps/v1/namespaces/shop/statefulsets/one-cache"));
      // Helm 3 waits for it.
      const front = await get("/api/v1/namespaces/shop/services/one-shop-front");
      assert.match(JSON.stringify(front?.spec), /"clusterIP":"10\.\d+\.\d+\.\d+"/);
      assert.ok(await get("/apis/rbac.authorization.k8s.io/v1/clusterroles/one-shop"));
      const listed = JSON.parse(await helm.ok("list", "-o", "json"));
      assert.deepEqual(
        listed.map((each: Record<string, string>) => [each.name, each.namespace, each.status, each.revision]),
        [["one", "shop", "deployed", "1"]],
      );
    });

    test("a name in use, and values against the schema, are refused", async () => {
      assert.match(
        await helm.fails("install", "one", chart, "--set=tenant=ann"),
        /cannot re-?use a name that is still in use/,
      );
      assert.match(
        await helm.fails("install", "other", chart, "--set=tenant=ann,replicas=many"),
        /values don't meet the specifications of the schema/,
      );
    });

    test("a dry run on the server reads the cluster and writes nothing", async () => {
      const before = await data("configmaps/one-shop");
      const text = await helm.ok(...upgrade("--dry-run=server", "--set=price=6"));
      assert.ok(text.includes(`password: ${password}`), "the dry run looks the password up");
      assert.match(text, /price: "6"/);
      assert.match(text, /offers: "true"/);
      assert.deepEqual(await data("configmaps/one-shop"), before);
      assert.deepEqual(JSON.parse(await helm.ok("history", "one", "-o", "json")).length, 1);
    });

    test("upgrade: changes what changed, keeps what was looked up", async () => {
      await helm.ok(...upgrade("--set=price=7,replicas=3"));
      assert.deepEqual(await offer(), { price: 7, currency: "EUR", tenant: "ann" });
      assert.equal((await data("configmaps/one-shop")).revision, "2");
      assert.equal((await data("configmaps/one-shop-hook")).revision, "2");
      assert.equal((await data("secrets/one-shop-password")).password, password);
      const front = await get("/apis/apps/v1/namespaces/shop/deployments/one-shop-front");
      assert.equal((front?.spec as { replicas: number } | undefined)?.replicas, 3);
      assert.deepEqual(await jobs(), ["post-install", "pre-install", "pre-upgrade"]);
    });

    test("an object that the server refuses fails the release, with the server's text", async () => {
      assert.match(await helm.fails(...upgrade("--set=price=13")), /nobody buys at 13/);
      assert.match(
        await helm.fails(...upgrade("--set=price=101")),
        /spec\.price in body should be less than or equal to 100/,
      );
      const history = JSON.parse(await helm.ok("history", "one", "-o", "json"));
      assert.deepEqual(
        history.map((each: Record<string, string>) => each.status),
        ["superseded", "deployed", "failed", "failed"],
      );
    });

    test("rollback to the first revision", async () => {
      assert.match(await helm.ok("rollback", "one", "1", "--wait", timeout), /Rollback was a success/);
      assert.deepEqual(await offer(), { price: 5, currency: "EUR", tenant: "ann" });
      assert.ok((await jobs()).includes("post-rollback"));
      const status = JSON.parse(await helm.ok("status", "one", "-o", "json"));
      assert.deepEqual([status.version, status.info.status], [5, "deployed"]);
    });

    test("what somebody else changed is set back: by three-way merge, or by server-side apply with force", async () => {
      await api.json("PUT", "/api/v1/namespaces/shop/configmaps/one-shop", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: (await core("configmaps/one-shop"))?.metadata,
        data: { ...(await data("configmaps/one-shop")), tenant: "eve", extra: "kept" },
      });
      const server = version > 3;
      if (server)
        assert.match(
          await helm.fails(...upgrade("--set=price=8")),
          /conflict with "[^"]+"[^\n]*\.data\.tenant/,
        );
      await helm.ok(...upgrade("--set=price=8", ...(server ? ["--force-conflicts"] : [])));
      const settings = await data("configmaps/one-shop");
      // Helm 3 writes a field only when the chart changed it, or when it is gone or different from the chart's.
      assert.deepEqual([settings.tenant, settings.extra, settings.price], ["ann", "kept", "8"]);
    });

    test("test hooks", async () => {
      assert.match(
        await helm.ok("test", "one", timeout),
        /TEST SUITE:\s+one-shop-test\n(?:.*\n)*Phase:\s+Succeeded/,
      );
    });

    test("a release that does not become ready: a failure, taken back where that is asked for", async () => {
      const takeBack = version > 3 ? "--rollback-on-failure" : "--atomic";
      assert.match(
        await helm.fails("install", "lame", chart, takeBack, soon, "--set=tenant=ann,ready=false"),
        version > 3
          ? /uninstall|rollback-on-failure|context deadline exceeded/
          : /uninstalled due to atomic being set/,
      );
      assert.equal(await core("configmaps/lame-shop"), undefined);
      assert.equal((await helm.run("status", "lame")).code, 1);
      const before = await data("configmaps/one-shop");
      await helm.fails(
        ...["upgrade", "one", chart, takeBack, soon, "--set=tenant=ann,ready=false,price=9"],
        ...(version > 3 ? ["--force-conflicts"] : []),
      );
      assert.deepEqual({ ...(await data("configmaps/one-shop")), revision: "" }, { ...before, revision: "" });
      assert.equal(JSON.parse(await helm.ok("status", "one", "-o", "json")).info.status, "deployed");
    });

    test("get all of a release; install with a generated name and replaced values from a file", async () => {
      assert.match(await helm.ok("get", "notes", "one"), /The shop one of ann is open/);
      assert.match(await helm.ok("get", "hooks", "one"), /helm\.sh\/hook: pre-install/);
      assert.deepEqual(JSON.parse(await helm.ok("get", "values", "one", "-o", "json")).tenant, "ann");
      const text = await helm.ok(
        "install",
        chart,
        "--generate-name",
        "--set=tenant=bob,cache.enabled=false",
        "--no-hooks",
      );
      const [, name] = /^NAME: (shop-\d+)$/m.exec(text) ?? [];
      assert.ok(name, text);
      assert.deepEqual((await offer(`${name}-shop`))?.tenant, "bob");
      await helm.ok("uninstall", name, "--no-hooks");
    });

    test("uninstall: all goes but what is to be kept, and the definitions", async () => {
      await helm.ok("uninstall", "one", "--wait", timeout);
      await until("the release's objects are gone", async () => {
        const gone = await Promise.all([
          ...[core("configmaps/one-shop"), core("services/one-cache"), offer()],
          get("/apis/apps/v1/namespaces/shop/deployments/one-shop-front"),
          get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/one-shop"),
        ]);
        return gone.every((each) => each === undefined);
      });
      assert.ok(await core("secrets/one-shop-kept"));
      assert.ok(await get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/offers.shop.example.com"));
      assert.deepEqual(
        JSON.parse(await helm.ok("list", ...(version > 3 ? [] : ["--all"]), "-o", "json")),
        [],
      );
    });
  });
}
