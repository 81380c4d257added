/** Admission plugin OwnerReferencesPermissionEnforcement over HTTP, with an authorizer that knows few rights. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Authorizer } from "#authz/authorizer.ts";
import { type Answer, callOn, type LiveServer, startLiveServer } from "./testing/live-server.ts";

/** What alice may do, as `verb resource[/subresource]`; the administrator may do everything. */
const rights = new Set<string>(["create configmaps", "patch configmaps"]);
const authorizer: Authorizer = {
  authorize({ user, verb, resource, subresource }) {
    const asked = `${verb} ${subresource === "" ? resource : `${resource}/${subresource}`}`;
    const allowed = user.groups.includes("system:masters") || rights.has(asked);
    return { decision: allowed ? "allow" : "no-opinion", reason: allowed ? "" : "not hers" };
  },
};

let server: LiveServer;
let session: ReturnType<LiveServer["connect"]>;
let path = "";
let uid = "";
before(async () => {
  server = await startLiveServer({
    authorizer,
    admissionPlugins: ["OwnerReferencesPermissionEnforcement"],
  });
  path = `/clusters/${await server.workspace("owned", { type: "kubernetes" })}/api/v1/namespaces/default/configmaps`;
  session = server.connect("nobody");
  // The collector removes what names an owner that is not there.
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "o" } };
  const made = await server.call("POST", path.replace(/configmaps$/, "secrets"), { body: secret });
  uid = made.json.metadata.uid as string;
});
after(async () => {
  session.destroy();
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const owner = (more: object = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  name: "o",
  uid,
  ...more,
});
const headers = { authorization: "Bearer alice-token" };
function asAlice(method: string, url: string, body: object, type?: string): Promise<Answer> {
  return callOn(session, method, url, { body, headers, ...(type === undefined ? {} : { type }) });
}
const create = (name: string, ownerReferences: object[]): Promise<Answer> =>
  asAlice("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ownerReferences } });

it("who creates may name owners, but block their deletion only with rights to their finalizers", async () => {
  assert.equal((await create("a", [owner()])).status, 201);
  const refused = await create("b", [owner({ blockOwnerDeletion: true })]);
  assert.equal(refused.status, 403);
  assert.equal(
    refused.json.message,
    `configmaps "b" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: not hers, <nil>`,
  );
  const unknown = await create("b", [owner({ kind: "Nothing", blockOwnerDeletion: true })]);
  assert.match(unknown.json.message, /cannot find RESTMapping for APIVersion v1 Kind Nothing/);
  rights.add("update secrets/finalizers");
  assert.equal((await create("b", [owner({ blockOwnerDeletion: true })])).status, 201);
});

it("who changes owners must be allowed to delete the object; other changes are free", async () => {
  const patch = (body: object): Promise<Answer> =>
    asAlice("PATCH", `${path}/a`, body, "application/merge-patch+json");
  assert.equal((await patch({ data: { a: "1" } })).status, 200);
  const refused = await patch({ metadata: { ownerReferences: [] } });
  assert.equal(
    refused.json.message,
    `configmaps "a" is forbidden: cannot set an ownerRef on a resource you can't delete: not hers, <nil>`,
  );
  rights.add("delete configmaps");
  assert.equal((await patch({ metadata: { ownerReferences: [] } })).status, 200);
});
