import assert from "node:assert/strict";
import { it } from "node:test";
import { anonymousUser } from "#authn/user-info.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";
import { authorizerChain, privilegedGroupAuthorizer, publicInfoAuthorizer } from "./chain.ts";

const attributes: Attributes = {
  user: anonymousUser,
  verb: "get",
  resourceRequest: false,
  namespace: "",
  apiGroup: "",
  apiVersion: "",
  resource: "",
  subresource: "",
  name: "",
  path: "/healthz",
  cluster: undefined,
};
const decide = (authorizer: Authorizer, change: Partial<Attributes>) =>
  (authorizer.authorize({ ...attributes, ...change }) as Decision).decision;

it("shows public paths to everybody, outside of workspaces and without what is below them", () => {
  assert.equal(decide(publicInfoAuthorizer, {}), "allow");
  assert.equal(decide(publicInfoAuthorizer, { path: "/version/" }), "allow");
  assert.equal(decide(publicInfoAuthorizer, { path: "/healthz/store" }), "no-opinion");
  assert.equal(decide(publicInfoAuthorizer, { verb: "post" }), "no-opinion");
  assert.equal(decide(publicInfoAuthorizer, { cluster: "root" }), "no-opinion");
  assert.equal(decide(publicInfoAuthorizer, { resourceRequest: true }), "no-opinion");
});

it("lets system:masters do everything", () => {
  const user = { name: "a", uid: "", groups: ["system:masters"], extra: {} };
  assert.equal(decide(privilegedGroupAuthorizer, { user, cluster: "*", verb: "delete" }), "allow");
  assert.equal(decide(privilegedGroupAuthorizer, {}), "no-opinion");
});

it("asks in order until one decides, late ones too", async () => {
  const give = (decision: Decision["decision"], reason: string, late = false): Authorizer => ({
    authorize: () => (late ? Promise.resolve({ decision, reason }) : { decision, reason }),
  });
  const run = (...list: Authorizer[]) => authorizerChain(list).authorize(attributes);
  assert.deepEqual(await run(give("no-opinion", "a"), give("deny", "b", true), give("allow", "c")), {
    decision: "deny",
    reason: "b",
  });
  assert.deepEqual(run(give("no-opinion", "a"), give("no-opinion", ""), give("no-opinion", "c")), {
    decision: "no-opinion",
    reason: "a, c",
  });
  assert.equal((await run(give("no-opinion", "", true), give("allow", ""))).decision, "allow");
  assert.deepEqual(run(), { decision: "no-opinion", reason: "" });
});
