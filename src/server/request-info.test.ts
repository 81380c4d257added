import assert from "node:assert/strict";
import { it } from "node:test";
import { parseQuery } from "./query.ts";
import { isLongRunning, parseRequestInfo } from "./request-info.ts";

const parse = (method: string, url: string) => {
  const [path = "", query = ""] = url.split("?");
  const segments = path.split("/").filter((segment) => segment !== "");
  return parseRequestInfo(method, path, segments, () => parseQuery(query));
};

it("reads the path grammar of Kubernetes", () => {
  // method, url, verb, group, version, namespace, resource, subresource, name
  const cases: [string, string, string, string, string, string, string, string, string][] = [
    ["GET", "/api/v1/namespaces", "list", "", "v1", "", "namespaces", "", ""],
    ["GET", "/api/v1/namespaces/other", "get", "", "v1", "other", "namespaces", "", "other"],
    ["HEAD", "/api/v1/namespaces/other", "get", "", "v1", "other", "namespaces", "", "other"],
    [
      "PUT",
      "/api/v1/namespaces/other/finalize",
      "update",
      "",
      "v1",
      "other",
      "namespaces",
      "finalize",
      "other",
    ],
    ["GET", "/api/v1/namespaces/other/pods", "list", "", "v1", "other", "pods", "", ""],
    ["GET", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo"],
    ["GET", "/api/v1/namespaces/other/pods/foo/log/x", "get", "", "v1", "other", "pods", "log", "foo"],
    ["DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "", "v1", "other", "pods", "", ""],
    ["DELETE", "/api/v1/nodes/foo", "delete", "", "v1", "", "nodes", "", "foo"],
    ["POST", "/apis/apps/v1/namespaces/a/deployments", "create", "apps", "v1", "a", "deployments", "", ""],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/a/deployments/d/status",
      "patch",
      "apps",
      "v1",
      "a",
      "deployments",
      "status",
      "d",
    ],
    ["GET", "/api/v1/pods?watch=true", "watch", "", "v1", "", "pods", "", ""],
    ["GET", "/api/v1/pods?watch=", "watch", "", "v1", "", "pods", "", ""],
    ["GET", "/api/v1/pods?watch=False", "list", "", "v1", "", "pods", "", ""],
    ["GET", "/api/v1/pods?watch=0", "list", "", "v1", "", "pods", "", ""],
    ["GET", "/api/v1/watch/namespaces/a/pods", "watch", "", "v1", "a", "pods", "", ""],
    ["GET", "/api/v1/watch/namespaces/a/pods/p", "watch", "", "v1", "a", "pods", "", "p"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx,spec.a=b", "list", "", "v1", "", "pods", "", "x"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3D%3Dx", "list", "", "v1", "", "pods", "", "x"],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name!%3Dx", "list", "", "v1", "", "pods", "", ""],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Da/b", "list", "", "v1", "", "pods", "", ""],
    ["OPTIONS", "/api/v1/pods", "", "", "v1", "", "pods", "", ""],
  ];
  for (const [method, url, ...expected] of cases) {
    const info = parse(method, url);
    const { verb, apiGroup, apiVersion, namespace, resource, subresource, name } = info;
    assert.equal(info.isResourceRequest, true, url);
    assert.deepEqual(
      [verb, apiGroup, apiVersion, namespace, resource, subresource, name],
      expected,
      `${method} ${url}`,
    );
  }
});

it("leaves other paths alone", () => {
  for (const path of [
    "/",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/apps",
    "/apis/apps/v1",
    "/healthz",
    "/a/b/c/d",
  ]) {
    const { isResourceRequest, verb, resource } = parse("GET", path);
    assert.deepEqual([isResourceRequest, verb, resource], [false, "get", ""], path);
  }
  assert.throws(() => parse("GET", "/api/v1/watch"), { code: 400 });
});

it("knows what runs long", () => {
  assert.equal(isLongRunning(parse("GET", "/api/v1/pods?watch=1")), true);
  assert.equal(isLongRunning(parse("GET", "/api/v1/namespaces/a/pods/p/log")), true);
  assert.equal(isLongRunning(parse("GET", "/api/v1/pods")), false);
});

it("reads queries as Go does", () => {
  const query = parseQuery("a=1&a=2&b=x+y%21&c&=e&bad=%zz&semi=1;2&__proto__=p");
  assert.deepEqual(query.getAll("a"), ["1", "2"]);
  assert.equal(query.get("b"), "x y!");
  assert.equal(query.get("c"), "");
  assert.equal(query.has("bad"), false);
  assert.equal(query.has("semi"), false);
  assert.equal(query.get("__proto__"), "p");
  assert.equal(query.has("toString"), false);
});
