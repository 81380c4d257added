/** DELETE of objects, collections and namespaces over HTTP (apiserver registry/generic/registry/store.go; NamespaceLifecycle). */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encodeEnvelope } from "#machinery/codecs/envelope.ts";
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
before(async () => {
  server = await startLiveServer();
  cluster = await server.workspace("deleting");
  base = `/clusters/${cluster}/api/v1/namespaces/default/configmaps`;
});
after(() => server.close());

const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  server.call(method, `${base}${path}`, options);
const remove = (path: string, body?: object): Promise<Answer> =>
  call("DELETE", path, body === undefined ? {} : { body });
const merge = (path: string, body: object): Promise<Answer> =>
  call("PATCH", path, { body, type: "application/merge-patch+json" });
async function made(name: string, metadata: object = {}): Promise<Json> {
  const answer = await call("POST", "", { body: { metadata: { name, ...metadata } } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}
const problem = (answer: Answer): unknown[] => [answer.status, answer.json.reason, answer.json.message];
const warnings = (answer: Answer): string => [answer.headers.warning ?? []].flat().join();

describe("delete", () => {
  it("answers a Status with the uid; again is 404", async () => {
    const { metadata } = await made("plain");
    const answer = await remove("/plain", { propagationPolicy: "Background" });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "plain", kind: "configmaps", uid: metadata.uid },
    });
    assert.equal((await remove("/plain")).status, 404);
    const { metadata: other } = await made("binary");
    const binary = await call("DELETE", "/binary", { accept: "application/vnd.kubernetes.protobuf" });
    assert.equal(binary.bytes.toString("latin1", 0, 4), "k8s\0");
    assert.ok(binary.bytes.includes(String(other.uid)));
  });

  it("takes the options of the kind's own group in protobuf, and keeps to them", async () => {
    const [cluster] = base.split("/api/v1/");
    const roles = `${cluster}/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles`;
    const { metadata } = (await server.call("POST", roles, { body: { metadata: { name: "typed" } } })).json;
    const field = (tag: number, ...bytes: readonly Uint8Array[]) => {
      const content = Buffer.concat(bytes);
      return Buffer.concat([Buffer.from([tag, content.length]), content]);
    };
    const remove = (uid: string, kind = "DeleteOptions") => {
      const options = field(0x12, field(0x0a, Buffer.from(uid)));
      const body = encodeEnvelope("rbac.authorization.k8s.io/v1", kind, options);
      return server.call("DELETE", `${roles}/typed`, { body, type: "application/vnd.kubernetes.protobuf" });
    };
    assert.equal((await remove(String(metadata.uid), "Role")).status, 400);
    assert.equal((await remove("0000")).status, 409);
    assert.equal((await remove(String(metadata.uid))).status, 200);
  });

  it("answers the object itself of kinds of which upstream does, and says so in OpenAPI", async () => {
    const [cluster] = base.split("/api/v1/");
    const accounts = `${cluster}/api/v1/namespaces/default/serviceaccounts`;
    const made = (await server.call("POST", accounts, { body: { metadata: { name: "told" } } })).json;
    const answer = await server.call("DELETE", `${accounts}/told`);
    assert.deepEqual([answer.status, answer.json.kind], [200, "ServiceAccount"]);
    assert.equal(answer.json.metadata.uid, made.metadata.uid);
    assert.equal((await server.call("GET", `${accounts}/told`)).status, 404);
    const { paths } = JSON.parse((await server.call("GET", `${cluster}/openapi/v3/api/v1`)).text);
    const said = (resource: string): string =>
      paths[`/api/v1/namespaces/{namespace}/${resource}/{name}`].delete.responses["200"].content[
        "application/json"
      ].schema.$ref;
    assert.match(said("serviceaccounts"), /v1\.ServiceAccount$/);
    assert.match(said("configmaps"), /v1\.Status$/);
    const { responses } = paths["/api/v1/namespaces/{name}"].delete;
    assert.match(responses["200"].content["application/json"].schema.$ref, /v1\.Status$/);
  });

  it("of all namespaces at once is nothing that there is", async () => {
    await made("stays");
    const everywhere = `${base.split("/namespaces/")[0]}/configmaps`;
    assert.equal((await server.call("DELETE", everywhere)).status, 405);
    assert.equal((await call("GET", "/stays")).status, 200);
  });

  it("holds to preconditions", async () => {
    const { metadata } = await made("held");
    const alien = await remove("/held", { preconditions: { uid: "alien" } });
    assert.deepEqual(problem(alien), [
      409,
      "Conflict",
      `Operation cannot be fulfilled on ConfigMap "held": the UID in the precondition (alien) does not match the UID in record (${String(metadata.uid)}). The object might have been deleted and then recreated`,
    ]);
    const stale = await remove("/held", { preconditions: { resourceVersion: "1" } });
    assert.equal(stale.status, 409);
    assert.match(
      stale.json.message,
      /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record /,
    );
    const right = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
    assert.equal((await remove("/held", { preconditions: right })).status, 200);
  });

  it("waits for finalizers, and goes with the last one", async () => {
    await made("finalized", { finalizers: ["example.com/one", "example.com/two"] });
    const first = await remove("/finalized");
    assert.deepEqual(
      [first.status, first.json.kind, first.json.metadata.deletionGracePeriodSeconds],
      [200, "ConfigMap", 0],
    );
    const since = first.json.metadata.deletionTimestamp;
    assert.equal(typeof since, "string");
    const again = await remove("/finalized");
    assert.deepEqual(
      [again.json.metadata.deletionTimestamp, again.json.metadata.resourceVersion],
      [since, first.json.metadata.resourceVersion],
    );
    const taken = await call("POST", "", { body: { metadata: { name: "finalized" } } });
    assert.equal(taken.json.message, 'object is being deleted: configmaps "finalized" already exists');
    const more = await merge("/finalized", {
      metadata: { finalizers: ["example.com/one", "example.com/two", "example.com/three"] },
    });
    assert.deepEqual(problem(more).slice(0, 2), [422, "Invalid"]);
    assert.match(
      more.json.message,
      /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example.com\/three"\}/,
    );
    const undead = await merge("/finalized", { metadata: { deletionTimestamp: null } });
    assert.equal(undead.json.metadata.deletionTimestamp, since);
    assert.equal((await merge("/finalized", { metadata: { finalizers: ["example.com/two"] } })).status, 200);
    const last = await merge("/finalized", { metadata: { finalizers: null } });
    assert.deepEqual([last.status, last.json.metadata.name], [200, "finalized"]);
    assert.equal((await call("GET", "/finalized")).status, 404);
    const warned = await call("POST", "", {
      body: { metadata: { name: "warned", finalizers: ["unqualified"] } },
    });
    assert.ok(warned.status === 422 || warnings(warned).includes("unqualified"), warned.text);
  });

  it("by PUT of the last finalizer too; orphanDependents=false answers 202", async () => {
    await made("put", { finalizers: ["example.com/one"] });
    const accepted = await remove("/put", { orphanDependents: false });
    assert.equal(accepted.status, 202);
    const { metadata } = accepted.json;
    const gone = await call("PUT", "/put", { body: { metadata: { ...metadata, finalizers: [] } } });
    assert.equal(gone.status, 200, gone.text);
    assert.equal((await call("GET", "/put")).status, 404);
  });

  it("refuses options that mean nothing", async () => {
    await made("options");
    const both = await remove("/options", { propagationPolicy: "Orphan", orphanDependents: true });
    assert.deepEqual(problem(both).slice(0, 2), [422, "Invalid"]);
    assert.match(
      both.json.message,
      /^DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set/,
    );
    assert.match((await remove("/options?propagationPolicy=Now")).json.message, /Unsupported value: "Now"/);
    assert.equal((await remove("/options", { dryRun: ["Some"] })).status, 422);
    assert.equal((await remove("/options?gracePeriodSeconds=x")).status, 400);
    assert.equal((await call("DELETE", "/options", { body: "[" })).status, 400);
    assert.equal((await call("DELETE", "/options", { body: "x", type: "text/plain" })).status, 415);
    for (const [query, code, message] of [
      ["propagationPolicy=", 422, /propagationPolicy: Unsupported value: ""/],
      ["dryRun=", 422, /dryRun: Unsupported value: \[""\]: supported values: "All"/],
      ["gracePeriodSeconds=", 400, /^strconv.ParseInt: parsing "": invalid syntax$/],
      ["gracePeriodSeconds=9223372036854775808", 400, /value out of range$/],
      ["orphanDependents=&propagationPolicy=Orphan", 422, /cannot be both set/],
    ] as const) {
      const answer = await remove(`/options?${query}`);
      assert.equal(answer.status, code, query);
      assert.match(answer.json.message, message);
    }
    assert.match((await remove("/options", { propagationPolicy: "" })).json.message, /Unsupported value: ""/);
    assert.equal((await remove("/options?propagationPolicy=Foreground")).json.kind, "ConfigMap");
  });

  it("takes options of any group, and nothing that is no DeleteOptions", async () => {
    await made("kinds");
    const refused = [
      [{ kind: "Foo", apiVersion: "v1" }, 'no kind "Foo" is registered for version "v1" in scheme '],
      [{ kind: "Foo" }, 'no kind "Foo" is registered for version "meta.k8s.io/v1" in scheme '],
      [{ kind: 1 }, "couldn't get version/kind; json parse error: json: cannot unmarshal number into "],
      [{ apiVersion: "a/b/c" }, "unexpected GroupVersion string: a/b/c"],
      [
        { gracePeriodSeconds: "x" },
        "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
      ],
    ] as const;
    for (const [body, text] of refused) {
      const answer = await call("DELETE", "/kinds", { body });
      assert.equal(answer.status, 400, answer.text);
      assert.ok(answer.json.message.startsWith(text), answer.json.message);
    }
    for (const body of [{ kind: "DeleteOptions", apiVersion: "any/v9" }, { apiVersion: "/" }, "null"]) {
      const answer = await call("DELETE", "/kinds?dryRun=All", { body });
      assert.equal(answer.status, 200, answer.text);
      await made("kinds");
    }
  });

  it("of a collection: what matches, answered as a list; finalizers hold back", async () => {
    for (const name of ["c-1", "c-2", "c-3"])
      await made(name, {
        labels: { set: "c" },
        ...(name === "c-3" ? { finalizers: ["example.com/one"] } : {}),
      });
    await made("not-c");
    const answer = await remove("?labelSelector=set%3Dc");
    assert.deepEqual([answer.status, answer.json.kind], [200, "ConfigMapList"]);
    assert.deepEqual(
      answer.json.items.map(({ metadata }) => metadata.name),
      ["c-1", "c-2", "c-3"],
    );
    const left = (await call("GET", "?labelSelector=set%3Dc")).json.items;
    assert.deepEqual(
      left.map(({ metadata }) => [metadata.name, typeof metadata.deletionTimestamp]),
      [["c-3", "string"]],
    );
    assert.equal((await call("GET", "/not-c")).status, 200);
    await merge("/c-3", { metadata: { finalizers: null } });
    const one = await remove("?fieldSelector=metadata.name%3Dnot-c");
    assert.equal(one.json.items.length, 1);
    assert.equal((await call("GET", "/not-c")).status, 404);
    assert.equal((await server.call("DELETE", `/clusters/${cluster}/api/v1/namespaces`, {})).status, 405);
  });

  it("of a hundred and more at once", async () => {
    await Promise.all(Array.from({ length: 150 }, (_, i) => made(`many-${i}`, { labels: { many: "yes" } })));
    assert.equal((await remove("?labelSelector=many")).json.items.length, 150);
    assert.equal((await call("GET", "?labelSelector=many")).json.items.length, 0);
  });
});

