import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { decodeEnvelope } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { compareVersions } from "#machinery/names/versions.ts";
import { aggregatedContentType, answerDiscovery } from "./answer.ts";
import { discoveryDocuments } from "./documents.ts";

const codec = new ProtobufCodec(loadCatalogue());
const universal = discoveryDocuments(universalResources());
const ask = async (path: string, accept?: string, ifNoneMatch?: string) =>
  answerDiscovery(universal, { path, accept, ifNoneMatch, serverAddress: "127.0.0.1:6443", codec });
const json = async (path: string, accept?: string) =>
  JSON.parse((await ask(path, accept))!.body.toString("utf8"));
const kubectlAccept =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

test("versions are in Kubernetes' order", async () => {
  const versions = ["foo10", "v1alpha1", "v1", "v10", "v1beta2", "foo1", "v2", "v1beta10", "v11alpha2", "v0"];
  assert.deepEqual(versions.sort(compareVersions), [
    "v10",
    "v2",
    "v1",
    "v1beta10",
    "v1beta2",
    "v11alpha2",
    "v1alpha1",
    "foo1",
    "foo10",
    "v0",
  ]);
});

test("the groups and resources of a universal workspace", async () => {
  assert.deepEqual(
    (await json("/apis")).groups.map((group: { name: string }) => group.name),
    [
      "events.k8s.io",
      "authentication.k8s.io",
      "authorization.k8s.io",
      "certificates.k8s.io",
      "rbac.authorization.k8s.io",
      "admissionregistration.k8s.io",
      "apiextensions.k8s.io",
      "coordination.k8s.io",
      "core.kcp.io",
      "tenancy.kcp.io",
    ],
  );
  assert.deepEqual(
    (await json("/api/v1")).resources.map((resource: { name: string }) => resource.name),
    [
      "configmaps",
      "events",
      "limitranges",
      "namespaces",
      "namespaces/finalize",
      "namespaces/status",
      "resourcequotas",
      "resourcequotas/status",
      "secrets",
      "serviceaccounts",
      "serviceaccounts/token",
    ],
  );
  assert.deepEqual((await json("/apis/tenancy.kcp.io/v1alpha1")).resources[0], {
    name: "workspaces",
    singularName: "workspace",
    namespaced: false,
    kind: "Workspace",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    shortNames: ["ws"],
    categories: ["kcp"],
  });
  assert.deepEqual(await json("/apis/coordination.k8s.io/"), {
    kind: "APIGroup",
    apiVersion: "v1",
    name: "coordination.k8s.io",
    versions: [{ groupVersion: "coordination.k8s.io/v1", version: "v1" }],
    preferredVersion: { groupVersion: "coordination.k8s.io/v1", version: "v1" },
  });
  assert.deepEqual(await json("/api"), {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:6443" }],
  });
});

test("a subresource of another kind names its group and version", async () => {
  const token = (await json("/api/v1")).resources.find(
    (one: { name: string }) => one.name === "serviceaccounts/token",
  );
  assert.deepEqual(token, {
    name: "serviceaccounts/token",
    singularName: "",
    namespaced: true,
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    verbs: ["create"],
  });
});

test("aggregated discovery is chosen by Accept and marked by its content type", async () => {
  const answer = (await ask("/apis", kubectlAccept))!;
  assert.equal(answer.headers["content-type"], aggregatedContentType("json"));
  const digest = createHash("sha512").update(answer.body).digest("hex").toUpperCase();
  assert.equal(answer.headers.etag, `"${digest}"`);
  assert.equal(answer.headers.vary, "Accept");
  assert.equal(answer.headers["cache-control"], "public");
  assert.equal((await ask("/apis", kubectlAccept, `"${digest}"`))?.status, 304);
  const core = await json("/api", kubectlAccept);
  assert.equal(core.kind, "APIGroupDiscoveryList");
  assert.equal(core.items.length, 1);
  assert.deepEqual(core.items[0].metadata, {});
  const accounts = core.items[0].versions[0].resources.find(
    (one: { resource: string }) => one.resource === "serviceaccounts",
  );
  assert.deepEqual(accounts, {
    resource: "serviceaccounts",
    responseKind: { group: "", version: "", kind: "ServiceAccount" },
    scope: "Namespaced",
    singularResource: "serviceaccount",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    shortNames: ["sa"],
    subresources: [
      {
        subresource: "token",
        responseKind: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
        verbs: ["create"],
      },
    ],
  });
});

test("what cannot be aggregated falls through to plain JSON, or 406", async () => {
  assert.equal((await ask("/apis", "application/json"))?.headers["content-type"], "application/json");
  assert.equal((await ask("/apis", "*/*"))?.status, 200);
  assert.equal(
    (await ask("/apis/coordination.k8s.io/v1", kubectlAccept))?.headers["content-type"],
    "application/json",
  );
  assert.equal(
    (await ask("/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"))?.status,
    406,
  );
  assert.equal((await ask("/apis", "text/html"))?.status, 406);
  assert.equal((await ask("/apis", "application/json;q=0"))?.status, 406);
});

