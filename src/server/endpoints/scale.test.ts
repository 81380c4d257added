/** The scale subresource over HTTP: a view of the object in every form, and changes that touch its replicas only. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadCatalogue } from "#api/catalogue.ts";
import {
  hasReplicas,
  replicasOf,
  type ScaleDescription,
  scaleOf,
  scaleType,
  withReplicas,
} from "#api/scale.ts";
import { decodeEnvelope, encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "../testing/live-server.ts";
import { scaleView } from "./scale.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const jsonPatch = "application/json-patch+json";
const catalogue = loadCatalogue();
const codec = new ProtobufCodec(catalogue);
/** Without the zero values that protobuf carries. */
const printed = new TypeCompiler(catalogue).compile(scaleType);
let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("scaled", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const template = {
  metadata: { labels: { app: "x", tier: "b" } },
  spec: { containers: [{ name: "c", image: "i" }] },
};
const matchLabels = { tier: "b", app: "x" };
const kinds = [
  { kind: "Deployment", path: "apps/v1", resource: "deployments", selector: { matchLabels } },
  { kind: "ReplicaSet", path: "apps/v1", resource: "replicasets", selector: { matchLabels } },
  {
    kind: "StatefulSet",
    path: "apps/v1",
    resource: "statefulsets",
    selector: { matchLabels, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["z", "a"] }] },
    text: "app=x,tier=b,tier notin (a,z)",
  },
  { kind: "ReplicationController", path: "v1", resource: "replicationcontrollers", selector: matchLabels },
];
const collection = ({ path, resource }: { path: string; resource: string }): string =>
  `${base}/${path === "v1" ? "api" : "apis"}/${path}/namespaces/default/${resource}`;

/** Makes an object and answers the path of its scale. */
async function make(of: (typeof kinds)[number], name: string, replicas?: number): Promise<[string, Json]> {
  const spec = { selector: of.selector, template, ...(replicas === undefined ? {} : { replicas }) };
  const body = { apiVersion: of.path, kind: of.kind, metadata: { name, labels: { app: "x" } }, spec };
  const answer = await server.call("POST", collection(of), { body });
  assert.equal(answer.status, 201, answer.text);
  return [`${collection(of)}/${name}/scale`, answer.json];
}
const parent = async (path: string): Promise<Json> =>
  (await server.call("GET", path.replace(/\/scale$/, ""))).json;
