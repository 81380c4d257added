import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "./testing.ts";

const group = "admissionregistration.k8s.io";
const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const hook = (more: object = {}) => ({
  name: "a.example.com",
  clientConfig: { url: "https://example.com/hook" },
  rules: [rule],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  ...more,
});
const configure = (kind: string, ...webhooks: object[]) =>
  create(`${group}/${kind}webhookconfigurations`, { webhooks });
const errorsOf = (more: object) =>
  configure("validating", hook(more)).errors.map((error) => error.replace("webhooks[0].", ""));

test("webhooks have the defaults of Go code", () => {
  const service = { name: "s", namespace: "ns" };
  const { object, errors } = configure("mutating", hook({ clientConfig: { service } }));
  assert.deepEqual(errors, []);
  assert.deepEqual(object.webhooks, [
    {
      ...hook(),
      clientConfig: { service: { ...service, port: 443 } },
      rules: [{ ...rule, scope: "*" }],
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      reinvocationPolicy: "Never",
    },
  ]);
  const kept = configure("validating", hook({ failurePolicy: "Ignore", timeoutSeconds: 3 })).object;
  const [webhook] = kept.webhooks as Record<string, unknown>[];
  assert.equal(webhook!.failurePolicy, "Ignore");
  assert.equal(webhook!.timeoutSeconds, 3);
  assert.equal("reinvocationPolicy" in webhook!, false);
});

test("what a webhook must say", () => {
  const rows: [object, string[]][] = [
    [{ name: "" }, ["name: Required value"]],
    [
      { name: "a.b" },
      ['name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ],
    [{ sideEffects: undefined }, ["sideEffects: Required value: must specify one of None, NoneOnDryRun"]],
    [
      { sideEffects: "Some" },
      ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ],
    [
      { timeoutSeconds: 31 },
      ["timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
    ],
    [
      { admissionReviewVersions: [] },
      ["admissionReviewVersions: Required value: must specify one of v1, v1beta1"],
    ],
    [
      { admissionReviewVersions: ["v2", "v2"] },
      [
        'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
        'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
      ],
    ],
    [{ clientConfig: {} }, ["clientConfig: Required value: exactly one of url or service is required"]],
    [
      { clientConfig: { url: "http://u:p@/x?q=1#f" } },
      [
        "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        'clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]',
        'clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL',
        'clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
        'clientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL',
      ],
    ],
    [
      { clientConfig: { service: { name: "s", namespace: "n", port: 0, path: "a//" } } },
      [
        "clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
        "clientConfig.service.path: Invalid value: \"a//\": must start with a '/'",
        'clientConfig.service.path: Invalid value: "a//": segment[0] may not be empty',
        'clientConfig.service.path: Invalid value: "a//": segment[1] may not be empty',
      ],
    ],
    [
      {
        matchConditions: [
          { name: "a", expression: " " },
          { name: "a", expression: "true" },
        ],
      },
      ["matchConditions[0].expression: Required value", 'matchConditions[1].name: Duplicate value: "a"'],
    ],
  ];
  for (const [more, expected] of rows) assert.deepEqual(errorsOf(more), expected, JSON.stringify(more));
  assert.deepEqual(configure("validating", hook(), hook()).errors, [
    'webhooks[1].name: Duplicate value: "a.example.com"',
  ]);
});

test("rules", () => {
  const rules = (more: object) =>
    errorsOf({ rules: [{ ...rule, ...more }] }).map((error) => error.replace("rules[0].", ""));
  assert.deepEqual(rules({ operations: ["*", "GET"] }), [
    'operations: Invalid value: ["*","GET"]: if \'*\' is present, must not specify other operations',
    'operations[1]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
  ]);
  assert.deepEqual(rules({ apiGroups: [], apiVersions: [""], resources: [] }), [
    "apiGroups: Required value",
    "apiVersions[0]: Required value",
    "resources: Required value",
  ]);
  assert.deepEqual(rules({ resources: ["pods/*", "pods/status", "*", "pods"], scope: "x" }), [
    "resources[1]: Invalid value: \"pods/status\": if 'pods/*' is present, must not specify pods/status",
    'resources: Invalid value: ["pods/*","pods/status","*","pods"]: if \'*\' is present, must not specify other resources without subresources',
    'scope: Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"',
  ]);
});

const policy = (more: object = {}) =>
  create(`${group}/validatingadmissionpolicies`, {
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }], ...more },
  });

