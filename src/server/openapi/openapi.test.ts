import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { answerOpenApi } from "./answer.ts";
import { openApiDocuments } from "./documents.ts";

const universal = openApiDocuments(universalResources(), loadCatalogue());
const kubernetes = openApiDocuments(kubernetesResources(), loadCatalogue());
const read = (documents: typeof universal, path: string) =>
  JSON.parse(documents.document(path)!.body.toString("utf8"));
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

test("every reference of every document resolves", () => {
  for (const documents of [universal, kubernetes]) {
    for (const path of Object.keys(JSON.parse(documents.index().body.toString("utf8")).paths)) {
      const document = read(documents, path);
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

test("operation ids are unique", () => {
  for (const path of ["api/v1", "apis/apps/v1", "apis/authorization.k8s.io/v1"]) {
    const ids = Object.values(
      read(kubernetes, path).paths as Record<string, Record<string, { operationId?: string }>>,
    )
      .flatMap((item) => Object.values(item))
      .flatMap((operation) => operation.operationId ?? []);
    assert.ok(ids.length > 0);
    assert.equal(new Set(ids).size, ids.length);
  }
});

// The following are what upstream's own documents say (api/openapi-spec/v3 of the release), descriptions left out.
test("components are upstream's", () => {
  const { schemas } = read(kubernetes, "apis/apps/v1").components;
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
  const ingress = read(kubernetes, "apis/networking.k8s.io/v1").components.schemas[
    "io.k8s.api.networking.v1.HTTPIngressPath"
  ];
  assert.deepEqual(ingress.properties.pathType, {
    type: "string",
    enum: ["Exact", "ImplementationSpecific", "Prefix"],
  });
  assert.equal(schemas["io.k8s.api.core.v1.LocalObjectReference"].properties.name.default, "");
});

test("kubectl finds the query parameters of a kind's PATCH", () => {
  for (const [path, collection, kind] of [
    ["api/v1", "/api/v1/namespaces/{namespace}/configmaps", "ConfigMap"],
    ["apis/tenancy.kcp.io/v1alpha1", "/apis/tenancy.kcp.io/v1alpha1/workspaces", "Workspace"],
  ] as const) {
    const { patch } = read(universal, path).paths[`${collection}/{name}`];
    assert.equal(patch["x-kubernetes-action"], "patch");
    assert.equal(patch["x-kubernetes-group-version-kind"].kind, kind);
    const names = patch.parameters.map((parameter: { name: string }) => parameter.name);
    assert.deepEqual(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
  }
});

test("a custom resource has neither protobuf nor strategic merge", () => {
  const { paths } = read(universal, "apis/tenancy.kcp.io/v1alpha1");
  const { get, patch } = paths["/apis/tenancy.kcp.io/v1alpha1/workspaces/{name}"];
  assert.deepEqual(Object.keys(get.responses["200"].content), ["application/json", "application/yaml"]);
  assert.deepEqual(Object.keys(patch.requestBody.content), [
    "application/json-patch+json",
    "application/merge-patch+json",
  ]);
});

test("operation ids and kinds of subresources are upstream's", () => {
  const { paths } = read(universal, "api/v1");
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

test("the index names each document with the hash of its content", () => {
  const answer = ask("/openapi/v3")!;
  const { paths } = JSON.parse(answer.body.toString("utf8"));
  const document = universal.document("apis/coordination.k8s.io/v1")!;
  assert.equal(createHash("sha512").update(document.body).digest("hex").toUpperCase(), document.hash);
  assert.deepEqual(paths["apis/coordination.k8s.io/v1"], {
    serverRelativeURL: `/openapi/v3/apis/coordination.k8s.io/v1?hash=${document.hash}`,
  });
  assert.ok("api/v1" in paths);
  assert.equal(ask("/openapi/v3", { ifNoneMatch: answer.headers.etag })?.status, 304);
});

test("a document with its hash may be kept, with another one it has moved", () => {
  const path = "/openapi/v3/api/v1";
  const { hash } = universal.document("api/v1")!;
  assert.equal(ask(path)?.headers["cache-control"], undefined);
  const kept = ask(path, { hash })!;
  assert.equal(kept.status, 200);
  assert.equal(kept.headers["cache-control"], "public, immutable");
  assert.equal(kept.headers.expires, "Fri, 01 Jan 1971 00:00:00 GMT");
  const moved = ask(path, { hash: "OLD", clusterPrefix: "/clusters/root" })!;
  assert.equal(moved.status, 301);
  assert.equal(moved.headers.location, `/clusters/root/openapi/v3/api/v1?hash=${hash}`);
});

test("JSON only, and only what is served", () => {
  const protobuf = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
  assert.equal(ask("/openapi/v3/api/v1", { accept: protobuf })?.status, 406);
  assert.equal(ask("/openapi/v3/api/v1", { accept: `${protobuf}, application/json` })?.status, 200);
  for (const path of ["apis/apps/v1", "api/v2", "__proto__"])
    assert.equal(ask(`/openapi/v3/${path}`)?.status, 404);
  assert.equal(ask("/openapi/v2"), undefined);
  assert.equal(ask("/openapi/v3x"), undefined);
});
