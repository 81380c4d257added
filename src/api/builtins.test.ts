import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectSchema } from "#machinery/schema/types.ts";
import { kubernetesResources, universalResources } from "./builtins.ts";
import { loadCatalogue } from "./catalogue.ts";

test("universal is what kcp serves, and kcp's two kinds", () => {
  const infos = universalResources();
  assert.equal(infos.length, 27 + 2);
  const find = (group: string, resource: string) =>
    infos.find((info) => info.group === group && info.resource === resource);
  assert.deepEqual(
    find("", "namespaces")?.versions[0]?.subresources.map((sub) => sub.name),
    ["finalize", "status"],
  );
  assert.deepEqual(find("", "serviceaccounts")?.versions[0]?.subresources[0], {
    name: "token",
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    verbs: ["create"],
  });
  assert.deepEqual(find("tenancy.kcp.io", "workspaces")?.shortNames, ["ws"]);
  assert.equal(find("", "pods"), undefined);
  assert.deepEqual(find("apiextensions.k8s.io", "customresourcedefinitions")?.shortNames, ["crd", "crds"]);
  assert.deepEqual(
    infos.filter((info) => info.virtual).map((info) => info.resource),
    [
      "selfsubjectreviews",
      "tokenreviews",
      "localsubjectaccessreviews",
      "selfsubjectaccessreviews",
      "selfsubjectrulesreviews",
      "subjectaccessreviews",
    ],
  );
});

test("kubernetes is every resource of the release that can be plain data", () => {
  const infos = kubernetesResources();
  assert.equal(infos.length, 67 - 2 + 2);
  const hpa = infos.find((info) => info.resource === "horizontalpodautoscalers");
  assert.deepEqual(
    hpa?.versions.map((version) => version.version),
    ["v2", "v1"],
  );
  assert.equal(hpa?.storageVersion, "v2");
  const several = infos.filter((info) => info.versions.length > 1).map((info) => info.resource);
  assert.deepEqual(several, ["horizontalpodautoscalers"]);
  const pods = infos.find((info) => info.group === "" && info.resource === "pods");
  assert.deepEqual(
    pods?.versions[0]?.subresources.map((sub) => sub.name),
    ["ephemeralcontainers", "eviction", "resize", "status"],
  );
});

test("every resource and subresource has a type, and a list type where it lists", () => {
  const catalogue = loadCatalogue();
  for (const info of kubernetesResources()) {
    for (const { version, kind, type, verbs, subresources } of info.versions) {
      const apiVersion = info.group === "" ? version : `${info.group}/${version}`;
      assert.equal(catalogue.typeOf(apiVersion, kind), type);
      assert.equal(catalogue.resolve(type).kind, "object");
      if (verbs.includes("list")) {
        const list = catalogue.resolve(catalogue.typeOf(apiVersion, `${kind}List`)!) as ObjectSchema;
        assert.ok(list.fields.has("items"));
      }
      for (const sub of subresources) {
        const group = sub.group === "" ? sub.version : `${sub.group}/${sub.version}`;
        assert.ok(catalogue.typeOf(group, sub.kind), `${info.resource}/${sub.name}`);
      }
    }
  }
});

test("a workspace's phase defaults as in kcp", () => {
  const workspace = loadCatalogue().resolve("io.kcp.tenancy.v1alpha1.Workspace") as ObjectSchema;
  const status = workspace.fields.get("status")?.schema as ObjectSchema;
  assert.deepEqual(status.default, {});
  assert.equal(status.fields.get("phase")?.schema.default, "Scheduling");
  assert.equal(workspace.fields.get("spec")?.required, true);
});