const ok = (answer: Answer): Json => {
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const failed = (answer: Answer, code: number, message: string): void =>
  assert.deepEqual([answer.status, answer.json.message], [code, message]);

describe("scale", () => {
  for (const of of kinds) {
    it(`of a ${of.kind} is read and written`, async () => {
      const [path, made] = await make(of, "rw", 2);
      await server.call("PATCH", path.replace(/scale$/, "status"), {
        type: merge,
        body: { status: { replicas: 7 } },
      });
      const before = await parent(path);
      const metadata = {
        name: "rw",
        namespace: "default",
        uid: made.metadata.uid,
        resourceVersion: before.metadata.resourceVersion,
        creationTimestamp: made.metadata.creationTimestamp,
      };
      const scale = ok(await server.call("GET", path));
      assert.deepEqual(scale, {
        kind: "Scale",
        apiVersion: "autoscaling/v1",
        metadata,
        spec: { replicas: 2 },
        status: { replicas: 7, selector: of.text ?? "app=x,tier=b" },
      });

      const put = ok(
        await server.call("PUT", path, {
          body: { ...scale, spec: { replicas: 5 }, status: { replicas: 99, selector: "no=no" } },
        }),
      );
      const changed = await parent(path);
      assert.deepEqual(put, {
        ...scale,
        metadata: { ...metadata, resourceVersion: changed.metadata.resourceVersion },
        spec: { replicas: 5 },
      });
      assert.notEqual(changed.metadata.resourceVersion, before.metadata.resourceVersion);
      assert.equal(changed.metadata.generation, 2);
      const { replicas: _old, ...oldSpec } = before.spec;
      const { replicas, ...spec } = changed.spec;
      assert.equal(replicas, 5);
      assert.deepEqual([spec, changed.status], [oldSpec, before.status]);
      assert.deepEqual(changed.metadata.labels, before.metadata.labels);
    });
  }

  it("is patched in all three ways, without a namespace or a revision", async () => {
    const [path] = await make(kinds[0]!, "patched");
    const patches = [
      [merge, { spec: { replicas: 3 } }, 3],
      [strategic, { spec: { replicas: 4 } }, 4],
      [jsonPatch, [{ op: "replace", path: "/spec/replicas", value: 6 }], 6],
      [merge, { metadata: { labels: { no: "no" } }, status: { replicas: 8 } }, 6],
    ] as const;
    for (const [type, body, replicas] of patches) {
      const { spec, status } = ok(await server.call("PATCH", path, { type, body }));
      assert.deepEqual([spec, status], [{ replicas }, { replicas: 0, selector: "app=x,tier=b" }]);
      assert.equal((await parent(path)).spec.replicas, replicas);
    }
    assert.deepEqual((await parent(path)).metadata.labels, { app: "x" });
    const unchanged = (await parent(path)).metadata.resourceVersion;
    ok(await server.call("PATCH", path, { type: merge, body: { spec: { replicas: 6 } } }));
    assert.equal((await parent(path)).metadata.resourceVersion, unchanged, "nothing was written");
  });

  it("goes down to zero, which Go does not print", async () => {
    const [path] = await make(kinds[0]!, "zero", 2);
    const zero = ok(await server.call("PATCH", path, { type: merge, body: { spec: { replicas: 0 } } }));
    assert.deepEqual(zero.spec, {});
    assert.equal((await parent(path)).spec.replicas, 0);
    ok(await server.call("PUT", path, { body: { ...zero, spec: { replicas: 1 } } }));
    assert.equal((await parent(path)).spec.replicas, 1);
  });

  it("has preconditions", async () => {
    const [path] = await make(kinds[0]!, "guarded", 1);
    const old = ok(await server.call("GET", path));
    const uid = String(old.metadata.uid);
    ok(await server.call("PUT", path, { body: { ...old, spec: { replicas: 2 } } }));
    const modified =
      'Operation cannot be fulfilled on deployments.apps "guarded": the object has been modified; please apply your changes to the latest version and try again';
    failed(await server.call("PUT", path, { body: { ...old, spec: { replicas: 3 } } }), 409, modified);
    const { resourceVersion } = old.metadata;
    const stale = { metadata: { resourceVersion }, spec: { replicas: 3 } };
    failed(await server.call("PATCH", path, { type: merge, body: stale }), 409, modified);
    const other = { ...old, metadata: { name: "guarded", uid: "other" }, spec: { replicas: 3 } };
    failed(
      await server.call("PUT", path, { body: other }),
      409,
      `Operation cannot be fulfilled on deployments/scale.apps "guarded": Precondition failed: UID in precondition: other, UID in object meta: ${uid}`,
    );
    assert.equal((await parent(path)).spec.replicas, 2);
    const unconditional = { ...old, metadata: { name: "guarded" }, spec: { replicas: 3 } };
    ok(await server.call("PUT", path, { body: unconditional }));
    const dry = await server.call("PUT", `${path}?dryRun=All`, {
      body: { ...unconditional, spec: { replicas: 9 } },
    });
    assert.deepEqual(ok(dry).spec, { replicas: 9 });
    assert.equal((await parent(path)).spec.replicas, 3);
  });

  it("refuses what is no Scale of the object", async () => {
    const [path] = await make(kinds[0]!, "bad", 1);
    const old = ok(await server.call("GET", path));
    const negative =
      'Scale.autoscaling "bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0';
    failed(await server.call("PUT", path, { body: { ...old, spec: { replicas: -1 } } }), 422, negative);
    const patch = { type: merge, body: { spec: { replicas: -1 } } };
    const refused = await server.call("PATCH", path, patch);
    failed(refused, 422, negative);
    assert.deepEqual(refused.json.details, {
      name: "bad",
      group: "autoscaling",
      kind: "Scale",
      causes: [
        {
          reason: "FieldValueInvalid",
          message: "Invalid value: -1: must be greater than or equal to 0",
          field: "spec.replicas",
        },
      ],
    });
    for (const body of [
      { ...old, metadata: { ...old.metadata, name: "other" } },
      { ...old, metadata: { ...old.metadata, namespace: "other" } },
      { ...old, kind: "Deployment" },
      { ...old, apiVersion: "apps/v1" },
      { ...old, spec: { replicas: "many" } },
      [],
    ])
      assert.equal((await server.call("PUT", path, { body })).status, 400, JSON.stringify(body));
    assert.equal((await parent(path)).metadata.resourceVersion, old.metadata.resourceVersion);
    failed(await server.call("GET", path.replace("/bad/", "/no/")), 404, 'deployments.apps "no" not found');
    assert.equal((await server.call("PATCH", path.replace("/bad/", "/no/"), patch)).status, 404);
    assert.equal((await server.call("DELETE", path)).status, 405);
    assert.equal((await server.call("POST", path, { body: old })).status, 405);
    assert.equal(
      (await server.call("GET", `${collection({ path: "apps/v1", resource: "daemonsets" })}/x/scale`)).status,
      404,
    );
  });

  it("speaks YAML, protobuf, tables and metadata", async () => {
    const [path] = await make(kinds[0]!, "forms", 2);
    const json = ok(await server.call("GET", path));
    const { text, headers } = await server.call("GET", path, { accept: "application/yaml" });
    assert.equal(headers["content-type"], "application/yaml");
    assert.match(text, /^apiVersion: autoscaling\/v1\nkind: Scale\n/);
    const byYaml = await server.call("PUT", path, {
      type: "application/yaml",
      body: text.replace("replicas: 2", "replicas: 3"),
    });
    assert.deepEqual(ok(byYaml).spec, { replicas: 3 });

    const read = (bytes: Buffer): unknown => {
      const envelope = decodeEnvelope(bytes);
      assert.deepEqual([envelope.apiVersion, envelope.kind], ["autoscaling/v1", "Scale"]);
      return printed.decode(codec.decode(scaleType, envelope.raw)).value;
    };
    const sent = { ...json, metadata: { name: "forms" }, spec: { replicas: 4 } };
    const put = await server.call("PUT", path, {
      type: protobuf,
      accept: protobuf,
      body: encodeObjectProtobuf(codec, scaleType, sent),
    });
    assert.equal(put.status, 200, put.text);
    assert.equal(put.headers["content-type"], protobuf);
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = ok(await server.call("GET", path));
    assert.deepEqual(read(put.bytes), rest);
    assert.deepEqual(rest.spec, { replicas: 4 });
    assert.deepEqual(read((await server.call("GET", path, { accept: protobuf })).bytes), rest);

    const table = ok(
      await server.call("GET", path, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }),
    );
    const [row] = table.rows;
    assert.deepEqual(row!.cells.slice(0, 3), ["forms", 4, 0]);
    assert.deepEqual(
      (table.columnDefinitions as { name: string }[]).map(({ name }) => name),
      ["Name", "Desired", "Available", "Age"],
    );
    assert.deepEqual(row!.object.metadata, rest.metadata);
    const as = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    const partial = ok(await server.call("GET", path, { accept: as }));
    assert.deepEqual([partial.kind, partial.metadata], ["PartialObjectMetadata", rest.metadata]);
  });

  it("is in discovery and in OpenAPI", async () => {
    const listed = ok(await server.call("GET", `${base}/apis/apps/v1`)).resources as Json[];
    assert.deepEqual(
      listed.find(({ name }) => name === "deployments/scale"),
      {
        name: "deployments/scale",
        singularName: "",
        namespaced: true,
        group: "autoscaling",
        version: "v1",
        kind: "Scale",
        verbs: ["get", "patch", "update"],
      },
    );
    assert.deepEqual(
      listed.map(({ name }) => String(name)).filter((name) => name.endsWith("/scale")),
      ["deployments/scale", "replicasets/scale", "statefulsets/scale"],
    );
    const { paths } = ok(await server.call("GET", `${base}/openapi/v3/apis/apps/v1`)) as unknown as {
      paths: Record<string, Record<string, { operationId?: string }>>;
    };
    const operations = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]!;
    assert.deepEqual(
      ["get", "put", "patch"].map((verb) => operations[verb]!.operationId),
      ["read", "replace", "patch"].map((word) => `${word}AppsV1NamespacedDeploymentScale`),
    );
  });
});

