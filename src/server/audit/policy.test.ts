import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserInfo } from "#authn/user-info.ts";
import type { Attributes } from "#authz/authorizer.ts";
import { auditEvaluator } from "./policy.ts";
import { readAuditPolicy } from "./policy-file.ts";

const user: UserInfo = { name: "tim", uid: "", groups: ["humans", "developers"], extra: {} };
const request = (more: Partial<Attributes> = {}): Attributes => ({
  user,
  verb: "get",
  resourceRequest: true,
  namespace: "default",
  apiGroup: "",
  apiVersion: "v1",
  resource: "pods",
  subresource: "",
  name: "busybox",
  path: "/api/v1/namespaces/default/pods/busybox",
  cluster: "root",
  ...more,
});
const log = request({ subresource: "log" });
const path = (text: string) =>
  request({ resourceRequest: false, resource: "", namespace: "", apiVersion: "", name: "", path: text });

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
const read = (text: string) => readAuditPolicy(Buffer.from(head + text)).policy;

/** Whether a rule of these members matches. */
function matches(rule: string, attributes: Attributes, who: UserInfo | "nobody" = user): boolean {
  return (
    auditEvaluator(read(`rules: [{level: Metadata, ${rule}}]`))(
      attributes,
      who === "nobody" ? undefined : who,
    ).level === "Metadata"
  );
}

test("users, groups and verbs", () => {
  assert.ok(matches("users: [a, tim]", request()));
  assert.ok(!matches("users: [a]", request()));
  assert.ok(matches("userGroups: [x, developers]", request()));
  assert.ok(!matches("userGroups: [x]", request()));
  assert.ok(matches("verbs: [list, get]", request()));
  assert.ok(!matches("verbs: [list]", request()));
  assert.ok(matches("verbs: []", request()));
});

test("rules with users match nobody where nobody is known", () => {
  assert.ok(!matches("users: [tim]", request(), "nobody"));
  assert.ok(!matches("userGroups: [humans]", request(), "nobody"));
  assert.ok(matches("verbs: [get]", request(), "nobody"));
});

test("resources, with wildcards on either side of the slash", () => {
  assert.ok(matches("resources: [{resources: [pods]}]", request()));
  assert.ok(!matches("resources: [{resources: [pods]}]", log));
  assert.ok(matches("resources: [{resources: [pods/log]}]", log));
  assert.ok(matches("resources: [{resources: [pods/*]}]", log));
  assert.ok(matches("resources: [{resources: [pods/*]}]", request()));
  assert.ok(matches("resources: [{resources: ['*/log']}]", log));
  assert.ok(!matches("resources: [{resources: ['*/log']}]", request()));
  assert.ok(matches("resources: [{resources: ['*']}]", log));
  assert.ok(matches("resources: [{}]", request()));
  assert.ok(!matches("resources: [{group: apps}]", request()));
  assert.ok(matches("resources: [{group: '*', resources: [pods]}]", request({ apiGroup: "x.io" })));
  assert.ok(matches("resources: [{resources: [pods], resourceNames: [a, busybox]}]", request()));
  assert.ok(!matches("resources: [{resources: [pods], resourceNames: [a]}]", request()));
  assert.ok(!matches("resources: [{resources: [pods]}]", path("/api")));
});

test("namespaces; the empty one is for what is in none", () => {
  assert.ok(matches("namespaces: [default]", request()));
  assert.ok(!matches("namespaces: ['']", request()));
  assert.ok(matches("namespaces: ['']", request({ namespace: "" })));
  assert.ok(!matches("namespaces: ['']", path("/api")));
});

test("paths, with a star at the end", () => {
  assert.ok(matches("nonResourceURLs: ['/logs*']", path("/logs/x")));
  assert.ok(!matches("nonResourceURLs: ['/logs']", path("/logs/x")));
  assert.ok(matches("nonResourceURLs: ['*']", path("/x")));
  assert.ok(!matches("nonResourceURLs: ['*']", request()));
});

