/** Create, update and patch over HTTP (Kubernetes' API concepts; apiserver registry/rest). */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Answer,
  type CallOptions,
  type Json,
  type LiveServer,
  startLiveServer,
} from "./testing/live-server.ts";

let server: LiveServer;
let cluster = "";
let base = "";
let apps = "";
before(async () => {
  server = await startLiveServer();
  cluster = await server.workspace("writing", { type: "kubernetes" });
  base = `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
  apps = `/clusters/${cluster}/apis/apps/v1/namespaces/default/deployments`;
});
after(() => server.close());

const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  server.call(method, `${base}${path}`, options);
const post = (body: unknown, query = "", options: CallOptions = {}): Promise<Answer> =>
  call("POST", query, { body, ...options });
const put = (name: string, body: unknown, query = ""): Promise<Answer> =>
  call("PUT", `/${name}${query}`, { body });
const patch = (
  name: string,
  body: unknown,
  query = "",
  type = "application/merge-patch+json",
): Promise<Answer> => call("PATCH", `/${name}${query}`, { body, type });
const made = async (name: string, more: object = {}): Promise<Json> => {
  const answer = await post({ metadata: { name }, data: { k: "v" }, ...more });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const problem = (answer: Answer): unknown[] => [answer.status, answer.json.reason, answer.json.message];
const warnings = (answer: Answer): string[] => [answer.headers.warning ?? []].flat();
/** Fails when the store changes meanwhile. */
async function without<T>(change: () => Promise<T>): Promise<T> {
  const before = server.store.current();
  const result = await change();
  assert.equal(server.store.current(), before, "something was written");
  return result;
}

describe("create", () => {
  it("answers 201 with the server's fields, and drops what clients may not set", async () => {
    const metadata = {
      name: "mine",
      uid: "x",
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 5,
      generation: 7,
      selfLink: "/x",
    };
    const { metadata: meta } = await made("mine", { metadata });
    assert.match(String(meta.uid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(String(meta.creationTimestamp), /^20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.notEqual(meta.creationTimestamp, "2001-01-01T00:00:00Z");
    for (const field of ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"])
      assert.equal(meta[field], undefined, field);
    // The kind counts none of its own.
    assert.equal(meta.generation, 7);
    assert.deepEqual([meta.namespace, meta.annotations], ["default", { "kcp.io/cluster": cluster }]);
  });

  it("refuses names that are taken, wrong, or missing", async () => {
    await made("taken");
    assert.deepEqual(problem(await post({ metadata: { name: "taken" } })), [
      409,
      "AlreadyExists",
      'configmaps "taken" already exists',
    ]);
    const invalid = await post({ metadata: { name: "Not_A_Name" } });
    assert.deepEqual(problem(invalid).slice(0, 2), [422, "Invalid"]);
    assert.match(
      invalid.json.message,
      /^ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/,
    );
    assert.deepEqual(
      [invalid.json.details.kind, invalid.json.details.causes[0]!.field],
      ["ConfigMap", "metadata.name"],
    );
    assert.match(
      (await post({ metadata: {} })).json.message,
      /metadata.name: Required value: name or generateName is required/,
    );
    assert.match(
      (await post({ metadata: { name: "x".repeat(254) } })).json.message,
      /must be no more than 253/,
    );
    assert.equal(
      (await post({ metadata: { name: "rv", resourceVersion: "1" } })).json.message,
      "resourceVersion should not be set on objects to be created",
    );
  });

  it("makes names", async () => {
    const names = await Promise.all(
      Array.from(
        { length: 5 },
        async () => (await post({ metadata: { generateName: `${"g".repeat(70)}-` } })).json.metadata.name,
      ),
    );
    for (const name of names) assert.match(name, /^g{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(new Set(names).size, 5);
  });

  it("needs its namespace, the same in URL and body", async () => {
    const there = base.replace("default", "nowhere");
    assert.deepEqual(problem(await server.call("POST", there, { body: { metadata: { name: "x" } } })), [
      404,
      "NotFound",
      'namespaces "nowhere" not found',
    ]);
    assert.equal(
      (await post({ metadata: { name: "x", namespace: "elsewhere" } })).json.message,
      "the namespace of the provided object does not match the namespace sent on the request",
    );
    assert.equal((await post({ metadata: { name: "same-space", namespace: "default" } })).status, 201);
  });

  it("takes bodies of its kind only", async () => {
    const wrong = await post({ apiVersion: "v1", kind: "Secret", metadata: { name: "x" } });
    assert.deepEqual(problem(wrong).slice(0, 2), [400, "BadRequest"]);
    assert.match(wrong.json.message, /Secret in version "v1" cannot be handled as a ConfigMap/);
    assert.match(
      (await post({ apiVersion: "v2", kind: "ConfigMap" })).json.message,
      /does not match the expected API version \(v1\)/,
    );
    for (const body of ["", "{", "[]", "5", "null"]) assert.equal((await post(body)).status, 400, body);
    assert.deepEqual(problem(await post("x", "", { type: "text/plain" })).slice(0, 2), [
      415,
      "UnsupportedMediaType",
    ]);
    assert.equal(
      (await post({ metadata: { name: "charset" } }, "", { type: "application/json; charset=utf-8" })).status,
      201,
    );
    const yaml = await post("metadata:\n  name: yaml\ndata:\n  k: v\n", "", {
      type: "application/yaml",
      accept: "application/yaml",
    });
    assert.match(yaml.text, /^apiVersion: v1\ndata:\n {2}k: v\nkind: ConfigMap\n/);
    const large = await post(Buffer.alloc(3 * 1024 * 1024 + 1, 0x20));
    assert.deepEqual(problem(large), [
      413,
      "RequestEntityTooLarge",
      "Request entity too large: limit is 3145728",
    ]);
    const tooMuch = await post({ metadata: { name: "fat", annotations: { a: "x".repeat(256 * 1024) } } });
    assert.match(tooMuch.json.message, /metadata.annotations: Too long: may not be more than 262144 bytes/);
  });

  it("reports unknown and repeated fields as it was asked to", async () => {
    const body = (name: string): string =>
      `{"metadata":{"name":"wrong","name":"${name}"},"spec":{},"data":{"a":"1","a":"2"}}`;
    const texts = ['duplicate field "metadata.name"', 'duplicate field "data.a"', 'unknown field "spec"'];
    const strict = await without(() => post(body("s"), "?fieldValidation=Strict"));
    assert.deepEqual(problem(strict), [
      400,
      "BadRequest",
      `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${texts.join(", ")}`,
    ]);
    for (const query of ["", "?fieldValidation=Warn"]) {
      const warned = await post(body(`warned${query.length}`), query);
      assert.deepEqual([warned.status, warned.json.data.a], [201, "2"]);
      assert.equal(
        warnings(warned).join(", "),
        texts.map((text) => `299 - ${JSON.stringify(text)}`).join(", "),
      );
    }
    const ignored = await post(body("ignored"), "?fieldValidation=Ignore");
    assert.deepEqual([ignored.status, warnings(ignored)], [201, []]);
    assert.match(
      (await post(body("x"), "?fieldValidation=Perhaps")).json.message,
      /^CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Perhaps"/,
    );
  });

  it("dry runs do everything but write", async () => {
    const dry = await without(() => post({ metadata: { generateName: "dry-" } }, "?dryRun=All"));
    assert.equal(dry.status, 201);
    assert.match(dry.json.metadata.name, /^dry-.{5}$/);
    assert.equal(typeof dry.json.metadata.uid, "string");
    assert.equal(dry.json.metadata.resourceVersion, undefined);
    await made("dry");
    assert.equal((await post({ metadata: { name: "dry" } }, "?dryRun=All")).status, 409);
    assert.equal((await post({ metadata: { name: "Bad_" } }, "?dryRun=All")).status, 422);
    assert.deepEqual(problem(await post({ metadata: { name: "x" } }, "?dryRun=Some")).slice(0, 2), [
      422,
      "Invalid",
    ]);
    // A parameter without a value is no wish to write after all.
    for (const write of [post({ metadata: { name: "x" } }, "?dryRun="), patch("dry", {}, "?dryRun=")])
      assert.match((await write).json.message, /dryRun: Unsupported value: \[""\]: supported values: "All"$/);
    const updated = await without(() => patch("dry", { data: { k: "dry" } }, "?dryRun=All"));
    assert.equal(updated.json.data.k, "dry");
    await without(() => put("dry", { metadata: { name: "dry" } }, "?dryRun=All"));
    const { json } = await without(() => call("DELETE", "/dry?dryRun=All"));
    assert.equal(json.status, "Success");
    assert.equal((await without(() => call("DELETE", "?dryRun=All"))).status, 200);
    assert.equal((await call("GET", "/dry")).json.data.k, "v");
  });
});

describe("update", () => {
  it("checks names, uid and resourceVersion", async () => {
    const old = await made("checked");
    const body = { metadata: { name: "checked" }, data: { k: "2" } };
    assert.equal(
      (await put("checked", { metadata: { name: "other" } })).json.message,
      "the name of the object (other) does not match the name on the URL (checked)",
    );
    assert.equal((await put("checked", { metadata: { name: "checked", namespace: "other" } })).status, 400);
    const { resourceVersion } = (await put("checked", body)).json.metadata;
    assert.ok(Number(resourceVersion) > Number(old.metadata.resourceVersion));
    const stale = await put("checked", {
      metadata: { name: "checked", resourceVersion: old.metadata.resourceVersion },
    });
    assert.deepEqual(problem(stale), [
      409,
      "Conflict",
      'Operation cannot be fulfilled on configmaps "checked": the object has been modified; please apply your changes to the latest version and try again',
    ]);
    const alien = await put("checked", { metadata: { name: "checked", uid: "alien" } });
    assert.deepEqual(problem(alien).slice(0, 2), [409, "Conflict"]);
    assert.match(alien.json.message, /Precondition failed: UID in precondition: alien, UID in object meta: /);
    assert.equal((await put("missing", { metadata: { name: "missing" } })).status, 404);
  });

  it("changes nothing when nothing changes", async () => {
    const old = await made("still", {
      metadata: { name: "still", labels: { a: "1", b: "2" }, annotations: { x: "y" } },
    });
    const same = await without(() => put("still", old));
    assert.equal(same.json.metadata.resourceVersion, old.metadata.resourceVersion);
    const reordered = {
      ...old,
      metadata: { ...old.metadata, labels: { b: "2", a: "1" }, resourceVersion: undefined },
    };
    await without(() => put("still", reordered));
    await without(() => patch("still", { metadata: { labels: { a: "1", none: null } } }));
    await without(() => patch("still", [], "", "application/json-patch+json"));
    await without(() => patch("still", {}, "", "application/strategic-merge-patch+json"));
  });

  it("keeps the server's fields", async () => {
    const { metadata } = await made("kept");
    const answer = await put("kept", {
      metadata: {
        name: "kept",
        creationTimestamp: "2001-01-01T00:00:00Z",
        // Read as a number, this is none.
        resourceVersion: "0",
        annotations: { "kcp.io/cluster": "elsewhere" },
      },
    });
    assert.equal(answer.status, 200, answer.text);
    for (const field of ["uid", "creationTimestamp"])
      assert.equal(answer.json.metadata[field], metadata[field]);
    assert.equal(answer.json.metadata.annotations["kcp.io/cluster"], cluster);
    const doomed = { metadata: { name: "kept", deletionTimestamp: "2001-01-01T00:00:00Z" } };
    for (const refused of [await put("kept", doomed), await patch("kept", doomed)])
      assert.match(
        refused.json.message,
        /metadata.deletionTimestamp: Invalid value: .*: field is immutable$/,
      );
    await call("PATCH", "/kept", {
      body: { metadata: { finalizers: ["a.b/c"] } },
      type: "application/merge-patch+json",
    });
    const marked = (await call("DELETE", "/kept")).json.metadata.deletionTimestamp;
    assert.equal((await patch("kept", doomed)).json.metadata.deletionTimestamp, marked);
  });

  it("creates where the kind allows it, and asks for a version where the kind does", async () => {
    const role = `/clusters/${cluster}/apis/rbac.authorization.k8s.io/v1/clusterroles/by-put`;
    const body = {
      metadata: { name: "by-put" },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
    };
    assert.equal((await server.call("PUT", role, { body })).status, 201);
    assert.equal((await server.call("PUT", role, { body })).status, 200);
    const lease = `/clusters/${cluster}/apis/coordination.k8s.io/v1/namespaces/default/leases`;
    const spec = { holderIdentity: "me", leaseDurationSeconds: 5 };
    const first = await server.call("PUT", `${lease}/l`, { body: { metadata: { name: "l" }, spec } });
    assert.equal(first.status, 201, first.text);
    const blind = await server.call("PUT", `${lease}/l`, { body: { metadata: { name: "l" }, spec } });
    assert.deepEqual(problem(blind).slice(0, 2), [422, "Invalid"]);
    assert.match(
      blind.json.message,
      /metadata.resourceVersion: Invalid value: 0: must be specified for an update/,
    );
    assert.equal(
      (
        await server.call("PATCH", `${lease}/l`, {
          body: { spec: { holderIdentity: "you" } },
          type: "application/merge-patch+json",
        })
      ).status,
      200,
    );
  });

  it("keeps spec and status apart, and counts generations", async () => {
    const template = {
      metadata: { labels: { app: "x" } },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    const spec = { replicas: 1, selector: { matchLabels: { app: "x" } }, template };
    const created = await server.call("POST", apps, {
      body: { metadata: { name: "d" }, spec, status: { replicas: 9 } },
    });
    assert.equal(created.status, 201, created.text);
    const generation = async (): Promise<unknown> =>
      (await server.call("GET", `${apps}/d`)).json.metadata.generation;
    const status = async (): Promise<unknown> =>
      ((await server.call("GET", `${apps}/d`)).json.status as { replicas?: number } | undefined)?.replicas;
    assert.deepEqual([await generation(), await status()], [1, undefined]);
    const merge = (path: string, body: object): Promise<Answer> =>
      server.call("PATCH", `${apps}/d${path}`, { body, type: "application/merge-patch+json" });
    await merge("/status", { status: { replicas: 3 }, spec: { replicas: 7 } });
    assert.deepEqual([await generation(), await status()], [1, 3]);
    await merge("", { spec: { replicas: 2 }, status: { replicas: 8 } });
    assert.deepEqual([await generation(), await status()], [2, 3]);
    await merge("", { metadata: { labels: { l: "1" } } });
    assert.equal(await generation(), 2);
    const whole = (await server.call("GET", `${apps}/d`)).json;
    const answer = await server.call("PUT", `${apps}/d/status`, {
      body: { ...whole, spec: { ...whole.spec, replicas: 99 }, status: { replicas: 4 } },
    });
    assert.deepEqual(
      [
        answer.json.spec.replicas,
        (answer.json.status as { replicas: number }).replicas,
        answer.json.metadata.generation,
      ],
      [2, 4, 2],
    );
    assert.equal((await call("GET", "/kept/status")).status, 404);
    assert.equal((await server.call("DELETE", `${apps}/d/status`, { body: {} })).status, 405);
    assert.equal((await server.call("GET", `${apps}/d/nothing`)).status, 404);
  });
});

describe("generation", () => {
  it("counts a Deployment's annotations and an EndpointSlice's labels, as upstream does", async () => {
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "x" }] } };
    const slices = apps
      .replace("apis/apps/v1", "apis/discovery.k8s.io/v1")
      .replace("deployments", "endpointslices");
    const changed = async (collection: string, body: object, metadata: object): Promise<unknown> => {
      await server.call("POST", collection, { body: { metadata: { name: "counted" }, ...body } });
      const type = "application/merge-patch+json";
      const answer = await server.call("PATCH", `${collection}/counted`, { body: { metadata }, type });
      return answer.json.metadata.generation;
    };
    const spec = { selector: { matchLabels: { a: "b" } }, template };
    assert.equal(await changed(apps, { spec }, { labels: { x: "y" } }), 1);
    assert.equal(await changed(apps, { spec }, { annotations: { x: "y" } }), 2);
    const slice = { addressType: "IPv4", endpoints: [] };
    assert.equal(await changed(slices, slice, { annotations: { x: "y" } }), 1);
    assert.equal(await changed(slices, slice, { labels: { x: "y" } }), 2);
  });
});

describe("a body that is no object", () => {
  it("is told with the kind and its beginning", async () => {
    const why = async (text: string, type = "application/json"): Promise<unknown> =>
      (await call("POST", "", { body: text, type })).json.message;
    const start =
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ";
    assert.equal(await why("{"), `${start}unexpected end of JSON input ({)`);
    assert.equal(await why(""), `${start}unexpected end of JSON input (<empty>)`);
    assert.match(String(await why("[]")), /cannot unmarshal array into Go value of type struct .* \(5b5d\)$/);
  });
});