describe("the scale of a custom kind", () => {
  const description: ScaleDescription = {
    specReplicasPath: ["spec", "size", "wanted"],
    statusReplicasPath: ["status", "have"],
    labelSelectorPath: ["status", "selector"],
    selectorForm: "text",
  };
  const object = (fields: Record<string, unknown>): KubeObject => ({
    apiVersion: "example.com/v1",
    kind: "Foo",
    metadata: { name: "x", namespace: "n", annotations: { a: "b" } },
    ...fields,
  });
  const view = scaleView({ group: "example.com", resource: "foos", namespaced: true }, description);

  it("is read by paths", () => {
    const full = object({ spec: { size: { wanted: 3 } }, status: { have: 2, selector: "a in (b)" } });
    assert.deepEqual(scaleOf(full, description), {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name: "x", namespace: "n" },
      spec: { replicas: 3 },
      status: { replicas: 2, selector: "a in (b)" },
    });
    assert.equal(replicasOf(view.show(full)), 3);
    assert.deepEqual(scaleOf(object({}), description)?.status, { replicas: 0 });
  });

  it("is written by a path that need not be there, and nothing else changes", () => {
    const empty = object({ spec: { other: 1 } });
    assert.equal(hasReplicas(empty, description), false);
    const scaled = withReplicas(empty, description, 4);
    assert.deepEqual(scaled, object({ spec: { other: 1, size: { wanted: 4 } } }));
    assert.deepEqual(empty, object({ spec: { other: 1 } }));
    const shown = view.show(empty);
    assert.throws(() => view.merge(empty, shown), {
      message: 'the spec replicas field ".spec.size.wanted" cannot be empty',
    });
    assert.deepEqual(view.merge(empty, { ...shown, spec: { replicas: 4 } }), scaled);
  });
});
