import assert from "node:assert/strict";
import { it } from "node:test";
import type { Endpoint } from "./context.ts";
import { pingCheck } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { requestMetrics } from "./request-metrics.ts";
import { systemEndpoints } from "./system-endpoints.ts";
import { askHttp1, startTestServer } from "./testing/tls-server.ts";
import { versionInfo } from "./version.ts";
import { Warnings } from "./warnings.ts";

it("serves health, version, metrics and the index", async () => {
  let ready: string | undefined = "starting";
  const failures: string[] = [];
  const metrics = new Metrics();
  const { onDone, onServe } = requestMetrics(
    metrics,
    Date.now,
    (_group, _version, resource) => resource === "configmaps",
  );
  const readyz = [pingCheck, { name: "store", check: () => ready }];
  const endpoints = systemEndpoints({
    health: {
      healthz: [pingCheck],
      livez: [pingCheck],
      readyz,
      onFailure: (...why) => failures.push(why.join(" ")),
    },
    version: versionInfo("0.1.0", { version: "v24.1.0", platform: "linux", arch: "x64" }),
    metrics,
    listedPaths: () => ["/api/v1"],
  });
  const ok: Endpoint = ({ exchange }) => exchange.respond(200, {}, "ok");
  const server = await startTestServer((context) => (endpoints.get(context.info.path) ?? ok)(context), {
    onDone,
    onServe,
  });
  const get = async (path: string) => {
    const { status, body } = await askHttp1(server, path, server.pki.admin);
    return [status, body.toString()];
  };
  assert.deepEqual(await get("/livez"), [200, "ok"]);
  assert.deepEqual(await get("/readyz"), [
    500,
    "[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n",
  ]);
  assert.deepEqual(failures, ["/readyz store starting"]);
  assert.deepEqual(await get("/readyz/store"), [500, "internal server error: starting\n"]);
  assert.deepEqual(await get("/readyz?exclude=store"), [200, "ok"]);
  ready = undefined;
  assert.deepEqual(await get("/readyz?verbose&exclude=x"), [
    200,
    '[+]ping ok\n[+]store ok\nwarn: some health checks cannot be excluded: no matches for "x"\nreadyz check passed\n',
  ]);
  const version = JSON.parse((await get("/version"))[1] as string);
  assert.equal(version.gitVersion, "v1.36.3+myriad-0.1.0");
  assert.equal(version.minor, "36");
  assert.equal(version.platform, "linux/amd64");
  assert.ok(JSON.parse((await get("/"))[1] as string).paths.includes("/readyz/store"));
  for (let i = 0; i < 5; i++) {
    await get(`/clusters/w${i}/api/v1/namespaces/n${i}/configmaps/c${i}`);
    await get(`/clusters/w${i}/api/v1/namespaces/n${i}/hostile${i}/c${i}`);
  }
  const [, text] = (await get("/metrics")) as [number, string];
  const series = text.split("\n").filter((line) => line.startsWith('apiserver_request_total{verb="GET"'));
  assert.ok(
    series.includes(
      'apiserver_request_total{verb="GET",dry_run="",group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver",code="200"} 5',
    ),
  );
  assert.ok(series.length <= 4, text);
  assert.match(text, /apiserver_request_duration_seconds_bucket\{.*le="\+Inf"\} 5/);
  await server.close();
});

it("tells applies and dry runs apart, and what is being worked on", async () => {
  const metrics = new Metrics();
  const open: string[] = [];
  const gauges = (): string[] =>
    metrics
      .render()
      .split("\n")
      .filter((line) => /^apiserver_(current_inflight|longrunning)_requests\{.* 1$/.test(line));
  const answer: Endpoint = ({ exchange }) => {
    open.push(...gauges());
    exchange.respond(200, {}, "ok");
  };
  const server = await startTestServer(
    answer,
    requestMetrics(metrics, Date.now, () => true),
  );
  const path = "/clusters/w/apis/apps/v1/namespaces/n/deployments";
  const ask = (query: string, method: string, type: string) =>
    askHttp1(server, `${path}${query}`, { ...server.pki.admin, method, headers: { "content-type": type } });
  await ask("/d?dryRun=All", "PATCH", "application/apply-patch+yaml");
  await ask("/d", "PATCH", "application/merge-patch+json");
  await ask("?watch=1", "GET", "");
  const labels = (scope: string): string =>
    `group="apps",version="v1",resource="deployments",subresource="",scope="${scope}",component="apiserver"`;
  assert.deepEqual(open, [
    'apiserver_current_inflight_requests{request_kind="mutating"} 1',
    'apiserver_current_inflight_requests{request_kind="mutating"} 1',
    `apiserver_longrunning_requests{verb="WATCH",${labels("namespace")}} 1`,
  ]);
  const text = metrics.render();
  for (const [verb, dryRun] of [
    ["APPLY", "All"],
    ["PATCH", ""],
  ]) {
    const series = `verb="${verb}",dry_run="${dryRun}",${labels("resource")},code="200"`;
    assert.ok(text.includes(`apiserver_request_total{${series}} 1`), text);
  }
  await server.close();
  assert.deepEqual(gauges(), []);
});

it("keeps a family's series bounded", () => {
  const family = new Metrics().counter("x", "help", ["a"]);
  for (let i = 0; i < 6000; i++) family.with([String(i)]).value++;
  const lines: string[] = [];
  family.render(lines);
  assert.ok(lines.length < 5010);
  assert.ok(lines.includes('x{a="other"} 1000'));
});

it("cuts warnings when they are many", () => {
  const warnings = new Warnings();
  for (let i = 0; i < 20; i++) assert.equal(warnings.add(`${i} ${"ä".repeat(400)}`), true);
  assert.equal(warnings.add(""), false);
  const headers = warnings.headers();
  assert.equal(headers.length, 16);
  assert.equal(Buffer.from(headers[0]!, "latin1").toString(), `299 - "0 ${"ä".repeat(254)}"`);
});
