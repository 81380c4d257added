/** Policies that somebody thought of. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import {
  type AdmissionCase,
  blanks,
  conditionNames,
  each,
  expressions,
  list,
  matches,
  rule,
  times,
  withSpec,
} from "./admission-edges.ts";

const names = [
  "a",
  "_",
  "_a9",
  "A",
  "9",
  "a-b",
  "a.b",
  "a b",
  " a",
  "é",
  "true",
  "null",
  "in",
  "as",
  "while",
  "namespace",
  "constructor",
  "__proto__",
  "toString",
  times(300),
];

/** What both kinds of policy have. */
const policyParts: JsonObject[] = [
  ...each("failurePolicy", [null, "", "Fail", "Ignore", "fail"]),
  ...each("matchConstraints", [null, {}, ...matches]),
  ...each("paramKind", [
    {},
    { apiVersion: "v1", kind: "A" },
    ...[
      "",
      "/",
      "//",
      "/v1",
      "a/",
      "a/v1",
      "a.b/v1",
      "A/v1",
      "a_b/v1",
      "a/b/c",
      "a/V1",
      "a/1",
      "1",
      "v1 ",
      "-",
      times(63),
      times(64),
      `${times(253)}/${times(63)}`,
      `${times(254)}/${times(64)}`,
    ].map((apiVersion) => ({ apiVersion, kind: "A" })),
    ...["", "a", "A", "AbC", "a b", "A-", "-A", "9", "a.b", "É", "İ", "\u212a", times(63), times(64)].map(
      (kind) => ({
        apiVersion: "v1",
        kind,
      }),
    ),
  ]),
  ...conditionNames.map((name) => ({ matchConditions: [{ name, expression: "true" }] })),
  ...expressions.map((expression) => ({ matchConditions: [{ name: "a", expression }] })),
  ...expressions.map((expression) => ({
    paramKind: { apiVersion: "v1", kind: "A" },
    matchConditions: [{ name: "a", expression }],
    variables: [{ name: "a", expression }],
  })),
  ...[64, 65].map((count) => ({
    matchConditions: list(count, (index) => ({ name: `a${index}`, expression: "true" })),
  })),
  ...[...blanks, ...names].map((name) => ({ variables: [{ name, expression: "1" }] })),
  ...expressions.map((expression) => ({ variables: [{ name: "a", expression }] })),
  ...each("variables", [
    null,
    [],
    [{}],
    [{ name: "a" }, { expression: "1" }],
    [
      { name: "a", expression: "1" },
      { name: "a", expression: "'b'" },
    ],
    [{ name: "a", expression: "variables.a" }],
    [
      { name: "a", expression: "variables.b" },
      { name: "b", expression: "1" },
    ],
    [
      { name: "a", expression: "1" },
      { name: "b", expression: "variables.a + 1" },
      { name: "c", expression: "variables.b + 'a'" },
    ],
    [
      { name: "a", expression: "zz" },
      { name: "b", expression: "variables.a" },
    ],
    [
      { name: "a-b", expression: "1" },
      { name: "b", expression: "variables.a" },
    ],
    [
      { name: "a", expression: "[1, 2].map(x, [x])" },
      { name: "b", expression: "variables.a[0][0] == 'a'" },
    ],
    [
      { name: "a", expression: "object" },
      { name: "b", expression: "variables.a.b.c == 1" },
    ],
    [
      { name: "a", expression: "type(object)" },
      { name: "b", expression: "variables.a == string" },
    ],
    [
      { name: "a", expression: "optional.none()" },
      { name: "b", expression: "variables.a.orValue(1) == 'a'" },
    ],
    [
      { name: "a", expression: "authorizer.path('/a')" },
      { name: "b", expression: "variables.a.zz()" },
    ],
  ]),
];

