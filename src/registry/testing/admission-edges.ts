/** What is at the edge of the rules for webhook configurations, policies and bindings. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";

export type AdmissionKind =
  | "ValidatingWebhookConfiguration"
  | "MutatingWebhookConfiguration"
  | "ValidatingAdmissionPolicy"
  | "MutatingAdmissionPolicy"
  | "ValidatingAdmissionPolicyBinding"
  | "MutatingAdmissionPolicyBinding";

export interface AdmissionCase {
  readonly kind: AdmissionKind;
  /** Default: `policy.example.com`. */
  readonly name?: string;
  /** What stands beside apiVersion, kind and metadata. */
  readonly parts: JsonObject;
}

export const times = (count: number, text = "x"): string => text.repeat(count);
export const list = (count: number, one: (index: number) => JsonValue): JsonValue[] =>
  Array.from({ length: count }, (_, index) => one(index));

/** White space for Go, for JavaScript, and for neither. */
export const blanks = [
  "",
  " ",
  "\n",
  "\t\r\n",
  "\v\f",
  "\u0085",
  "\u00a0",
  "\u2003\u3000",
  "\u2028",
  "\ufeff",
  "\u200b",
];

export const rule: JsonObject = {
  operations: ["CREATE"],
  apiGroups: ["apps"],
  apiVersions: ["v1"],
  resources: ["deployments"],
};
export const rules: JsonObject[] = [
  {},
  ...["operations", "apiGroups", "apiVersions", "resources"].flatMap((field): JsonObject[] => [
    { ...rule, [field]: [] },
    { ...rule, [field]: null },
    { ...rule, [field]: [""] },
    { ...rule, [field]: ["*"] },
    { ...rule, [field]: ["*", "*"] },
    { ...rule, [field]: ["a", "*"] },
    { ...rule, [field]: ["a", "a"] },
    { ...rule, [field]: ["a", "", "A b"] },
  ]),
  ...[
    ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    ["*", "CREATE"],
    ["create"],
    ["P"],
    ["CREATE", "CREATE"],
    [" CREATE"],
  ].map((operations) => ({ ...rule, operations })),
  ...[
    ["*/*"],
    ["*/*", "a"],
    ["*/*", "*/*"],
    ["*", "*/*"],
    ["*", "a"],
    ["*", "a/x"],
    ["*", "*"],
    ["a", "*", "b"],
    ["a", "*"],
    ["*", "a", "*"],
    ["a/*", "a"],
    ["a", "a/*"],
    ["a/*", "a/x"],
    ["a/x", "a/*"],
    ["a/*", "a/*"],
    ["a/*", "b/x", "a/y"],
    ["*/a", "x/a"],
    ["x/a", "*/a"],
    ["*/a", "*/a"],
    ["*/a", "*/b", "c/a"],
    ["a/*", "*/x", "a/x"],
    ["a/x", "a/x"],
    ["a/b/c"],
    ["*/b/c", "a/b/c"],
    ["a/*/c", "a/*"],
    ["/"],
    ["a/"],
    ["/b", "/*", "/c"],
    ["*/", "a/"],
    ["", "", "a"],
    ["constructor/*", "constructor/__proto__"],
    ["__proto__/*", "__proto__/a", "*/toString", "a/toString"],
  ].map((resources) => ({ ...rule, resources })),
  ...["*", "Cluster", "Namespaced", "", "namespaced", null].map((scope) => ({ ...rule, scope })),
];

export const selectors: JsonValue[] = [
  null,
  {},
  { matchLabels: null, matchExpressions: null },
  { matchLabels: {}, matchExpressions: [] },
  { matchLabels: { "": "" } },
  { matchLabels: { a: times(63) } },
  { matchLabels: { a: times(64), b: "-", c: "a b" } },
  { matchLabels: { [times(63)]: "a", [times(64)]: "a", [`${times(253)}/a`]: "a", [`${times(254)}/a`]: "a" } },
  { matchLabels: { "A/b": "a", "/a": "a", "a/": "a", "a/b/c": "a" } },
  ...["In", "NotIn", "Exists", "DoesNotExist", "Gt", "in", ""].flatMap((operator): JsonObject[] => [
    { matchExpressions: [{ key: "a", operator }] },
    { matchExpressions: [{ key: "a", operator, values: [] }] },
    { matchExpressions: [{ key: "a", operator, values: ["", "b", "b"] }] },
    { matchExpressions: [{ key: "a b", operator, values: ["a b", times(64)] }] },
  ]),
  { matchExpressions: [{}, { key: "a" }, { operator: "In" }] },
];