test("unknown groups and versions are not found; other paths are none of discovery's", async () => {
  for (const path of [
    "/apis/nothing",
    "/apis/apps/v1",
    "/apis/coordination.k8s.io/v2",
    "/api/v2",
    "/apis/__proto__",
  ]) {
    assert.equal((await ask(path))?.status, 404, path);
  }
  for (const path of ["/", "/apiss", "/api/v1/pods", "/apis/a/b/c", "/apis//v1"])
    assert.equal(await ask(path), undefined, path);
});

test("type kubernetes: both autoscaling versions, the newer preferred", async () => {
  const documents = discoveryDocuments(kubernetesResources());
  const group = JSON.parse(documents.group("autoscaling")!.toString("utf8"));
  assert.deepEqual(
    group.versions.map((one: { version: string }) => one.version),
    ["v2", "v1"],
  );
  assert.equal(group.preferredVersion.version, "v2");
});

const own = (group: string, resource: string, version = "v1") => ({
  group,
  resource,
  singular: "",
  namespaced: true,
  shortNames: [],
  categories: [],
  storageVersion: version,
  virtual: false,
  versions: [{ version, kind: "Foo", type: "", verbs: ["get", "list"] as const, subresources: [] }],
});

test("a workspace's own groups come behind the built-in ones, by name; its kinds may be in any group", async () => {
  const documents = discoveryDocuments(universalResources(), [
    own("z.example.com", "as"),
    own("a.example.com", "zs"),
    own("coordination.k8s.io", "foos"),
    own("a.example.com", "zs", "v1beta1"),
  ]);
  const { groups } = JSON.parse(documents.groups().toString("utf8"));
  const names = groups.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.slice(-3), ["tenancy.kcp.io", "a.example.com", "z.example.com"]);
  const { items } = JSON.parse((await documents.aggregatedGroups()).body.toString("utf8"));
  assert.deepEqual(
    items.map((item: { metadata: { name: string } }) => item.metadata.name),
    names,
  );
  assert.deepEqual(
    JSON.parse(documents.group("a.example.com")!.toString("utf8")).versions.map(
      ({ version }: { version: string }) => version,
    ),
    ["v1", "v1beta1"],
  );
  const body = await documents.resources("coordination.k8s.io", "v1");
  const { resources } = JSON.parse(body!.toString("utf8"));
  assert.deepEqual(
    resources.map(({ name }: { name: string }) => name),
    ["foos", "leases"],
  );
});

test("a long list of resources is the same as short ones would be", async () => {
  const names = Array.from({ length: 300 }, (_, i) => `things${i}`);
  const documents = discoveryDocuments(
    [],
    names.map((name) => own("many.example.com", name)),
  );
  const made = documents.resources("many.example.com", "v1");
  assert.ok(made instanceof Promise);
  const all = JSON.parse((await made).toString("utf8"));
  assert.deepEqual(
    all.resources.map(({ name }: { name: string }) => name),
    names.toSorted(),
  );
  const one = discoveryDocuments([], [own("many.example.com", "things7")]).resources(
    "many.example.com",
    "v1",
  );
  assert.ok(Buffer.isBuffer(one));
  const { resources, ...head } = JSON.parse(one.toString("utf8"));
  const { resources: found, ...longHead } = all;
  assert.deepEqual(longHead, head);
  assert.deepEqual(
    found.find(({ name }: { name: string }) => name === "things7"),
    resources[0],
  );
});

test("every document is there as protobuf and YAML, too", async () => {
  const protobuf = "application/vnd.kubernetes.protobuf";
  const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
  for (const path of [
    "/api",
    "/apis",
    "/apis/coordination.k8s.io",
    "/apis/coordination.k8s.io/v1",
    "/api/v1",
  ]) {
    const answer = (await ask(path, `${protobuf}, */*`))!;
    assert.equal(answer.headers["content-type"], protobuf);
    const { apiVersion, kind, raw } = decodeEnvelope(answer.body);
    const told = { ...codec.decode(`${meta}.${kind}`, raw), kind, apiVersion };
    assert.deepEqual(clean(told), clean(await json(path)), path);
    const yaml = (await ask(path, "application/yaml"))!;
    assert.equal(yaml.headers["content-type"], "application/yaml");
    assert.match(yaml.body.toString("utf8"), new RegExp(`^kind: ${kind}$`, "m"));
  }
  const aggregated = `${protobuf};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  const answer = (await ask("/apis", aggregated))!;
  assert.equal(answer.headers["content-type"], aggregated);
  const { raw, kind } = decodeEnvelope(answer.body);
  const { items } = codec.decode("io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList", raw);
  assert.equal(kind, "APIGroupDiscoveryList");
  assert.deepEqual(clean(items), clean((await json("/apis", kubectlAccept)).items));
});

/** Without what is empty: protobuf does not tell it from what is absent. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).map(([key, one]): [string, unknown] => [key, clean(one)]);
  return Object.fromEntries(
    kept.filter(([, one]) => one !== "" && one !== 0 && one !== false && one !== null && !isEmpty(one)),
  );
}
const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && Object.keys(value ?? {}).length === 0;
