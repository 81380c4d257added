/** Isolation under random hostile requests: names, paths, selectors and tokens that try to get out of a workspace. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { sampleOf } from "#base/testing/samples.ts";
import type { LiveServer } from "./testing/live-server.ts";
import {
  expectNothingOf,
  fingerprint,
  fingerprints,
  lists,
  rest,
  startWithTenants,
  type Tenant,
  tenants,
  token,
} from "./testing/tenants.ts";

let server: LiveServer;
before(async () => {
  server = await startWithTenants();
});
after(() => server.close());

describe("isolation, against hostile requests", () => {
  const names = tenants.map(({ cluster }) => cluster);
  const name = fc.constantFrom(...names);
  const odd = fc.constantFrom(
    ..."..|.|%2e%2e|%2E%2E%2F|a%2fb|%00|x%00y|*|%2a|root2|%F0%9F%98%80|%ed%a0%80|%|%zz|,|;|:|%3a|@|~|\\|%5c|%c0%ae".split(
      "|",
    ),
    "x".repeat(300),
    "x".repeat(2_000),
    "%E2%80%AE",
  );
  const segment = fc.oneof(
    { weight: 4, arbitrary: name },
    {
      weight: 2,
      arbitrary: fc.constantFrom("default", "same", "namespaces", "secrets", "clusters", "status"),
    },
    { weight: 2, arbitrary: fc.constantFrom(...tenants.map(({ only }) => only)) },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: fc.tuple(name, odd, name).map((parts) => parts.join("")) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(name, fc.constantFrom("/..", "/%2e%2e", "//", "/."), name)
        .map(([a, b, c]) => `${a}${b}/${c}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom("root", "root:model", "root%3Amodel", "system:admin", "*", "%2A", ""),
    },
    { weight: 1, arbitrary: name.map((text) => text.toUpperCase()) },
    { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map(encodeURIComponent) },
  );
  const collections = [
    "api/v1/secrets",
    "api/v1/namespaces",
    "apis/apps/v1/deployments",
    "api/v1/configmaps",
    "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "apis/core.kcp.io/v1alpha1/logicalclusters",
  ];
  const path = fc
    .tuple(
      fc.constantFrom(
        ...Array.from({ length: 12 }, () => "/clusters/"),
        "/clusters//",
        "//clusters/",
        "/%63lusters/",
        "/clusters/acme/clusters/",
        "/Clusters/",
        "/clusters/./",
        "/",
      ),
      segment,
      fc.oneof(
        fc.constantFrom(...collections).map((text) => `/${text}`),
        fc
          .constantFrom("secrets", "configmaps")
          .chain((resource) => segment.map((space) => `/api/v1/namespaces/${space}/${resource}`)),
        fc.array(segment, { maxLength: 4 }).map((parts) => `/api/v1/${parts.join("/")}`),
        fc.constantFrom("/openapi/v3", "/apis", "/metrics", "/version"),
      ),
      fc.oneof(
        fc.constant(""),
        segment.map((text) => `/${text}`),
      ),
    )
    .map((parts) => parts.join(""));
  const value = fc.oneof(
    segment,
    fc.constantFrom("0", "1", "-1", "true", "Exact", "NotOlderThan", "All", "owner", "metadata.name=same"),
    name.map((cluster) => token({ v: "meta.k8s.io/v1", rv: -1, start: `../${cluster}/\0` })),
  );
  const pairs = fc
    .array(
      fc.tuple(
        fc.constantFrom(
          "labelSelector",
          "fieldSelector",
          "limit",
          "continue",
          "resourceVersion",
          "resourceVersionMatch",
          "dryRun",
          "cluster",
          "namespace",
        ),
        value,
      ),
      { maxLength: 3 },
    )
    .map((pairs) => pairs.map(([key, text]) => `${key}=${text}`).join("&"));
  // Half of them without a query: most queries end a request early.
  const query = fc.oneof(fc.constant(""), pairs);
  const request = fc.record({
    method: fc.constantFrom("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
    path,
    query,
    accept: fc.constantFrom(...Object.values(lists), "*/*"),
    body: fc.constantFrom<object>(
      {},
      { metadata: { name: "same" } },
      { metadata: { name: "../acme2/x" } },
      { metadata: { name: "same", namespace: "../../acme" } },
    ),
  });
  /** The one workspace that a path may be about; the rule is simpler than the server's. */
  const addressed = (raw: string): readonly Tenant[] => {
    const [, first, second = ""] = raw.split("/");
    if (first !== "clusters") return [];
    if (/^(\*|%2a)$/i.test(second)) return tenants;
    return tenants.filter(({ cluster }) => cluster === second);
  };

  it("none shows or changes anything but what its path names", async () => {
    const before = await freshFingerprints();
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path: raw, query: text, accept, body }) => {
        const sent = method === "POST" || method === "PUT" || method === "PATCH";
        const url = text === "" ? raw : `${raw}?${text}`;
        if (!/^[\x21-\x7e]+$/.test(url)) return;
        const answer = await server.call(method, url, {
          accept,
          ...(sent ? { body, ...(method === "PATCH" ? { type: "application/merge-patch+json" } : {}) } : {}),
        });
        const own = addressed(raw);
        expectNothingOf(
          tenants.filter((tenant) => !own.includes(tenant)),
          answer.bytes,
          `${method} ${url}`,
        );
        for (const [index, tenant] of tenants.entries()) {
          const now = fingerprint(server, tenant);
          if (now === before[index]) continue;
          assert.ok(own.length === 1 && own[0] === tenant, `${method} ${url} changed ${tenant.cluster}`);
          assert.ok(method !== "GET" && method !== "HEAD", `${method} ${url} changed something`);
          Object.assign(before, await freshFingerprints());
        }
      }),
      { numRuns: sampleOf(2_500, 3) },
    );
  });

  async function freshFingerprints(): Promise<string[]> {
    await rest(server);
    return fingerprints(server, tenants);
  }
});
