import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { ServedSet } from "#server/endpoints/served-set.ts";
import { answerOpenApi, isOpenApiPath } from "./answer.ts";
import { type OpenApiDocuments, OpenApiLibrary } from "./documents.ts";

const library = new OpenApiLibrary(loadCatalogue(), "v1.36.3");
const universal = library.of(new ServedSet("universal", universalResources()));
const kubernetes = library.of(new ServedSet("kubernetes", kubernetesResources()));
const read = async (documents: OpenApiDocuments, path: string) =>
  JSON.parse(String(await documents.document(path)!.read("json")));
const ask = (path: string, more: Partial<Parameters<typeof answerOpenApi>[1]> = {}) =>
  answerOpenApi(universal, {
    path,
    clusterPrefix: "",
    accept: undefined,
    ifNoneMatch: undefined,
    hash: undefined,
    nowMs: 0,
    ...more,
  });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

test("every reference of every document resolves", async () => {
  for (const documents of [universal, kubernetes]) {
    for (const path of Object.keys(JSON.parse(String((await documents.index()).body)).paths)) {
      const document = await read(documents, path);
      const visit = (value: unknown): void => {
        if (Array.isArray(value)) value.forEach(visit);
        else if (typeof value === "object" && value !== null) {
          for (const [key, member] of Object.entries(value)) {
            if (key === "$ref" && typeof member === "string") {
              const name = member.replace("#/components/schemas/", "");
              assert.ok(Object.hasOwn(document.components.schemas, name), `${path}: ${member}`);
            } else visit(member);
          }
        }
      };
      visit(document);
    }
  }
});

test("operation ids are unique", async () => {
  for (const path of ["api/v1", "apis/apps/v1", "apis/authorization.k8s.io/v1"]) {
    const { paths } = await read(kubernetes, path);
    const ids = Object.values(paths as Record<string, Record<string, { operationId?: string }>>)
      .flatMap((item) => Object.values(item))
      .flatMap((operation) => operation.operationId ?? []);
    assert.ok(ids.length > 0);
    assert.equal(new Set(ids).size, ids.length);
  }
});

// The following are what upstream's own documents say (api/openapi-spec/v3 of the release), descriptions left out.
test("components are upstream's", async () => {
  const { schemas } = (await read(kubernetes, "apis/apps/v1")).components;
  assert.deepEqual(schemas["io.k8s.api.apps.v1.DeploymentSpec"], {
    type: "object",
    properties: {
      replicas: { type: "integer", format: "int32" },
      selector: { allOf: [ref("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")] },
      template: { allOf: [ref("io.k8s.api.core.v1.PodTemplateSpec")], default: {} },
      strategy: {
        allOf: [ref("io.k8s.api.apps.v1.DeploymentStrategy")],
        default: {},
        "x-kubernetes-patch-strategy": "retainKeys",
      },
      minReadySeconds: { type: "integer", format: "int32" },
      revisionHistoryLimit: { type: "integer", format: "int32" },
      paused: { type: "boolean" },
      progressDeadlineSeconds: { type: "integer", format: "int32" },
    },
    required: ["selector", "template"],
  });
  assert.deepEqual(schemas["io.k8s.api.core.v1.Container"].properties.ports, {
    type: "array",
    items: { allOf: [ref("io.k8s.api.core.v1.ContainerPort")], default: {} },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "containerPort",
  });
  assert.deepEqual(schemas["io.k8s.api.core.v1.ContainerPort"].properties.protocol, {
    type: "string",
    enum: ["SCTP", "TCP", "UDP"],
    default: "TCP",
  });
  assert.deepEqual(schemas["io.k8s.api.core.v1.SeccompProfile"]["x-kubernetes-unions"], [
    { discriminator: "type", "fields-to-discriminateBy": { localhostProfile: "LocalhostProfile" } },
  ]);
  assert.deepEqual(schemas["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"], [
    { group: "apps", kind: "Deployment", version: "v1" },
  ]);
  assert.deepEqual(schemas["io.k8s.api.core.v1.PersistentVolumeClaim"]["x-kubernetes-group-version-kind"], [
    { group: "", kind: "PersistentVolumeClaim", version: "v1" },
  ]);
  const networking = await read(kubernetes, "apis/networking.k8s.io/v1");
  const ingress = networking.components.schemas["io.k8s.api.networking.v1.HTTPIngressPath"];
  assert.deepEqual(ingress.properties.pathType, {
    type: "string",
    enum: ["Exact", "ImplementationSpecific", "Prefix"],
  });
  assert.equal(schemas["io.k8s.api.core.v1.LocalObjectReference"].properties.name.default, "");
});

