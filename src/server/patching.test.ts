/** PATCH over HTTP: three types, their errors, concurrency. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Answer, type CallOptions, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("writing")}/api/v1/namespaces/default/configmaps`;
});
after(() => server.close());

const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  server.call(method, `${base}${path}`, options);
const patch = (
  name: string,
  body: unknown,
  query = "",
  type = "application/merge-patch+json",
): Promise<Answer> => call("PATCH", `/${name}${query}`, { body, type });
async function made(name: string, more: object = {}): Promise<void> {
  const answer = await call("POST", "", { body: { metadata: { name }, data: { k: "v" }, ...more } });
  assert.equal(answer.status, 201, answer.text);
}
const problem = (answer: Answer): unknown[] => [answer.status, answer.json.reason, answer.json.message];

describe("patch", () => {
  it("that makes no such object is shown itself when it is a strategic one", async () => {
    await made("shown");
    const body = { metadata: { labels: { a: 1 } }, data: null };
    const answer = await patch("shown", body, "", "application/strategic-merge-patch+json");
    assert.deepEqual(problem(answer), [
      422,
      "Invalid",
      ' "" is invalid: patch: Invalid value: "map[data:<nil> metadata:map[labels:map[a:1]]]": json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ]);
  });

  it("tells who asks, and when", async () => {
    const path = `${base.slice(0, base.indexOf("/api/"))}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const { json } = await server.call("POST", path, { body });
    assert.match(String(json.metadata.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const { userInfo } = json.status as { userInfo: { groups: string[] } };
    assert.ok(userInfo.groups.includes("system:masters"));
  });

  it("of what is not there answers 404, whatever the patch is", async () => {
    for (const type of ["merge-patch", "json-patch"])
      assert.equal((await patch("absent", "x", "", `application/${type}+json`)).status, 404, type);
  });

  it("of every type, and none other", async () => {
    await made("p", { data: { a: "1", b: "2" } });
    assert.deepEqual((await patch("p", { data: { a: null, c: "3" } })).json.data, { b: "2", c: "3" });
    assert.deepEqual(
      (
        await patch(
          "p",
          [
            { op: "add", path: "/data/d", value: "4" },
            { op: "remove", path: "/data/b" },
          ],
          "",
          "application/json-patch+json",
        )
      ).json.data,
      { c: "3", d: "4" },
    );
    assert.deepEqual(
      (
        await patch(
          "p",
          { data: { $patch: "replace", z: "9" } },
          "",
          "application/strategic-merge-patch+json; charset=utf-8",
        )
      ).json.data,
      { z: "9" },
    );
    const apply = await patch(
      "p",
      { apiVersion: "v1", kind: "ConfigMap" },
      "?fieldManager=me",
      "application/apply-patch+yaml",
    );
    assert.equal(apply.status, 200, apply.text);
    const other = await patch("p", {}, "", "application/json");
    assert.deepEqual(problem(other), [415, "UnsupportedMediaType", "415: Unsupported Media Type"]);
    const alien = await patch("p", { metadata: { uid: "alien" } });
    const text = 'ConfigMap "p" is invalid: metadata.uid: Invalid value: "alien": field is immutable';
    assert.deepEqual(problem(alien), [422, "Invalid", text]);
    const unseen = await patch("p", {}, "?fieldManager=a%00b");
    assert.match(unseen.json.message, /invalid character U\+0000 \(at position 1\)$/);
    const kcp = await server.call("PATCH", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/writing", {
      body: {},
      type: "application/strategic-merge-patch+json",
    });
    assert.equal(kcp.status, 415);
    assert.deepEqual(problem(await patch("p", {}, "?force=true")).slice(0, 2), [422, "Invalid"]);
  });

  it("that fails says why", async () => {
    const failing = await patch(
      "p",
      [{ op: "test", path: "/data/z", value: "8" }],
      "",
      "application/json-patch+json",
    );
    assert.deepEqual(problem(failing).slice(0, 2), [422, "Invalid"]);
    assert.match(failing.json.message, /^the server rejected our request due to an error in our request/);
    assert.equal((await patch("p", "[{", "", "application/json-patch+json")).status, 400);
    assert.equal((await patch("p", "[]")).status, 400);
    assert.equal((await patch("absent", {})).json.message, 'configmaps "absent" not found');
    assert.equal((await patch("p", { metadata: { name: "q" } })).status, 400);
    assert.equal((await patch("p", { kind: "Secret" })).status, 422);
    assert.deepEqual(problem(await patch("p", { metadata: { resourceVersion: "1" } })).slice(0, 2), [
      409,
      "Conflict",
    ]);
    assert.equal((await patch("p", { metadata: { labels: { a: "not a label" } } })).status, 422);
    const strict = await patch("p", { nothing: 1 }, "?fieldValidation=Strict");
    assert.deepEqual([strict.status, strict.json.details.causes[0]!.field], [422, "patch"]);
    assert.match(strict.json.message, /strict decoding error: unknown field "nothing"/);
    const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "ConfigMap" }));
    assert.equal((await patch("p", many, "", "application/json-patch+json")).status, 413);
  });

  it("loses nothing when many patch at once", async () => {
    await made("busy");
    await Promise.all(Array.from({ length: 50 }, (_, i) => patch("busy", { data: { [`k${i}`]: "x" } })));
    assert.equal(Object.keys((await call("GET", "/busy")).json.data).length, 51);
  });
});
