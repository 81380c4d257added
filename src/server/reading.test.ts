/** GET and LIST over HTTP: the resourceVersion table, paging, selectors, forms (Kubernetes' API concepts; apiserver list options). */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Revision } from "#storage/port.ts";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
});
after(() => server.close());

const get = (query = "", options = {}): Promise<Answer> => server.call("GET", `${base}${query}`, options);
const names = (answer: Answer): string[] => answer.json.items.map(({ metadata }) => metadata.name);
const revisionOf = (answer: Answer): number => Number(answer.json.metadata.resourceVersion);

/** A fresh workspace with ConfigMaps a to e in namespace `default`, without what comes with the namespace. */
async function fresh(name: string): Promise<string> {
  const cluster = await server.workspace(name);
  base = `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
  await server.call("DELETE", `${base}/kube-root-ca.crt`);
  await server.call("POST", `/clusters/${cluster}/api/v1/namespaces`, {
    body: { metadata: { name: "other" } },
  });
  base = `/clusters/${cluster}/api/v1/namespaces/other/configmaps`;
  await server.call("DELETE", `${base}/kube-root-ca.crt`);
  for (const item of ["a", "b", "c", "d", "e"]) await create(item, { group: item < "c" ? "low" : "high" });
  return cluster;
}
const create = (name: string, labels = {}): Promise<Answer> =>
  server.call("POST", base, { body: { metadata: { name, labels }, data: { k: name } } });

const problem = (answer: Answer): unknown[] => [answer.status, answer.json.reason, answer.json.message];
const cause = (answer: Answer): unknown => answer.json.details.causes[0];

describe("the resourceVersion table", () => {
  before(() => fresh("table"));
  // The controllers put kube-root-ca.crt back: only a to e count here.
  const own = (answer: Answer): string =>
    names(answer)
      .filter((name) => name.length === 1)
      .join("");

  it("unset and 0 show the newest; 0 ignores the limit", async () => {
    assert.equal(own(await get()), "abcde");
    assert.equal(own(await get("?resourceVersion=0&limit=1")), "abcde");
    assert.equal(own(await get("?resourceVersion=0&resourceVersionMatch=NotOlderThan")), "abcde");
  });

  it("N: not older than; with a limit or Exact: exactly", async () => {
    const then = revisionOf(await get());
    await create("f");
    for (const query of [
      `resourceVersion=${then}`,
      `resourceVersion=${then}&resourceVersionMatch=NotOlderThan`,
      `resourceVersion=${then}&resourceVersionMatch=NotOlderThan&limit=100`,
    ]) {
      const answer = await get(`?${query}`);
      assert.equal(own(answer), "abcdef", query);
      assert.ok(revisionOf(answer) > then);
    }
    for (const query of [
      `resourceVersion=${then}&limit=100`,
      `resourceVersion=${then}&resourceVersionMatch=Exact`,
    ]) {
      const answer = await get(`?${query}`);
      assert.equal(own(answer), "abcde", query);
      assert.equal(revisionOf(answer), then);
    }
    await server.call("DELETE", `${base}/f`);
    const past = await get(`?resourceVersion=${then + 1}&resourceVersionMatch=Exact`);
    assert.equal(past.status, 200);
  });

  it("combinations that mean nothing are 422, what is no number is 400", async () => {
    const forbidden = async (query: string, detail: string) => {
      const answer = await get(`?${query}`);
      assert.equal(answer.status, 422, query);
      assert.deepEqual([answer.json.details.group, answer.json.details.kind], ["meta.k8s.io", "ListOptions"]);
      assert.match(answer.json.message, new RegExp(detail));
    };
    await forbidden(
      "resourceVersion=0&resourceVersionMatch=Exact",
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
    await forbidden(
      "resourceVersionMatch=Exact",
      "resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
    await forbidden("resourceVersion=1&resourceVersionMatch=Newest", 'Unsupported value: "Newest"');
    await forbidden(
      "resourceVersion=1&resourceVersionMatch=Exact&continue=abc",
      "resourceVersionMatch is forbidden when continue is provided",
    );
    await forbidden("sendInitialEvents=true", "sendInitialEvents is forbidden for list");
    for (const text of ["x", "-1", "1.5", "0x10"]) {
      assert.deepEqual(problem(await get(`?resourceVersion=${text}`)).slice(0, 2), [400, "BadRequest"]);
      assert.equal((await get(`/a?resourceVersion=${text}`)).status, 400);
    }
  });

  it("the future is waited for, then 504 with a cause", async () => {
    const now = server.store.current();
    const soon = get(`?resourceVersion=${now + 1}`);
    await create("g");
    assert.equal((await soon).status, 200);
    await server.call("DELETE", `${base}/g`);
    const paths = [
      "?resourceVersion=123456789",
      "/a?resourceVersion=123456789",
      "?limit=1&resourceVersion=123456789",
    ];
    for (const answer of await Promise.all(paths.map((path) => get(path)))) {
      assert.deepEqual(problem(answer).slice(0, 2), [504, "Timeout"]);
      assert.match(answer.json.message, /Too large resource version: 123456789, current: \d+/);
      assert.deepEqual(cause(answer), {
        reason: "ResourceVersionTooLarge",
        message: "Too large resource version",
      });
      assert.equal(answer.json.details.retryAfterSeconds, 1);
      assert.equal(answer.headers["retry-after"], "1");
    }
  });
});

describe("paging", () => {
  let cluster = "";
  before(async () => {
    cluster = await fresh("paging");
  });

  it("walks one revision; only the last page has no token", async () => {
    let query = "?limit=2";
    const seen: string[] = [];
    const revisions = new Set<number>();
    for (let page = 0; page < 10; page++) {
      const answer = await get(query);
      seen.push(...names(answer));
      revisions.add(revisionOf(answer));
      if (page === 0) {
        await create("aa");
        await server.call("DELETE", `${base}/e`);
      }
      const token = answer.json.metadata.continue;
      if (token === undefined) break;
      query = `?limit=2&continue=${token}`;
    }
    assert.deepEqual(
      seen.filter((name) => name.length < 3),
      ["a", "b", "c", "d", "e"],
    );
    assert.equal(revisions.size, 1);
  });

  it("counts what remains without selectors only", async () => {
    const all = `/clusters/${cluster}/api/v1/configmaps`;
    const total = (await server.call("GET", all)).json.items.length;
    const first = (await server.call("GET", `${all}?limit=2`)).json;
    assert.equal(first.metadata.remainingItemCount, total - 2);
    const second = (await server.call("GET", `${all}?limit=1&continue=${first.metadata.continue}`)).json;
    assert.equal(second.metadata.remainingItemCount, total - 3);
    for (const selector of ["labelSelector=group", "fieldSelector=metadata.name!=zzz"]) {
      const selected = (await server.call("GET", `${all}?limit=1&${selector}`)).json;
      assert.equal(typeof selected.metadata.continue, "string");
      assert.equal(selected.metadata.remainingItemCount, undefined);
    }
    const exactly = (await server.call("GET", `${all}?limit=${total}`)).json;
    assert.deepEqual(
      [exactly.metadata.continue, exactly.metadata.remainingItemCount],
      [undefined, undefined],
    );
  });

  it("refuses tokens that are none, and revisions beside them", async () => {
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const token of [
      "x",
      "%20",
      encode(1),
      encode({}),
      encode({ v: "v2", rv: 1, start: "a\0" }),
      encode({ v: "meta.k8s.io/v1", rv: 1, start: "../x\0" }),
      encode({ v: "meta.k8s.io/v1", rv: 1, start: "" }),
      encode({ v: "meta.k8s.io/v1", rv: "1", start: "a\0" }),
    ]) {
      const answer = await get(`?limit=1&continue=${token}`);
      assert.deepEqual(problem(answer).slice(0, 2), [400, "BadRequest"], token);
      assert.match(answer.json.message, /continue key is not valid/);
    }
    const { metadata } = (await get("?limit=1")).json;
    assert.equal(
      (await get(`?limit=1&continue=${metadata.continue}&resourceVersion=5`)).json.message,
      "specifying resource version is not allowed when using continue",
    );
    assert.equal((await get(`?limit=1&continue=${metadata.continue}&resourceVersion=0`)).status, 200);
  });

  it("after compaction: 410, with a token that goes on at the newest revision", async () => {
    const first = (await get("?limit=2")).json;
    const old = Number(first.metadata.resourceVersion);
    await create("z");
    await server.store.compact(server.store.current() as Revision);
    const gone = await get(`?limit=2&continue=${first.metadata.continue}`);
    assert.deepEqual(problem(gone).slice(0, 2), [410, "Expired"]);
    assert.match(
      gone.json.message,
      /The provided continue parameter is too old to display a consistent list result/,
    );
    const inconsistent = gone.json.metadata.continue;
    assert.deepEqual(JSON.parse(Buffer.from(inconsistent, "base64url").toString()).rv, -1);
    const on = await get(`?limit=100&continue=${inconsistent}`);
    assert.equal(on.status, 200);
    assert.ok(names(on).includes("z"));
    assert.ok(!names(on).includes(first.items[0]!.metadata.name));
    const exact = await get(`?resourceVersion=${old}&resourceVersionMatch=Exact`);
    assert.deepEqual(problem(exact).slice(0, 2), [410, "Expired"]);
    assert.equal(exact.json.metadata.continue, undefined);
    assert.equal((await get(`?resourceVersion=${old}`)).status, 200);
  });
});

describe("selectors", () => {
  let cluster = "";
  before(async () => {
    cluster = await fresh("selectors");
  });
  const select = async (query: string): Promise<string> =>
    names(await get(query))
      .filter((name) => name.length === 1)
      .join("");

  it("by labels and fields", async () => {
    assert.equal(await select("?labelSelector=group%3Dlow"), "ab");
    assert.equal(await select("?labelSelector=group+notin+(low),group"), "cde");
    assert.equal(await select("?labelSelector=group!=low"), "cde");
    assert.equal(await select("?labelSelector=!group"), "");
    assert.equal(await select("?fieldSelector=metadata.name=b"), "b");
    assert.equal(await select("?fieldSelector=metadata.name!=b,metadata.namespace=other"), "acde");
    assert.equal(await select("?fieldSelector=metadata.namespace=elsewhere"), "");
    const everywhere = await server.call(
      "GET",
      `/clusters/${cluster}/api/v1/configmaps?fieldSelector=metadata.name=b`,
    );
    assert.deepEqual(names(everywhere), ["b"]);
    const all = await server.call(
      "GET",
      "/clusters/*/api/v1/configmaps?fieldSelector=metadata.name=b&labelSelector=group",
    );
    assert.ok(all.json.items.length >= 2);
  });

  it("of kinds' own fields", async () => {
    await server.call("POST", `/clusters/${cluster}/api/v1/namespaces/other/secrets`, {
      body: { metadata: { name: "s" }, type: "mine" },
    });
    const found = await server.call("GET", `/clusters/${cluster}/api/v1/secrets?fieldSelector=type=mine`);
    assert.deepEqual(names(found), ["s"]);
    const active = await server.call(
      "GET",
      `/clusters/${cluster}/api/v1/namespaces?fieldSelector=status.phase=Active`,
    );
    assert.ok(names(active).includes("other"));
    const going = await server.call(
      "GET",
      `/clusters/${cluster}/api/v1/namespaces?fieldSelector=status.phase!=Active`,
    );
    assert.deepEqual(names(going), []);
    const byShortName = await server.call(
      "GET",
      `/clusters/${cluster}/api/v1/namespaces?fieldSelector=name=other`,
    );
    assert.deepEqual(problem(byShortName), [400, "BadRequest", "field label not supported: name"]);
  });

  it("refused with upstream's words", async () => {
    const answer = await get("?fieldSelector=spec.x=1");
    assert.deepEqual(problem(answer), [
      400,
      "BadRequest",
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ]);
    assert.match(
      (await get("?labelSelector=a+in+b")).json.message,
      /unable to parse requirement: found 'b' expected: '\('/,
    );
    assert.equal((await get("?limit=x")).status, 400);
  });
});