test("kubectl finds the query parameters of a kind's PATCH", async () => {
  for (const [path, collection, kind] of [
    ["api/v1", "/api/v1/namespaces/{namespace}/configmaps", "ConfigMap"],
    ["apis/tenancy.kcp.io/v1alpha1", "/apis/tenancy.kcp.io/v1alpha1/workspaces", "Workspace"],
  ] as const) {
    const { patch } = (await read(universal, path)).paths[`${collection}/{name}`];
    assert.equal(patch["x-kubernetes-action"], "patch");
    assert.equal(patch["x-kubernetes-group-version-kind"].kind, kind);
    const names = patch.parameters.map((parameter: { name: string }) => parameter.name);
    assert.deepEqual(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
  }
});

test("a custom resource has neither protobuf nor strategic merge", async () => {
  const { paths } = await read(universal, "apis/tenancy.kcp.io/v1alpha1");
  const { get, patch } = paths["/apis/tenancy.kcp.io/v1alpha1/workspaces/{name}"];
  assert.deepEqual(Object.keys(get.responses["200"].content), ["application/json", "application/yaml"]);
  assert.deepEqual(Object.keys(patch.requestBody.content), [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
  ]);
});

test("operation ids and kinds of subresources are upstream's", async () => {
  const { paths } = await read(universal, "api/v1");
  const token = paths["/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"].post;
  assert.equal(token.operationId, "createCoreV1NamespacedServiceAccountToken");
  assert.deepEqual(token["x-kubernetes-group-version-kind"], {
    group: "authentication.k8s.io",
    kind: "TokenRequest",
    version: "v1",
  });
  const list = paths["/api/v1/configmaps"].get;
  assert.equal(list.operationId, "listCoreV1ConfigMapForAllNamespaces");
  const collection = paths["/api/v1/namespaces/{namespace}/configmaps"].delete;
  assert.equal(collection.operationId, "deleteCoreV1CollectionNamespacedConfigMap");
  assert.deepEqual(collection.tags, ["core_v1"]);
});

test("the index names each document with the hash of its content", async () => {
  const answer = await ask("/openapi/v3");
  const { paths } = JSON.parse(String(answer.body));
  const document = universal.document("apis/coordination.k8s.io/v1")!;
  const body = (await document.read("json")) as Buffer;
  const hash = createHash("sha512").update(body).digest("hex").toUpperCase();
  assert.equal(await document.hash(), hash);
  assert.deepEqual(paths["apis/coordination.k8s.io/v1"], {
    serverRelativeURL: `/openapi/v3/apis/coordination.k8s.io/v1?hash=${hash}`,
  });
  assert.ok("api/v1" in paths);
  assert.equal((await ask("/openapi/v3", { ifNoneMatch: answer.headers.etag })).status, 304);
});

test("a document with its hash may be kept, with another one it has moved", async () => {
  const path = "/openapi/v3/api/v1";
  const hash = await universal.document("api/v1")!.hash();
  assert.equal((await ask(path)).headers["cache-control"], undefined);
  const kept = await ask(path, { hash });
  assert.equal(kept.status, 200);
  assert.equal(kept.headers["cache-control"], "public, immutable");
  assert.equal(kept.headers.expires, "Fri, 01 Jan 1971 00:00:00 GMT");
  const moved = await ask(path, { hash: "OLD", clusterPrefix: "/clusters/root" });
  assert.equal(moved.status, 301);
  assert.equal(moved.headers.location, `/clusters/root/openapi/v3/api/v1?hash=${hash}`);
});

test("the form is what the client accepts, in the old and the new spelling", async () => {
  for (const [path, version] of [
    ["/openapi/v3/api/v1", 3],
    ["/openapi/v2", 2],
  ] as const) {
    const old = `application/com.github.proto-openapi.spec.v${version}@v1.0+protobuf`;
    const protobuf = `application/com.github.proto-openapi.spec.v${version}.v1.0+protobuf`;
    for (const [accept, expected] of [
      [undefined, "application/json"],
      ["*/*", "application/json"],
      [`${old}, application/json;q=0.5`, protobuf],
      [`application/json;q=0.5, ${protobuf}`, protobuf],
      [protobuf, protobuf],
    ] as const) {
      const answer = await ask(path, { accept });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], expected);
      assert.equal(answer.headers.vary, "Accept");
      assert.equal((await ask(path, { accept, ifNoneMatch: answer.headers.etag })).status, 304);
    }
    assert.equal((await ask(path, { accept: "text/html" })).status, 406);
  }
  for (const path of ["apis/apps/v1", "api/v2", "__proto__"])
    assert.equal((await ask(`/openapi/v3/${path}`)).status, 404);
  assert.equal(isOpenApiPath("/openapi/v3x"), false);
});

