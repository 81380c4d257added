/**
 * Events of kube-apiserver 1.36.3 for some sixty requests, recorded at level RequestResponse, and ours for the same ones. What
 * differs from server to server (times, UIDs, versions) is masked in both; what kcp adds is taken away.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
import { auditFixture } from "./testing/audit-fixture.ts";
import { callOn, type LiveServer, startLiveServer } from "./testing/live-server.ts";

interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the first stage, and without who asked. */
  readonly events: readonly object[];
}

const file = new URL("./testing/audit-events.generated.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as readonly Recorded[];
const audit = auditFixture("- {level: RequestResponse, omitStages: [RequestReceived]}");
let server: LiveServer;
let base: string;

before(async () => {
  server = await startLiveServer({ audit: audit.options });
  base = `/clusters/${await server.workspace("recorded", { type: "kubernetes" })}`;
  const made = await server.call("POST", `${base}/api/v1/namespaces`, { body: { metadata: { name: "bu" } } });
  assert.equal(made.status, 201, made.text);
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const maskedNames = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "time",
  "requestReceivedTimestamp",
  "stageTimestamp",
  "resourceVersion",
];
/** As clients of the recording gave them. */
const given = ["x", "zz", "1"];

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === "string")
    return value
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "<uid>")
      .replace(/gen-[a-z0-9]{5}/g, "gen-<random>");
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !/^(kcp|tenancy\.kcp)\.io\//.test(name))
      .filter(([name, inner]) => name !== "annotations" || Object.keys(masked(inner) as object).length > 0)
      .map(([name, inner]) => [
        name,
        typeof inner === "string" && maskedNames.includes(name) && !given.includes(inner)
          ? `<${name}>`
          : masked(inner),
      ]),
  );
}

function eventsOf(id: string): unknown[] {
  return audit.of(id).map((event) => {
    const { kind: _k, apiVersion: _v, level: _l, auditID: _i, user: _u, userAgent: _a, ...rest } = event;
    const { sourceIPs: _s, ...shown } = rest;
    return masked(shown);
  });
}

for (const [index, { method, path, body, headers = {}, events, ...form }] of recorded.entries()) {
  test(`${method} ${path} ${form.type ?? ""}${form.accept ?? ""} (${index})`, async () => {
    const id = `recorded-${index}`;
    const { authorization, ...others } = headers;
    const session = server.connect(authorization === undefined ? "admin" : "nobody");
    const sent = {
      ...form,
      ...(body !== undefined && { body }),
      headers: {
        "user-agent": "cmp",
        ...others,
        ...(authorization !== undefined && authorization !== "" && { authorization }),
        "audit-id": id,
      },
    };
    await callOn(session, method, base + path, sent);
    session.destroy();
    // The end of a watch is told after the answer.
    await until("all events are there", () => audit.of(id).length >= events.length);
    assert.deepEqual(eventsOf(id), events);
  });
}
