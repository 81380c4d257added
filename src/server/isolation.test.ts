/** Isolation: no request reads, lists, watches, writes, deletes or counts outside its workspace. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fullSamples, sampleOf } from "#base/testing/samples.ts";
import { until } from "#base/testing/until.ts";
import { collectionPrefix } from "#registry/keys.ts";
import { type Answer, callOn, type LiveServer, type LiveWatch } from "./testing/live-server.ts";
import {
  collectionPaths,
  everyVersion,
  expectNothingOf,
  fingerprints,
  inTurns,
  lists,
  objectPath,
  others,
  rest,
  single,
  startWithTenants,
  type Tenant,
  tenants,
  token,
  touchAll,
} from "./testing/tenants.ts";

let server: LiveServer;
before(async () => {
  server = await startWithTenants();
});
after(() => server.close());

/** Two workspaces of each type: everyday each of them is asked every other question, both together all. */
const inTurn = <T>(questions: readonly T[], tenant: Tenant): T[] =>
  questions.filter((_one, index) => fullSamples || (index + tenants.indexOf(tenant)) % 2 === 0);

describe("isolation, over all kinds of both workspace types", () => {
  it("lists, in every form, show the own workspace only", async () => {
    let shown = 0;
    const jobs = tenants.flatMap((tenant) =>
      everyVersion(tenant).flatMap(({ info, version }) =>
        collectionPaths(tenant.cluster, info, version).flatMap((path) =>
          inTurn(Object.values(lists), tenant).map((accept) => async () => {
            const answer = await server.call("GET", path, { accept });
            if (answer.status === 406) return; // kcp's kinds have no protobuf form
            assert.equal(answer.status, 200, `${path}: ${answer.text}`);
            assert.ok(answer.bytes.includes(tenant.secret), `${path} ${accept} does not show its own`);
            expectNothingOf(others(tenant), answer.bytes, `${path} ${accept}`);
            for (const { only } of others(tenant)) assert.ok(!answer.bytes.includes(only), path);
            shown++;
          }),
        ),
      ),
    );
    await inTurns(jobs);
    assert.ok(shown > sampleOf(1_000, 2), `${shown} lists`);
  });

  it("selectors, revisions, limits and tokens, the other workspaces' and forged ones too, stay inside", async () => {
    const revision = server.store.current();
    const [, , , last] = tenants;
    const jobs = tenants.flatMap((tenant) =>
      tenant.resources.flatMap((info, index) => {
        const { version } = info.versions[0]!;
        const foreign = others(tenant)[index % 3]!;
        const paths = collectionPaths(tenant.cluster, info, version);
        const forged = [
          { start: `../${foreign.cluster}/default/same\0` },
          { start: `../${foreign.cluster}/\0` },
          { start: `/registry/core/secrets/${foreign.cluster}/\0` },
          { start: `default/../../${foreign.cluster}/a\0` },
          { start: "\0" },
          { start: " \0", seen: -5 },
          { start: "a\0", seen: 1e300 },
          { start: "%2e%2e/x\0" },
          { start: "\ud800\0" },
          { start: "~".repeat(2_000) },
        ].map((more) => token({ v: "meta.k8s.io/v1", rv: revision, ...more }));
        const queries = [
          `labelSelector=owner=${foreign.only}`,
          `labelSelector=owner!=${tenant.only}`,
          "labelSelector=common",
          `fieldSelector=metadata.name=${foreign.only}`,
          "fieldSelector=metadata.name=same",
          `fieldSelector=metadata.name!=${tenant.only}`,
          "resourceVersion=0",
          `resourceVersion=${revision}&resourceVersionMatch=Exact`,
          "resourceVersion=1&resourceVersionMatch=NotOlderThan",
          ...(index % 4 === 0 ? forged.map((text) => `limit=2&continue=${text}`) : []),
        ];
        return paths.flatMap((path) =>
          inTurn(queries, tenant).map((query) => async () => {
            const accept = Object.values(lists)[query.length % 2 === 0 ? 0 : 3]!;
            const answer = await server.call("GET", `${path}?${query}`, { accept });
            assert.ok(answer.status < 500, `${path}?${query}: ${answer.text}`);
            expectNothingOf(others(tenant), answer.bytes, `${path}?${query}`);
            if (answer.status !== 200 || !query.includes(foreign.only)) return;
            const { items, rows } = answer.json;
            assert.equal((items ?? rows).length, 0, `${path}?${query}`);
          }),
        );
      }),
    );
    assert.ok(last !== undefined);
    await inTurns(jobs);
  });

  it("pages count their own workspace, and a page's token goes on in the workspace it is sent to", async () => {
    const jobs = tenants.flatMap((tenant) =>
      tenant.resources.map((info, index) => async () => {
        const { version } = info.versions[0]!;
        const [path = ""] = collectionPaths(tenant.cluster, info, version);
        const first = (await server.call("GET", `${path}?limit=1`)).json;
        const own = server.store.count(collectionPrefix(info), tenant.cluster);
        assert.equal(first.metadata.remainingItemCount ?? 0, own - 1, path);
        if (first.metadata.continue === undefined) return;
        const foreign = others(tenant)[index % 3]!;
        if (
          !foreign.resources.some((known) => known.resource === info.resource && known.group === info.group)
        )
          return;
        const [there = ""] = collectionPaths(foreign.cluster, info, version);
        const next = await server.call("GET", `${there}?limit=1&continue=${first.metadata.continue}`);
        expectNothingOf(others(foreign), next.bytes, there);
        const total = server.store.count(collectionPrefix(info), foreign.cluster);
        const remaining = Number(next.json.metadata.remainingItemCount ?? 0);
        assert.ok(remaining >= 0 && remaining < total, `${there}: ${remaining} of ${total}`);
      }),
    );
    await inTurns(jobs);
  });

  it("gets find what is in the workspace and nothing else", async () => {
    const jobs = tenants.flatMap((tenant) =>
      everyVersion(tenant).flatMap(({ info, version }) => {
        const name = info.resource === "logicalclusters" ? "cluster" : "same";
        const found = inTurn(Object.values(lists), tenant).map((accept) => async () => {
          const path = objectPath(tenant.cluster, info, version, name);
          const answer = await server.call("GET", path, { accept: single(accept) });
          if (answer.status === 406) return;
          assert.ok(answer.status === 200 && answer.bytes.includes(tenant.secret), path);
          expectNothingOf(others(tenant), answer.bytes, path);
        });
        const missing = others(tenant).map((foreign) => async () => {
          const path = objectPath(tenant.cluster, info, version, foreign.only);
          const answer = await server.call("GET", path);
          assert.equal(answer.status, 404, path);
          expectNothingOf(others(tenant), answer.bytes, path);
        });
        return [...found, ...missing];
      }),
    );
    await inTurns(jobs);
  });

  it("watches, in every form, see the changes of their own workspace only", async () => {
    for (const tenant of [tenants[0]!, tenants[2]!]) {
      const forms = Object.values(lists).filter((accept) => accept !== lists.yaml);
      const starts = ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan", "resourceVersion=0", ""];
      const open: { watch: LiveWatch; path: string }[] = [];
      const jobs = everyVersion(tenant).flatMap(({ info, version }, index) =>
        collectionPaths(tenant.cluster, info, version).map((path) => async () => {
          const accept = single(forms[index % forms.length]!);
          const query = `watch=1&allowWatchBookmarks=1&${starts[index % starts.length]}`;
          const watch = await server.watch(`${path}?${query}`, { accept });
          if (watch.status !== 406) open.push({ watch, path: `${path}?${query} ${accept}` });
        }),
      );
      await inTurns(jobs);
      for (const foreign of others(tenant)) await touchAll(server, foreign, `not-for-${tenant.cluster}-end`);
      await touchAll(server, tenant, `for-${tenant.cluster}-only`);
      for (const { watch, path } of open) {
        await until(`${path} sees its own workspace`, () =>
          watch.bytes().includes(`for-${tenant.cluster}-only`),
        );
        assert.ok(!watch.bytes().includes(`not-for-${tenant.cluster}-end`), path);
        expectNothingOf(others(tenant), watch.bytes(), path);
        watch.close();
      }
      assert.ok(open.length > 25, `${open.length} watches`);
    }
  });

  it("all workspaces at once are the administrators' to read, and nobody's to write", async () => {
    await rest(server);
    const before = fingerprints(server, tenants);
    for (const star of ["*", "%2a", "%2A"]) {
      const all = await server.call("GET", `/clusters/${star}/api/v1/secrets`);
      for (const { secret } of tenants) assert.equal(all.text.includes(secret), true);
      for (const [method, type] of [
        ["POST"],
        ["PUT"],
        ["DELETE"],
        ["PATCH", "application/merge-patch+json"],
      ] as const)
        for (const path of [
          "api/v1/secrets",
          "api/v1/namespaces/default/secrets",
          "api/v1/namespaces/default/secrets/same",
        ]) {
          const body = method === "DELETE" ? {} : { body: {}, ...(type === undefined ? {} : { type }) };
          const answer = await server.call(method, `/clusters/${star}/${path}`, body);
          assert.equal(answer.status, 405, `${method} ${path}`);
        }
      const headers = { authorization: "Bearer alice-token" };
      const nobody = server.connect("nobody");
      const refused = await callOn(nobody, "GET", `/clusters/${star}/api/v1/secrets`, { headers });
      assert.equal(refused.status, 403);
      expectNothingOf(tenants, refused.bytes, "a user without rights");
      nobody.destroy();
    }
    await rest(server);
    assert.deepEqual(fingerprints(server, tenants), before);
  });

  it("writes and deletions change the own workspace only", async () => {
    for (const tenant of [tenants[0]!, tenants[2]!]) {
      await rest(server);
      const before = fingerprints(server, others(tenant));
      let changed = 0;
      const count = (answer: Answer): void => {
        assert.ok(answer.status < 500, `${answer.text} ${server.bugs.join()}`);
        expectNothingOf(others(tenant), answer.bytes, answer.text.slice(0, 300));
        if (answer.status < 300) changed++;
      };
      const jobs = tenant.resources.map((info, index) => async () => {
        const { version } = info.versions[0]!;
        const path = objectPath(tenant.cluster, info, version, "same");
        const [everywhere = ""] = collectionPaths(tenant.cluster, info, version);
        const collection = collectionPaths(tenant.cluster, info, version).at(-1)!;
        const foreign = others(tenant)[index % 3]!;
        const hostile = { annotations: { "kcp.io/cluster": foreign.cluster }, labels: { touched: "yes" } };
        const merge = { type: "application/merge-patch+json", body: { metadata: hostile } };
        const current = (await server.call("GET", path)).json;
        count(await server.call("PATCH", path, merge));
        count(await server.call("PUT", path, { body: { metadata: { ...current.metadata, ...hostile } } }));
        count(await server.call("POST", collection, { body: { metadata: { name: "new", ...hostile } } }));
        count(await server.call("DELETE", `${everywhere}?labelSelector=owner=${foreign.only}`));
        count(await server.call("DELETE", objectPath(tenant.cluster, info, version, foreign.only)));
        if (info.resource === "logicalclusters") return;
        count(await server.call("DELETE", path));
        if (info.resource !== "namespaces") count(await server.call("DELETE", collection));
      });
      await inTurns(jobs, 16);
      await rest(server);
      assert.deepEqual(fingerprints(server, others(tenant)), before);
      assert.ok(changed > 60, `${changed} writes succeeded`);
    }
  });
});