// The following are what upstream's own document says (api/openapi-spec/swagger.json of the release), without descriptions.
test("OpenAPI v2 holds every kind, in Swagger's words", async () => {
  const document = JSON.parse(String(await kubernetes.v2.read("json")));
  assert.equal(document.swagger, "2.0");
  const { definitions, paths } = document;
  assert.deepEqual(definitions["io.k8s.api.apps.v1.DeploymentSpec"], {
    type: "object",
    properties: {
      replicas: { type: "integer", format: "int32" },
      selector: { $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector" },
      template: { $ref: "#/definitions/io.k8s.api.core.v1.PodTemplateSpec" },
      strategy: {
        $ref: "#/definitions/io.k8s.api.apps.v1.DeploymentStrategy",
        "x-kubernetes-patch-strategy": "retainKeys",
      },
      minReadySeconds: { type: "integer", format: "int32" },
      revisionHistoryLimit: { type: "integer", format: "int32" },
      paused: { type: "boolean" },
      progressDeadlineSeconds: { type: "integer", format: "int32" },
    },
    required: ["selector", "template"],
  });
  assert.deepEqual(definitions["io.k8s.api.core.v1.Container"].properties.ports, {
    type: "array",
    items: { $ref: "#/definitions/io.k8s.api.core.v1.ContainerPort" },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "containerPort",
  });
  assert.deepEqual(definitions["io.k8s.api.core.v1.ContainerPort"].properties.protocol, { type: "string" });
  assert.deepEqual(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"], {
    type: "string",
    format: "int-or-string",
  });
  assert.ok(
    definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]["x-kubernetes-group-version-kind"].some(
      (one: { group: string }) => one.group === "apps",
    ),
  );
  const { patch, parameters } = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
  assert.deepEqual(patch.consumes, [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
  ]);
  assert.deepEqual(patch.parameters[0], {
    name: "body",
    in: "body",
    required: true,
    schema: { $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch" },
  });
  assert.deepEqual(parameters[0], {
    name: "name",
    in: "path",
    required: true,
    type: "string",
    uniqueItems: true,
  });
  assert.deepEqual(patch.responses["200"], {
    description: "OK",
    schema: { $ref: "#/definitions/io.k8s.api.apps.v1.Deployment" },
  });
  const text = JSON.stringify(document);
  assert.ok(!text.includes("#/components/"));
  for (const [, name] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) assert.ok(name! in definitions, name);
  for (const [, name] of text.matchAll(/"#\/parameters\/([^"]+)"/g))
    assert.ok(name! in document.parameters, name);
});