const validation: JsonObject = { expression: "true" };
const variables: JsonValue = [
  { name: "a", expression: "1" },
  { name: "b", expression: "object.b" },
];
const validatingParts: JsonObject[] = [
  { validations: null },
  { validations: [] },
  { validations: [], auditAnnotations: [] },
  { validations: null, auditAnnotations: [{ key: "a", valueExpression: "'b'" }] },
  { validations: [{}] },
  { validations: [validation, {}, { expression: "1" }] },
  ...expressions.flatMap((expression): JsonObject[] => [
    { validations: [{ expression }] },
    { validations: [{ expression }], variables, paramKind: { apiVersion: "v1", kind: "A" } },
    { validations: [{ ...validation, messageExpression: expression }] },
    { auditAnnotations: [{ key: "a", valueExpression: expression }] },
  ]),
  ...[
    "variables.a == 1",
    "variables.a == 'b'",
    "variables.b.c.d == 1",
    "variables.c == 1",
    "variables == null",
    "has(variables.c)",
  ].flatMap((expression): JsonObject[] => [
    { variables, validations: [{ expression }] },
    { variables, validations: [{ ...validation, messageExpression: `string(${expression})` }] },
    { variables, auditAnnotations: [{ key: "a", valueExpression: `${expression} ? 'a' : null` }] },
    { variables: [], validations: [{ expression }] },
  ]),
  ...[
    "'a'",
    "  'a'  ",
    "1",
    "null",
    "object.a",
    "string(object.a)",
    "'a' + params.b",
    "authorizer.path('/a').check('get').reason()",
    "variables.a",
    "dyn('a')",
    "object == null ? null : 'a'",
    `'${times(5_118)}'`,
    `'${times(5_119)}'`,
    `'${times(1_706, "€")}'`,
    `'${times(1_707, "€")}'`,
    ` '${times(5_118)}' `,
  ].flatMap((expression): JsonObject[] => [
    { validations: [{ ...validation, messageExpression: expression }] },
    { auditAnnotations: [{ key: "a", valueExpression: expression }] },
    {
      paramKind: { apiVersion: "v1", kind: "A" },
      validations: [{ ...validation, messageExpression: expression }],
    },
  ]),
  ...[
    "a",
    " a ",
    "a\nb",
    "\na\n",
    "a\rb",
    "\n",
    "a\u2028b",
    "a\u0085b",
    "a\\nb",
    times(5_000),
    ...blanks,
  ].map((message) => ({
    validations: [{ ...validation, message }],
  })),
  { validations: [{ expression: "true\n&& true", message: "" }] },
  { validations: [{ expression: "\n" }] },
  ...[null, "", "Invalid", "Forbidden", "Unauthorized", "RequestEntityTooLarge", "invalid", "Conflict"].map(
    (reason) => ({
      validations: [{ ...validation, reason }],
    }),
  ),
  ...["", "a", "a/b", "-", "a_", "A.b", "é", times(63), times(64)].map((key) => ({
    auditAnnotations: [{ key, valueExpression: "'a'" }],
  })),
  { auditAnnotations: [{}] },
  {
    auditAnnotations: [
      { key: "a", valueExpression: "'a'" },
      { key: "b", valueExpression: "'a'" },
      { key: "a", valueExpression: "1" },
      { key: "", valueExpression: "" },
      { key: "" },
    ],
  },
  ...[19, 20, 21].map((count) => ({
    auditAnnotations: list(count, (index) => ({ key: `a${index}`, valueExpression: "'a'" })),
  })),
];