export const conditionNames = [
  "",
  " ",
  "a",
  "A.b_c-9",
  "-a",
  "a-",
  ".",
  "a/b",
  "A/b",
  "a.b/c",
  "a/b/c",
  "/a",
  "a/",
  "é",
  times(63),
  times(64),
  `${times(253, "a")}/${times(63)}`,
  `${times(254, "a")}/${times(64)}`,
];
export const expressions = [
  ...blanks.flatMap((blank) => [blank, `${blank}true${blank}`, `${blank}zz`]),
  "1",
  "'a'",
  "null",
  "[]",
  "dyn(true)",
  "optional.of(true)",
  "object",
  "object.a",
  "object == oldObject",
  "params.a == 1",
  "variables.a == 1",
  "request.zz == 1",
  "request.userInfo.extra['a'].exists(x, x == 'b')",
  "request.options.kind == 'a'",
  "request.object.a",
  "namespaceObject.metadata.labels['a'] == 'b'",
  "namespaceObject.spec.zz",
  "authorizer.group('').resource('a').check('get').allowed()",
  "authorizer.requestResource.check('get').allowed()",
  "authorizer.serviceAccount('a', 'b').path('/a').check('get').errored()",
  "authorizer",
  "zz",
  "zz && yy",
  "1 +",
  "(",
  "true // a comment",
  "true\n&& zz",
  "'é€😀' == zz",
  "'\\q'",
  "'a'.matches('(')",
  "'a'.matches('(?<x>a)')",
  "duration('x') == duration('1s')",
  "timestamp('x') == timestamp('y')",
  "quantity('1').isGreaterThan(quantity('x'))",
  "ip('x') == ip('1.1.1.1')",
  "[1, 'a'] == []",
  "{1: 'a', 'b': 2} == {}",
  "[[[1]]].all(x, x.all(y, y.all(z, z > 0)))",
  "[1, 2].sortBy(x, x) == [1]",
  "cel.bind(x, 1, x == 1)",
  `${times(40, "(")}true${times(40, ")")}`,
  `'${times(4_000)}' == zz`,
];

/** Each of the values in a member of that name. */
export const each = (member: string, values: readonly JsonValue[]): JsonObject[] =>
  values.map((value) => ({ [member]: value }));

/** Match resources. */
export const matches: JsonObject[] = [
  {},
  { resourceRules: null },
  { resourceRules: [] },
  { resourceRules: [{}] },
  { resourceRules: [rule], excludeResourceRules: [{}, rule] },
  { excludeResourceRules: [rule] },
  ...rules.map((one) => ({ resourceRules: [one] })),
  ...rules.slice(0, 12).map((one) => ({ resourceRules: [rule], excludeResourceRules: [one] })),
  ...[
    null,
    [],
    [""],
    ["a", "a"],
    ["a", "b", "a", "a", "A"],
    [".", "..", "a/b", "a%b", "a b", "é", "..."],
    [times(253), times(300)],
    ["constructor", "constructor"],
  ].map((resourceNames) => ({ resourceRules: [{ ...rule, resourceNames }] })),
  ...each("matchPolicy", [null, "", "Exact", "Equivalent", "exact"]),
  ...selectors.flatMap((selector) => [{ namespaceSelector: selector }, { objectSelector: selector }]),
].map((match) =>
  "resourceRules" in match || "excludeResourceRules" in match ? match : { resourceRules: [rule], ...match },
);

/** Objects without a spec, and with parts in the place of those of a complete one. */
export const withSpec = (
  kind: AdmissionKind,
  complete: JsonObject,
  parts: readonly JsonObject[],
): AdmissionCase[] => [
  { kind, parts: {} },
  { kind, parts: { spec: null } },
  { kind, parts: { spec: {} } },
  ...parts.map((some) => ({ kind, parts: { spec: { ...complete, ...some } } })),
];
