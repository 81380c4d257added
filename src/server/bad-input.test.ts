/**
 * Broken requests by the thousand: each answers with a Status or a line of text that blames the client, none hangs, none
 * shows as a bug of the server, and the connection serves on.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import fc from "fast-check";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { checkAnswer } from "./testing/answers.ts";
import { type Answer, type CallOptions, type LiveServer, startLiveServer } from "./testing/live-server.ts";
import { pick, randomOf, randomValue, runs } from "./testing/random-objects.ts";

const resources = kubernetesResources();
const catalogue = loadCatalogue();
let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("target", { type: "kubernetes" })}`;
});
after(() => server.close());
afterEach(async () => {
  assert.equal((await server.call("GET", `${base}/api/v1/namespaces/default`)).status, 200);
});

const check = (answer: Answer, what: string): void => checkAnswer(server, answer, what);

async function refused(method: string, path: string, options?: CallOptions): Promise<void> {
  const answer = await server.call(method, `${base}${path}`, options);
  check(answer, `${method} ${path} ${JSON.stringify(options)?.slice(0, 300)}`);
  assert.ok(answer.status >= 400, `${method} ${path} was taken: ${answer.text.slice(0, 300)}`);
}

const seeds = fc.integer({ min: 0, max: 0x7fffffff });
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];
const secrets = "/api/v1/namespaces/default/secrets";

describe("bad input", () => {
  it("objects of all kinds with wrong values in them, created, replaced and patched", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomOf(seed);
        const info = pick(random, resources);
        const { version, kind, type } = pick(random, info.versions);
        const root = info.group === "" ? `/api/${version}` : `/apis/${info.group}/${version}`;
        const collection = `${base}${root}${info.namespaced ? "/namespaces/default" : ""}/${info.resource}`;
        const name = `n${seed % 20}`;
        const body = randomValue({ kind: "ref", ref: type }, catalogue, random, pick(random, [10, 60, 1e9]));
        if (typeof body === "object" && body !== null) {
          Object.assign(body, { apiVersion: apiVersionOf(info.group, version), kind });
          const { metadata } = body as { metadata?: object };
          if (random() < 0.8)
            Object.assign(body, {
              metadata: { ...metadata, name, namespace: undefined, resourceVersion: undefined },
            });
        }
        const requests: [string, string, CallOptions][] = [
          ["POST", collection, { body }],
          ["PUT", `${collection}/${name}`, { body }],
          ["PATCH", `${collection}/${name}`, { body, type: pick(random, patchTypes) }],
          ["PATCH", `${collection}/${name}/status`, { body, type: patchTypes[1]! }],
        ];
        for (const [method, path, options] of requests) {
          const answer = await server.call(method, path, options);
          check(answer, `${method} ${path} ${JSON.stringify(body)}`);
          if (answer.status < 300) taken++;
        }
      }),
      { numRuns: runs(250) },
    );
    assert.ok(taken > 20, `${taken} were taken: the generator makes nothing that gets far`);
  });

  it("broken bytes as JSON, YAML, protobuf and patches", async () => {
    const codec = new ProtobufCodec(catalogue);
    const model = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "b", labels: { a: "b" }, ownerReferences: [{ uid: "u" }] },
      data: { k: "AQI=" },
      immutable: true,
    };
    const json = Buffer.from(JSON.stringify(model));
    const protobuf = encodeObjectProtobuf(codec, "io.k8s.api.core.v1.Secret", model);
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomOf(seed);
        const type = pick(random, [
          "application/json",
          "application/yaml",
          "application/vnd.kubernetes.protobuf",
          ...patchTypes,
        ]);
        const bytes = Buffer.from(type.endsWith("protobuf") ? protobuf : json);
        for (let i = Math.floor(random() * 6); i >= 0; i--)
          bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        const body = random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
        const answer = type.includes("patch")
          ? await server.call(
              "PATCH",
              `${base}/api/v1/namespaces/default/configmaps/kube-root-ca.crt?dryRun=All`,
              { body, type },
            )
          : await server.call(
              "POST",
              `${base}${secrets}?dryRun=All&fieldValidation=${pick(random, ["Strict", "Warn", "Ignore"])}`,
              { body, type },
            );
        check(answer, `${type} ${body.toString("base64")}`);
      }),
      { numRuns: runs(500) },
    );
  });

  it("JSON patches of random operations", async () => {
    const paths = [
      "",
      "/",
      "/data",
      "/data/x",
      "/data/-",
      "/metadata/labels",
      "/metadata/labels/a~1b",
      "/metadata",
      "/metadata/name",
      "/kind",
      "/__proto__/x",
      "/constructor/prototype",
      "/data/~2",
      "no",
      "/metadata/finalizers/0",
      "/metadata/finalizers/-1",
      "/metadata/finalizers/99999999999999999999",
    ];
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomOf(seed);
        const body = Array.from({ length: Math.floor(random() * 5) }, () => ({
          op: pick(random, ["add", "remove", "replace", "move", "copy", "test", "nope", 1]),
          path: pick<unknown>(random, [...paths, 5, null]),
          from: pick(random, paths),
          ...(random() < 0.8
            ? { value: pick<unknown>(random, [null, {}, [], "x", 1, { __proto__: 1 }, { a: "b" }]) }
            : {}),
        }));
        const answer = await server.call(
          "PATCH",
          `${base}/api/v1/namespaces/default/configmaps/kube-root-ca.crt?dryRun=All`,
          { body, type: patchTypes[0]! },
        );
        check(answer, JSON.stringify(body));
      }),
      { numRuns: runs(300) },
    );
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  it("queries, headers, methods and paths", async () => {
    const values = [
      "",
      "0",
      "-1",
      "1.5",
      "1e9",
      "99999999999999999999",
      "abc",
      "true",
      "All",
      "None",
      "%00",
      "%ff",
      "%F0%9F%98%80",
      "a=b",
      "a in (",
      "a in (b",
      "!",
      "!!a",
      "a>x",
      "=,=",
      ",",
      "((",
      "metadata.name",
      "metadata.name=a\\",
      "spec.x=1",
      "metadata.name=a=b",
      "x".repeat(3_000),
      "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
      "e30",
      "bnVsbA",
      "W10",
    ];
    const names = [
      "labelSelector",
      "fieldSelector",
      "limit",
      "continue",
      "resourceVersionMatch",
      "timeoutSeconds",
      "sendInitialEvents",
      "pretty",
      "timeout",
      "dryRun",
      "fieldManager",
      "fieldValidation",
      "gracePeriodSeconds",
      "propagationPolicy",
      "orphanDependents",
      "includeObject",
      "force",
      "shardSelector",
      "export",
    ];
    const accepts = [
      "",
      "*/*",
      "text/html",
      "application/json;q=x",
      ";;;",
      ",",
      "application/json;as=Table",
      "application/json;as=Table;v=v9;g=meta.k8s.io",
      "application/vnd.kubernetes.protobuf",
      "application/yaml;q=0",
      "a/b,".repeat(500),
      "application/json;as=Table;v=v1;g=meta.k8s.io",
    ];
    const types = [
      "",
      "application/json;charset=",
      "application/xml",
      "application/json-patch+json",
      "application/apply-patch+yaml",
      "multipart/form-data",
      ";",
      "application/yaml",
      "application/cbor",
    ];
    const segments = [
      "secrets",
      "x",
      "%",
      "%2f",
      "%00",
      "..",
      ".",
      "",
      "namespaces",
      "default",
      "status",
      "watch",
      "proxy",
      "api",
      "apis",
      "v1",
      "%ff%fe",
      "~",
      "*",
      "é",
      "x".repeat(500),
    ].map(encodeURI);
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomOf(seed);
        const method = pick(random, [
          "GET",
          "GET",
          "HEAD",
          "POST",
          "PUT",
          "PATCH",
          "DELETE",
          "OPTIONS",
          "TRACE",
          "PROPFIND",
          "get",
        ]);
        const path =
          random() < 0.6
            ? pick(random, [
                secrets,
                "/api/v1/secrets",
                `${secrets}/x`,
                "/apis/apps/v1/deployments",
                "/api/v1/namespaces/default",
              ])
            : `/${Array.from({ length: Math.floor(random() * 7) }, () => pick(random, segments)).join("/")}`;
        if (path.includes("watch")) return;
        const query = Array.from(
          { length: Math.floor(random() * 4) },
          () => `${pick(random, names)}=${encodeURI(pick(random, values))}`,
        ).join("&");
        const sends = method.startsWith("P") || random() < 0.1;
        const answer = await server.call(method, `${base}${path}?dryRun=All&${query}`, {
          ...(sends
            ? {
                body: pick<unknown>(random, [
                  "",
                  "{}",
                  "[]",
                  "null",
                  "{",
                  '"x"',
                  { kind: "X" },
                  { metadata: 5 },
                  { propagationPolicy: 7 },
                  { preconditions: [] },
                ]),
                type: pick(random, types),
              }
            : {}),
          headers: {
            accept: pick(random, accepts),
            "accept-encoding": pick(random, ["gzip", "", "zip;q=x"]),
            "audit-id": pick(random, ["", "x".repeat(500), "a b"]),
            "user-agent": pick(random, ["", "curl/8", "Mozilla/5.0"]),
          },
        });
        check(answer, `${method} ${path}?${query}`);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it("too deep, too long, too many", async () => {
    const deep = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
    await refused("POST", secrets, { body: `{"metadata":{"name":"x"},"data":${deep("[", "]")}}` });
    await refused("POST", secrets, { body: deep('{"a":', "}") });
    await refused("POST", secrets, { body: `a: ${deep("[", "]")}`, type: "application/yaml" });
    const bomb = `a: &a [${"x,".repeat(100)}]\n${Array.from({ length: 9 }, (_, i) => `${"bcdefghij"[i]}: &${"bcdefghij"[i]} [${`*${"abcdefghi"[i]},`.repeat(9)}]`).join("\n")}`;
    await refused("POST", secrets, { body: bomb, type: "application/yaml" });
    await refused("PATCH", `${secrets}/x`, { body: deep('{"a":', "}"), type: patchTypes[1]! });
    await refused("POST", secrets, { body: Buffer.alloc(3 * 1024 * 1024 + 1, 32) });
    await refused("POST", secrets, {
      body: { metadata: { name: "big" }, data: { x: Buffer.alloc(1_500_000).toString("base64") } },
    });
    await refused("GET", `${secrets}?labelSelector=${"a,".repeat(4_000)}%21`);
    await refused("GET", `/${"x".repeat(9_000)}`);
  });
});
