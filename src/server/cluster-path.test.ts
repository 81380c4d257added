import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { isClusterPath, MAX_PATH_LENGTH, parseRequestPath } from "./cluster-path.ts";
import { TextError } from "./text-error.ts";

const codeOf = (path: string): number => {
  try {
    parseRequestPath(path);
    return 200;
  } catch (error) {
    if (error instanceof StatusError) return error.code;
    if (error instanceof TextError) return error.status;
    throw error;
  }
};

it("reads names, paths, the wildcard and paths outside of workspaces", () => {
  const read = (path: string) => {
    const { cluster, path: rest, segments } = parseRequestPath(path);
    return [cluster.kind === "named" ? cluster.path : cluster.kind, rest, segments.join(" ")];
  };
  assert.deepEqual(read("/clusters/root"), ["root", "/", ""]);
  assert.deepEqual(read("/clusters/root/"), ["root", "/", ""]);
  assert.deepEqual(read("/clusters/root:a:b-1/api/v1"), ["root:a:b-1", "/api/v1", "api v1"]);
  assert.deepEqual(read("/clusters/root%3Aa/api/"), ["root:a", "/api/", "api"]);
  assert.deepEqual(read("/clusters/*/api"), ["wildcard", "/api", "api"]);
  assert.deepEqual(read("/clusters/%2A/api"), ["wildcard", "/api", "api"]);
  assert.deepEqual(read("/clusters/system:admin/api"), ["system:admin", "/api", "api"]);
  assert.deepEqual(read("/version"), ["none", "/version", "version"]);
  assert.deepEqual(read("/"), ["none", "/", ""]);
  assert.deepEqual(read("/clusters"), ["none", "/clusters", "clusters"]);
  assert.deepEqual(read("/a%20b/%C3%A4%25"), ["none", "/a b/ä%", "a b ä%"]);
});

it("refuses hostile forms", () => {
  const longLabel = "a".repeat(64);
  const hostile: [string, number][] = [
    ["", 400],
    ["*", 400],
    ["clusters/root/api", 400],
    ["http://host/clusters/root/api", 400],
    ["//clusters/root/api", 400],
    ["/clusters//api", 400],
    ["/clusters//root/api", 400],
    ["/clusters/root//api", 400],
    ["/clusters/root/api//", 400],
    ["/clusters/", 400],
    ["/clusters/Root/api", 400],
    ["/clusters/root:/api", 400],
    ["/clusters/:root/api", 400],
    ["/clusters/root::a/api", 400],
    ["/clusters/-a/api", 400],
    ["/clusters/a-/api", 400],
    ["/clusters/a_b/api", 400],
    ["/clusters/**/api", 400],
    ["/clusters/root:*/api", 400],
    [`/clusters/${longLabel}/api`, 400],
    [`/clusters/${"a:".repeat(600)}a/api`, 400],
    ["/clusters/../clusters/root/api", 400],
    ["/clusters/./api", 400],
    ["/clusters/root/../other/api", 400],
    ["/clusters/root/%2e%2e/other/api", 400],
    ["/clusters/root/%2E/api", 400],
    ["/clusters/root%2Fapi/v1", 400],
    ["/clusters/%72oot/api", 400],
    ["/clusters/root%253Aa/api", 400],
    ["/clusters/root%00/api", 400],
    ["/clusters/root/api/v1/%00", 400],
    ["/clusters/root/api/v1/namespaces/a%2Fb/pods", 400],
    ["/clusters/root/api/%zz", 400],
    ["/clusters/root/api/%", 400],
    ["/clusters/root/api/%ff", 400],
    ["/clusters/root/api/a b", 400],
    ["/clusters/root/api/\u0000", 400],
    ["/clusters/röot/api", 400],
    ["/%63lusters/root/api", 400],
    ["/clusters/root/clusters/other/api", 404],
    ["/clusters/root/clusters", 404],
    ["/clusters/root/%63lusters/other/api", 404],
    [`/${"a".repeat(MAX_PATH_LENGTH)}`, 414],
  ];
  for (const [path, code] of hostile) assert.equal(codeOf(path), code, JSON.stringify(path));
});

it("never lets a form through that could mean another workspace", () => {
  const piece = fc.constantFrom(
    ...[
      "/",
      "//",
      ".",
      "..",
      "%2e",
      "%2F",
      "%3A",
      ":",
      "*",
      "%2A",
      "clusters",
      "%63lusters",
      "root",
      "a",
      "A",
      "%",
      "%00",
      "\u0000",
      "-",
      "api",
      "v1",
      "\\",
      ";",
      "é",
    ],
  );
  const paths = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join("")}`);
  fc.assert(
    fc.property(
      fc.oneof(
        paths,
        paths.map((path) => `/clusters/root${path}`),
        fc.string({ unit: "binary" }),
      ),
      (raw) => {
        let parsed: ReturnType<typeof parseRequestPath>;
        try {
          parsed = parseRequestPath(raw);
        } catch (error) {
          assert.ok(error instanceof StatusError || error instanceof TextError);
          return;
        }
        const { cluster, segments, path } = parsed;
        if (cluster.kind === "named") assert.ok(isClusterPath(cluster.path));
        if (cluster.kind !== "none") {
          assert.ok(raw.startsWith("/clusters/"));
          assert.notEqual(segments[0], "clusters");
        } else assert.ok(segments[0] !== "clusters" || raw === "/clusters");
        for (const segment of segments) {
          assert.ok(segment !== "" && segment !== "." && segment !== ".." && !segment.includes("/"));
          for (const char of segment) assert.ok(char >= " " && char !== "\u007f");
        }
        assert.equal(path.replace(/^\/|\/$/g, ""), segments.join("/"));
      },
    ),
    { numRuns: 2000 },
  );
});
