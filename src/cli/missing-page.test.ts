/** docs/missing.md is true: what it says about answers is asked for over HTTP. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type ServerInMemory, serveInMemory } from "./serve.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

let server: ServerInMemory;
const universal = "/clusters/root";
const all = "/clusters/root:all";
const json = { "content-type": "application/json" };

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: object,
): Promise<Answer> {
  const { ca, admin } = server.credentials;
  return new Promise((resolve, reject) => {
    const sent = request(
      server.url + path,
      { method, headers, ca, cert: admin.cert, key: admin.key, agent: false },
      (answer) =>
        text(answer).then(
          (read) =>
            resolve({
              status: answer.statusCode ?? 0,
              body: read,
            }),
          reject,
        ),
    ).on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const workspace = (name: string, spec: object = {}) => ({ metadata: { name }, spec });
const workspaces = `${universal}/apis/tenancy.kcp.io/v1alpha1/workspaces`;
const configMaps = `${all}/api/v1/namespaces/default/configmaps`;

before(async () => {
  server = await serveInMemory({});
  const made = await ask(
    "POST",
    workspaces,
    json,
    workspace("all", { type: { name: "kubernetes", path: "root" } }),
  );
  assert.equal(made.status, 201, made.body);
  const created = await ask("POST", configMaps, json, {
    metadata: {
      name: "a",
      managedFields: [
        { manager: "x", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} },
      ],
    },
  });
  assert.equal(created.status, 201, created.body);
});
after(() => server.close());

const statuses: readonly (readonly [string, number, string, string, Record<string, string>?, object?])[] = [
  ["a CBOR body", 415, "POST", configMaps, { "content-type": "application/cbor" }, {}],
  ["a CBOR answer", 406, "GET", configMaps, { accept: "application/cbor" }],
  ["aggregated groups", 404, "GET", `${all}/apis/metrics.k8s.io/v1beta1/nodes`],
  ["APIExports", 404, "GET", `${all}/apis/apis.kcp.io/v1alpha2/apiexports`],
  ["virtual workspaces", 404, "GET", "/services/apiexport/root/x/clusters/*/api"],
  ["TokenRequest", 404, "POST", `${all}/api/v1/namespaces/default/serviceaccounts/default/token`, json, {}],
  ["impersonation", 400, "GET", configMaps, { "impersonate-user": "bob" }],
  ["OpenID discovery", 404, "GET", "/.well-known/openid-configuration"],
  ["pod logs", 404, "GET", `${all}/api/v1/namespaces/default/pods/x/log`],
  ["exec", 404, "POST", `${all}/api/v1/namespaces/default/pods/x/exec`],
  ["eviction", 404, "POST", `${all}/api/v1/namespaces/default/pods/x/eviction`, json, {}],
  ["binding", 404, "POST", `${all}/api/v1/namespaces/default/pods/x/binding`, json, {}],
  ["ephemeral containers", 404, "PATCH", `${all}/api/v1/namespaces/default/pods/x/ephemeralcontainers`],
  ["resize", 404, "PATCH", `${all}/api/v1/namespaces/default/pods/x/resize`],
  ["component statuses", 404, "GET", `${all}/api/v1/componentstatuses`],
  ["profiles", 404, "GET", "/debug/pprof"],
  ["flagz", 404, "GET", "/flagz"],
  ["statusz", 404, "GET", "/statusz"],
  ["Workspaces as protobuf", 406, "GET", workspaces, { accept: "application/vnd.kubernetes.protobuf" }],
  ["home workspaces", 400, "GET", "/clusters/~/api"],
  ["WorkspaceTypes", 404, "GET", `${universal}/apis/tenancy.kcp.io/v1alpha1/workspacetypes`],
  ["other types", 422, "POST", workspaces, json, workspace("bad", { type: { name: "mine", path: "root" } })],
  [
    "mounts",
    422,
    "POST",
    workspaces,
    json,
    workspace("bad", { mount: { ref: { apiVersion: "v1", kind: "X", name: "x" } } }),
  ],
];

for (const [what, status, method, path, headers, body] of statuses) {
  test(`${what}: ${status}`, async () => {
    const answer = await ask(method, path, headers, body);
    assert.equal(answer.status, status, answer.body);
  });
}

test("RBAC allows nothing to others", async () => {
  const bindings = `${all}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings`;
  const rbac = "rbac.authorization.k8s.io";
  const binding = {
    metadata: { name: "bob" },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: rbac, kind: "User", name: "bob" }],
  };
  assert.equal((await ask("POST", bindings, json, binding)).status, 201);
  const review = { spec: { user: "bob", resourceAttributes: { verb: "get", resource: "configmaps" } } };
  const path = `${all}/apis/authorization.k8s.io/v1/subjectaccessreviews`;
  assert.equal(JSON.parse((await ask("POST", path, json, review)).body).status.allowed, false);
});

test("a Namespace gets no token secret", async () => {
  assert.deepEqual(JSON.parse((await ask("GET", `${all}/api/v1/secrets`)).body).items, []);
});