test("the first rule decides, and what none matches is not remembered", () => {
  const evaluate = auditEvaluator(
    read(`
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: None, users: [tim], verbs: [watch]}
- {level: Request, verbs: [get], omitStages: [Panic], omitManagedFields: false}
- {level: Metadata, verbs: [get, list]}
`),
  );
  assert.equal(evaluate(request({ verb: "watch" }), user).level, "None");
  const get = evaluate(request(), user);
  assert.deepEqual(
    [get.level, get.omitManagedFields, [...get.omitStages]],
    ["Request", false, ["RequestReceived", "Panic"]],
  );
  const list = evaluate(request({ verb: "list" }), user);
  assert.deepEqual(
    [list.level, list.omitManagedFields, [...list.omitStages]],
    ["Metadata", true, ["RequestReceived"]],
  );
  assert.equal(evaluate(request({ verb: "create" }), user).level, "None");
});

/** The texts are those of k8s.io/apiserver v0.36.3's LoadPolicyFromBytes for the same files. */
const refused: readonly (readonly [file: string, text: string])[] = [
  ["", "unknown group version field audit.k8s.io/__internal, Kind=Policy in policy"],
  ["kind: Policy", "unknown group version field audit.k8s.io/__internal, Kind=Policy in policy"],
  [
    "apiVersion: audit.k8s.io/v1beta1\nkind: Policy",
    'failed decoding: no kind "Policy" is registered for version "audit.k8s.io/v1beta1" in scheme "pkg/runtime/scheme.go:111"',
  ],
  [
    "apiVersion: audit.k8s.io/v1\nkind: Event",
    "failed decoding: converting (v1.Event) to (audit.Policy): unknown conversion",
  ],
  [head, "loaded illegal policy with 0 rules"],
  [
    `${head}rules: x`,
    "failed decoding: json: cannot unmarshal string into Go struct field Policy.rules of type []v1.PolicyRule",
  ],
  [
    `${head}rules: [{level: None, users: a}]`,
    "failed decoding: json: cannot unmarshal string into Go struct field PolicyRule.rules.users of type []string",
  ],
  [
    `${head}rules: [{level: Bla}, {users: [a]}]`,
    '[rules[0].level: Unsupported value: "Bla": supported values: "None", "Metadata", "Request", "RequestResponse", rules[1].level: Required value]',
  ],
  [
    `${head}rules: [{level: None, nonResourceURLs: ["a*b"], namespaces: [x]}]`,
    `[rules[0].nonResourceURLs[0]: Invalid value: "a*b": non-resource URL rules must begin with a '/' character, rules[0].nonResourceURLs[0]: Invalid value: "a*b": non-resource URL wildcards '*' must be the final character of the rule, rules[0].nonResourceURLs: Invalid value: ["a*b"]: rules cannot apply to both regular resources and non-resource URLs]`,
  ],
  [
    `${head}rules: [{level: None, resources: [{resourceNames: [a]}], omitStages: [Foo]}]`,
    '[rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource, rules[0].omitStages[0]: Invalid value: "Foo": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic]',
  ],
];
for (const [file, text] of refused)
  test(`a policy that cannot be used: ${text.slice(0, 60)}`, () => {
    assert.throws(() => readAuditPolicy(Buffer.from(file)), { message: text });
  });

test("unknown and repeated fields are told and passed over", () => {
  const { policy, warning } = readAuditPolicy(
    Buffer.from(`${head}foo: bar\nrules:\n- level: None\n  level: Metadata\n  bla: x\n`),
  );
  assert.equal(policy.rules[0]?.level, "Metadata");
  assert.match(
    warning ?? "",
    /falling back to lenient decoding: .*rules\[0\]\.level.*unknown field "foo", unknown field "rules\[0\]\.bla"/,
  );
});