test("a policy has its defaults and its required parts", () => {
  const { object, errors } = policy();
  assert.deepEqual(errors, []);
  assert.deepEqual(object.spec, {
    failurePolicy: "Fail",
    matchConstraints: {
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      resourceRules: [{ ...rule, scope: "*" }],
    },
    validations: [{ expression: "true" }],
  });
  assert.deepEqual(policy({ matchConstraints: undefined, validations: [] }).errors, [
    "spec.matchConstraints: Required value",
    "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
    "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
  ]);
  assert.deepEqual(
    policy({
      paramKind: { apiVersion: "v1/", kind: "a b" },
      variables: [{ name: "in", expression: "" }],
      validations: [{ expression: "", message: "a\nb", reason: "Odd" }],
      auditAnnotations: [{ key: "k", valueExpression: "x".repeat(6_000) }],
    }).errors.map((error) => error.split(" (e.g.")[0]),
    [
      'spec.paramKind.apiVersion: Invalid value: "v1/": version must be specified',
      "spec.paramKind.kind: Invalid value: \"a b\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
      "spec.variables[0].expression: Required value: expression is not specified",
      "spec.validations[0].expression: Required value: expression is not specified",
      'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      "spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length",
    ],
  );
});

test("a mutating policy patches, and never deletions", () => {
  const mutate = (more: object, operation = "CREATE") =>
    create(`${group}/mutatingadmissionpolicies`, {
      spec: {
        matchConstraints: { resourceRules: [{ ...rule, operations: [operation] }] },
        mutations: [
          { patchType: "JSONPatch", jsonPatch: { expression: "[JSONPatch{op: 'remove', path: '/data'}]" } },
        ],
        reinvocationPolicy: "Never",
        ...more,
      },
    }).errors;
  assert.deepEqual(mutate({}), []);
  assert.deepEqual(mutate({}, "DELETE"), [
    'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
  ]);
  assert.deepEqual(mutate({ mutations: [], reinvocationPolicy: "" }), [
    "spec.mutations: Required value: mutations must contain at least one item",
    "spec.reinvocationPolicy: Required value",
  ]);
  assert.deepEqual(mutate({ mutations: [{ patchType: "ApplyConfiguration", jsonPatch: {} }] }), [
    "spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration",
    'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
  ]);
});

test("expressions are compiled, with what they may use", () => {
  const { errors } = policy({
    variables: [
      { name: "a", expression: "object.x" },
      { name: "b", expression: "variables.c" },
    ],
    matchConditions: [{ name: "m", expression: "params.x == 1" }],
    validations: [
      { expression: "1 +", messageExpression: "authorizer == null ? '' : ''" },
      { expression: "variables.a == 1 && params == null" },
      { expression: "object.spec" },
    ],
    auditAnnotations: [{ key: "k", valueExpression: "1" }],
  });
  assert.deepEqual(
    errors.slice(0, 2).map((error) => error.replace(/ \(in container ''\)/, "")),
    [
      "spec.matchConditions[0].expression: Invalid value: \"params.x == 1\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'\n | params.x == 1\n | ^",
      "spec.variables[1].expression: Invalid value: \"variables.c\": compilation failed: ERROR: <input>:1:10: undefined field 'c'\n | variables.c\n | .........^",
    ],
  );
  assert.deepEqual(
    errors.slice(2).map((error) => error.split(":")[0]),
    [
      "spec.validations[0].expression",
      "spec.validations[0].messageExpression",
      "spec.validations[1].expression",
      "spec.validations[2].expression",
      "spec.auditAnnotations[0].valueExpression",
    ],
  );
  assert.match(errors.at(-2)!, /must evaluate to bool but got dyn$/);
  assert.match(errors.at(-1)!, /must evaluate to one of \[string null_type\] but got int$/);
});

test("wrong constants in expressions show when their program is made, after the type", () => {
  const { errors } = policy({
    validations: [
      { expression: "'a'.find('(') == ''", messageExpression: "string(int(1e30))" },
      { expression: "'a'.find('(')" },
    ],
  });
  assert.deepEqual(errors, [
    "spec.validations[0].expression: Internal error: program instantiation failed: error parsing regexp: missing closing ): `(`",
    "spec.validations[0].messageExpression: Internal error: program instantiation failed: integer overflow",
    "spec.validations[1].expression: Invalid value: \"'a'.find('(')\": must evaluate to bool but got string",
  ]);
});

test("bindings", () => {
  const bind = (spec: object) => create(`${group}/validatingadmissionpolicybindings`, { spec });
  const { object, errors } = bind({ policyName: "p", validationActions: ["Deny"], matchResources: {} });
  assert.deepEqual(errors, []);
  assert.deepEqual((object.spec as Record<string, unknown>).matchResources, {
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
  });
  assert.deepEqual(bind({ paramRef: { name: "a", selector: {} } }).errors, [
    "spec.policyName: Required value",
    "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
    "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
    "spec.paramRef.parameterNotFoundAction: Required value",
    "spec.validationActions: Required value: at least one validation action is required",
  ]);
  assert.deepEqual(bind({ policyName: "p", validationActions: ["Deny", "Warn", "Deny"] }).errors.length, 2);
  assert.deepEqual(
    create(`${group}/mutatingadmissionpolicybindings`, { spec: { policyName: "p" } }).errors,
    [],
  );
});
