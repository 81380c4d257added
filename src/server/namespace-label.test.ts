/** The label `kubernetes.io/metadata.name` is a default of namespaces: admission sees it, and its creator owns it. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("labelled", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const label = "kubernetes.io/metadata.name";
const namespaces = "/api/v1/namespaces";
const post = (path: string, body: object): Promise<Answer> => server.call("POST", base + path, { body });
const named = (metadata: object): object => ({ apiVersion: "v1", kind: "Namespace", metadata });
type Entry = { fieldsV1: { "f:metadata"?: { "f:labels"?: object } } };
const ownedLabels = (answer: Answer): string[] =>
  (answer.json.metadata.managedFields as Entry[]).flatMap(({ fieldsV1 }) =>
    Object.keys(fieldsV1["f:metadata"]?.["f:labels"] ?? {}),
  );

it("belongs to whoever creates the namespace", async () => {
  const plain = await post(namespaces, named({ name: "plain", labels: { team: "a" } }));
  assert.equal(plain.json.metadata.labels[label], "plain");
  assert.deepEqual(ownedLabels(plain), [".", `f:${label}`, "f:team"]);
});

it("belongs to nobody where the name is generated, or the namespace is applied", async () => {
  const generated = await post(namespaces, named({ generateName: "some-", labels: { team: "a" } }));
  assert.equal(generated.json.metadata.labels[label], generated.json.metadata.name);
  assert.deepEqual(ownedLabels(generated), [".", "f:team"]);
  const applied = await server.call("PATCH", `${base}${namespaces}/applied?fieldManager=m`, {
    body: named({ name: "applied", labels: { team: "a" } }),
    type: "application/apply-patch+yaml",
  });
  assert.equal(applied.status, 201, applied.text);
  assert.equal(applied.json.metadata.labels[label], "applied");
  assert.deepEqual(ownedLabels(applied), ["f:team"]);
});

it("selects for admission when the namespace is made", async () => {
  const group = "/apis/admissionregistration.k8s.io/v1";
  const kind = "ValidatingAdmissionPolicy";
  const metadata = { name: "p" };
  const apiVersion = "admissionregistration.k8s.io/v1";
  const policy = await post(`${group}/validatingadmissionpolicies`, {
    ...{ apiVersion, kind, metadata },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchExpressions: [{ key: label, operator: "In", values: ["chosen", "free"] }] },
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["namespaces"] },
        ],
      },
      validations: [
        { expression: `object.metadata.labels['${label}'] == 'free'`, message: "it is not free" },
      ],
    },
  });
  assert.equal(policy.status, 201, policy.text);
  const binding = await post(`${group}/validatingadmissionpolicybindings`, {
    ...{ apiVersion, kind: `${kind}Binding`, metadata },
    spec: { policyName: "p", validationActions: ["Deny"] },
  });
  assert.equal(binding.status, 201, binding.text);
  const refused = await post(namespaces, named({ name: "chosen" }));
  assert.equal(refused.status, 422, refused.text);
  assert.match(refused.json.message, /it is not free/);
  for (const name of ["free", "another"]) assert.equal((await post(namespaces, named({ name }))).status, 201);
});