const jsonPatch: JsonObject = { patchType: "JSONPatch", jsonPatch: { expression: "[]" } };
const applyConfiguration: JsonObject = {
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression: "Object{}" },
};
const patches = [
  "[]",
  "[JSONPatch{op: 'add', path: '/a', value: 1}]",
  "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('a/b'), value: object}]",
  "[JSONPatch{op: 'add', path: '/a', value: Object.a{b: 1}}]",
  "[JSONPatch{op: 'add', path: '/a'}, JSONPatch{op: 1}]",
  "[JSONPatch{oops: 1}]",
  "[JSONPatch{}] + [JSONPatch{from: '/a'}]",
  "JSONPatch{op: 'add'}",
  "[1]",
  "['a']",
  "[[]]",
  "[JSONPatch{}, 1]",
  "{}",
  "Object{}",
  "Object{a: 1}",
  "Object{a: Object.a{b: Object.a.b{c: 1}}}",
  "Object{a: Object.b{c: 1}}",
  "Object{a: [Object.a{b: 1}]}",
  "Object{a: {'b': 1}}",
  "Object{?a: optional.none()}",
  "Object{?a: object.?a}",
  "Object{?a: 1}",
  "Object.a{b: 1}",
  "object",
  "object.a ? Object{a: 1} : Object{}",
  "dyn(object)",
  "Object{a: zz}",
  "Zz{a: 1}",
  "object.a.map(x, JSONPatch{op: 'remove', path: x})",
  "object.a ? [JSONPatch{}] : []",
  "params.a",
  "variables.a",
];
const mutatingParts: JsonObject[] = [
  ...each("mutations", [
    null,
    [],
    [{}],
    [jsonPatch, applyConfiguration, {}],
    [{ patchType: "" }],
    [{ patchType: "Merge" }],
    [{ ...jsonPatch, patchType: "" }],
    [{ ...jsonPatch, patchType: "jsonPatch" }],
    [{ ...jsonPatch, patchType: "ApplyConfiguration" }],
    [{ ...applyConfiguration, patchType: "JSONPatch" }],
    [{ patchType: "JSONPatch" }],
    [{ patchType: "ApplyConfiguration" }],
    [{ patchType: "JSONPatch", jsonPatch: null, applyConfiguration: null }],
    [{ ...applyConfiguration, ...jsonPatch }],
    [{ ...jsonPatch, ...applyConfiguration }],
    [{ patchType: "JSONPatch", jsonPatch: {} }],
    [{ patchType: "ApplyConfiguration", applyConfiguration: {} }],
  ]),
  ...[...patches, ...expressions].flatMap((expression): JsonObject[] => [
    { mutations: [{ ...jsonPatch, jsonPatch: { expression } }] },
    { mutations: [{ ...applyConfiguration, applyConfiguration: { expression } }] },
  ]),
  ...patches.map((expression) => ({
    paramKind: { apiVersion: "v1", kind: "A" },
    variables: [{ name: "a", expression }],
    mutations: [jsonPatch],
  })),
  {
    variables: [{ name: "a", expression: "[JSONPatch{}]" }],
    mutations: [{ ...jsonPatch, jsonPatch: { expression: "variables.a" } }],
  },
  {
    variables: [{ name: "a", expression: "Object{}" }],
    mutations: [{ ...applyConfiguration, applyConfiguration: { expression: "variables.a" } }],
  },
  ...each("reinvocationPolicy", [null, "", "Never", "IfNeeded", "Always"]),
  ...[["DELETE"], ["CREATE", "DELETE", "CONNECT"], ["*"], ["*", "DELETE"], ["", "PATCH"]].flatMap(
    (operations) => [
      { matchConstraints: { resourceRules: [rule, { ...rule, operations }] } },
      { matchConstraints: { resourceRules: [rule], excludeResourceRules: [{ ...rule, operations }] } },
    ],
  ),
];

/** Policies without a fault; parts replace what they say. */
const complete = {
  ValidatingAdmissionPolicy: { matchConstraints: { resourceRules: [rule] }, validations: [validation] },
  MutatingAdmissionPolicy: {
    matchConstraints: { resourceRules: [rule] },
    mutations: [jsonPatch],
    reinvocationPolicy: "Never",
  },
};
export const policyCases: readonly AdmissionCase[] = [
  ...withSpec("ValidatingAdmissionPolicy", complete.ValidatingAdmissionPolicy, [
    ...policyParts,
    ...validatingParts,
  ]),
  // The key of an annotation stands behind the policy's name.
  ...["a", times(63), times(200), times(253, "a")].flatMap((name) =>
    ["", "a", times(63), times(64)].map(
      (key): AdmissionCase => ({
        kind: "ValidatingAdmissionPolicy",
        name,
        parts: {
          spec: {
            ...complete.ValidatingAdmissionPolicy,
            auditAnnotations: [{ key, valueExpression: "'a'" }],
          },
        },
      }),
    ),
  ),
  ...withSpec("MutatingAdmissionPolicy", complete.MutatingAdmissionPolicy, [
    ...policyParts,
    ...mutatingParts,
  ]),
];