describe("a namespace", () => {
  const namespaces = (path = ""): string => `/clusters/${cluster}/api/v1/namespaces${path}`;

  it("goes with its content; nothing can be born into it meanwhile", async () => {
    await server.call("POST", namespaces(), { body: { metadata: { name: "going" } } });
    const inside = namespaces("/going/configmaps");
    await server.call("POST", inside, {
      body: { metadata: { name: "holder", finalizers: ["example.com/wait"] } },
    });
    const seen = await server.watch(
      `${namespaces()}?watch=1&fieldSelector=metadata.name=going&resourceVersion=${server.store.current()}`,
    );
    const terminating = await server.call("DELETE", namespaces("/going"), { body: {} });
    assert.equal(terminating.status, 200);
    assert.deepEqual((terminating.json.status as unknown as Json).phase, "Terminating");
    const refused = await server.call("POST", inside, { body: { metadata: { name: "late" } } });
    assert.deepEqual(problem(refused), [
      403,
      "Forbidden",
      'configmaps "late" is forbidden: unable to create new content in namespace going because it is being terminated',
    ]);
    assert.deepEqual(refused.json.details.causes, [
      {
        reason: "NamespaceTerminating",
        message: "namespace going is being terminated",
        field: "metadata.namespace",
      },
    ]);
    await server.call("PATCH", `${inside}/holder`, {
      body: { metadata: { finalizers: null } },
      type: "application/merge-patch+json",
    });
    while (!seen.events().some(({ type }) => type === "DELETED")) await seen.until(seen.events().length + 1);
    seen.close();
    assert.equal((await server.call("GET", namespaces("/going"))).status, 404);
    assert.deepEqual((await server.call("GET", inside)).json.items, []);
  });

  it("that every cluster needs stays", async () => {
    const answer = await server.call("DELETE", namespaces("/default"), { body: {} });
    assert.deepEqual(problem(answer), [
      403,
      "Forbidden",
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ]);
  });

  it("has its content from the first moment", async () => {
    await server.call("POST", namespaces(), { body: { metadata: { name: "born" } } });
    const account = await server.call("GET", namespaces("/born/serviceaccounts/default"));
    const roots = await server.call("GET", namespaces("/born/configmaps/kube-root-ca.crt"));
    assert.deepEqual([account.status, roots.status], [200, 200]);
    assert.match(roots.json.data["ca.crt"]!, /BEGIN CERTIFICATE/);
    const { json } = await server.call("GET", namespaces("/born"));
    assert.equal(json.metadata.labels["kubernetes.io/metadata.name"], "born");
  });

  it("is finalized by its subresource only", async () => {
    await server.call("POST", namespaces(), {
      body: { metadata: { name: "own" }, spec: { finalizers: ["example.com/mine"] } },
    });
    const { json } = await server.call("GET", namespaces("/own"));
    const without = { ...json, spec: { finalizers: [] } };
    const ignored = await server.call("PUT", namespaces("/own"), { body: without });
    assert.deepEqual(ignored.json.spec.finalizers, ["example.com/mine", "kubernetes"]);
    // Who owns the finalizers has changed, if nothing else.
    const { resourceVersion } = ignored.json.metadata;
    const finalized = await server.call("PUT", namespaces("/own/finalize"), {
      body: { ...without, metadata: { ...without.metadata, resourceVersion } },
    });
    assert.equal(finalized.status, 200, finalized.text);
    assert.deepEqual(finalized.json.spec.finalizers ?? [], []);
    assert.equal((await server.call("GET", namespaces("/own/finalize"))).status, 405);
  });
});
