/** Webhook configurations, policies and bindings: what is wrong with them; `admission.validate` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { fullSamples } from "#base/testing/samples.ts";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import type { AdmissionCase, AdmissionKind } from "../testing/admission-edges.ts";
import { bindingCases } from "../testing/binding-cases.ts";
import { policyCases } from "../testing/policy-cases.ts";
import { webhookCases } from "../testing/webhook-cases.ts";
import {
  mutatingAdmissionPolicyBindingStrategy,
  mutatingAdmissionPolicyStrategy,
  validatingAdmissionPolicyBindingStrategy,
  validatingAdmissionPolicyStrategy,
} from "./admission-policies.ts";
import {
  mutatingWebhookConfigurationStrategy,
  validatingWebhookConfigurationStrategy,
} from "./webhook-configurations.ts";

const strategies = {
  ValidatingWebhookConfiguration: validatingWebhookConfigurationStrategy,
  MutatingWebhookConfiguration: mutatingWebhookConfigurationStrategy,
  ValidatingAdmissionPolicy: validatingAdmissionPolicyStrategy,
  MutatingAdmissionPolicy: mutatingAdmissionPolicyStrategy,
  ValidatingAdmissionPolicyBinding: validatingAdmissionPolicyBindingStrategy,
  MutatingAdmissionPolicyBinding: mutatingAdmissionPolicyBindingStrategy,
};
type Kind = AdmissionKind;
type Case = AdmissionCase;

const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Mostly the first. */
const mostly = <T>(first: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: oneOf(...others) });
/** Without the members that are undefined. */
const record = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> =>
  fc
    .record(model)
    .map((made) =>
      cloneJson(
        Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as JsonObject,
      ),
    );
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(one, { nil: undefined, freq: 2 });
const list = (one: fc.Arbitrary<unknown>, minLength = 0, maxLength = 3): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.array(one, { minLength, maxLength }) },
    { weight: 1, arbitrary: oneOf(undefined, []) },
  );

const expression = fc.oneof(
  { weight: 4, arbitrary: oneOf("true", " true ", "object.metadata.name == 'a'", "has(object.spec)") },
  {
    weight: 3,
    arbitrary: oneOf(
      "",
      " ",
      "\n",
      "1",
      "'a'",
      "null",
      "object",
      "object.x",
      "string(object.x)",
      "params.a == 1",
      "variables.a == 1",
      "variables.a",
      "variables.zz",
      "zz",
      "1 +",
      "\n1 +",
      " zz && 1",
      "request.zz == ''",
      "request.name == 'a'",
      "namespaceObject.metadata.name == 'a'",
      "authorizer.requestResource.check('get').allowed()",
      "authorizer.path('/x').check('get').reason()",
      "object.x ? 'a' : null",
      "[1].all(x, x > 0)",
      "[JSONPatch{op: 'add', path: '/a', value: 1}]",
      "[JSONPatch{op: 1}]",
      "[JSONPatch{oops: 'a'}]",
      " [] ",
      "Object{spec: Object.spec{a: 1}}",
      "Object{}",
      "jsonpatch.escapeKey('a/b') == 'a'",
      "duration('x') == duration('1s')",
      "'a'.matches('(')",
      "[1, 'a'] == []",
      `'${"x".repeat(300)}' == zz`,
      `'${"x".repeat(5_200)}'`,
    ),
  },
);
const name = mostly(
  "a.example.com",
  "",
  "a",
  "a.b",
  "A.example.com",
  "b.example.com",
  "x".repeat(300),
  "a_b.c.d",
  "*.b.c",
);
const qualified = mostly("a", "", "b", "a/b", "a/b/c", "-", "A_b", "example.com/x", "x".repeat(64), "ü");
const matchCondition = record({ name: qualified, expression });
const matchConditions = maybe(
  fc.oneof(
    { weight: 20, arbitrary: list(matchCondition) },
    {
      weight: 1,
      arbitrary: fc.constant(
        Array.from({ length: 65 }, (_, index) => ({ name: `n${index}`, expression: "true" })),
      ),
    },
  ),
);
const selector = maybe(
  oneOf<JsonValue>(
    {},
    { matchLabels: { a: "b" } },
    { matchLabels: { "a b": "c" } },
    { matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] },
    { matchExpressions: [{ key: "a", operator: "In" }] },
    { matchExpressions: [{ key: "", operator: "Exists", values: ["b"] }] },
    { matchExpressions: [{ key: "a", operator: "Near" }] },
  ),
);
const rule = {
  operations: list(mostly("CREATE", "*", "UPDATE", "DELETE", "CONNECT", "PATCH", ""), 1),
  apiGroups: list(oneOf("", "apps", "*"), 1, 2),
  apiVersions: list(mostly("v1", "*", "", "v1beta1"), 1, 2),
  resources: list(mostly("pods", "*", "*/*", "pods/*", "*/status", "pods/status", "", "deployments"), 1),
  scope: maybe(mostly("*", "Namespaced", "Cluster", "Galaxy", "")),
};
const failurePolicy = maybe(mostly("Fail", "Ignore", "Panic", ""));
const clientConfig = record({
  url: maybe(
    mostly(
      "https://example.com/x",
      "http://example.com",
      "https://",
      "https://u@x/y",
      "https://x/y?z",
      "x",
      "https://x#y",
      "",
    ),
  ),
  service: fc.option(
    record({
      namespace: mostly("ns", ""),
      name: mostly("svc", ""),
      path: maybe(mostly("/x", "", "/", "x", "//", "/x/", "/A b", "/é")),
      port: maybe(mostly(443, 0, 65_536, -1)),
    }),
    { nil: undefined, freq: 3 },
  ),
});
const webhook = record({
  name,
  clientConfig,
  rules: list(record(rule), 1, 2),
  failurePolicy,
  matchPolicy: maybe(mostly("Exact", "Equivalent", "Fuzzy", "")),
  namespaceSelector: selector,
  objectSelector: selector,
  sideEffects: mostly<string | undefined>("None", "NoneOnDryRun", "Some", "Unknown", "", undefined),
  timeoutSeconds: maybe(mostly(10, 0, 1, 30, 31, -1)),
  admissionReviewVersions: list(mostly("v1", "v1beta1", "v2", "", "V1", "1"), 1),
  matchConditions,
});
const mutatingWebhook = fc
  .tuple(webhook, maybe(mostly("Never", "IfNeeded", "Always", "")))
  .map(([one, policy]) => (policy === undefined ? one : { ...one, reinvocationPolicy: policy }));

const namedRule = record({ ...rule, resourceNames: maybe(list(mostly("a", "a/b", "..", ""), 0, 2)) });
const match = record({
  namespaceSelector: selector,
  objectSelector: selector,
  resourceRules: list(namedRule, 1, 2),
  excludeResourceRules: maybe(list(namedRule, 0, 1)),
  matchPolicy: maybe(mostly("Exact", "Equivalent", "Fuzzy", "")),
});
const variable = record({ name: mostly("a", "b", "", "a-b", "1", "true", "in", " a"), expression });
const policy = {
  paramKind: maybe(
    record({
      apiVersion: mostly("v1", "", "a/b/c", "apps/v1", "A/v1", "apps/", "apps/1", "/v1"),
      kind: mostly("ConfigMap", "", "a b", "1"),
    }),
  ),
  matchConstraints: fc.option(match, { nil: undefined, freq: 8 }),
  failurePolicy,
  matchConditions,
  variables: maybe(list(variable)),
};
const validation = record({
  expression,
  message: maybe(mostly("no", "", " ", "a\nb", "a\rb", " a\n")),
  reason: maybe(mostly("Invalid", "Forbidden", "Unauthorized", "RequestEntityTooLarge", "Teapot", "")),
  messageExpression: maybe(expression),
});
const annotation = record({ key: qualified, valueExpression: expression });
const mutation = record({
  patchType: mostly("JSONPatch", "ApplyConfiguration", "", "Merge"),
  jsonPatch: maybe(record({ expression })),
  applyConfiguration: fc.option(record({ expression }), { nil: undefined, freq: 2 }),
});
const paramRef = record({
  name: maybe(mostly("p", "", "a/b")),
  namespace: maybe(mostly("ns", "", "A_b")),
  selector,
  parameterNotFoundAction: maybe(mostly("Deny", "Allow", "Wait", "")),
});
const binding = {
  policyName: mostly("p", "", "A", "a/b"),
  paramRef: maybe(paramRef),
  matchResources: maybe(match),
};

const of = (kind: Kind, parts: fc.Arbitrary<JsonObject>): fc.Arbitrary<Case> =>
  parts.map((made) => ({ kind, parts: made }));
const specOf = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> =>
  record({ spec: record(model) });
const generate = fc.oneof(
  of("ValidatingWebhookConfiguration", record({ webhooks: list(webhook, 1, 2) })),
  of("MutatingWebhookConfiguration", record({ webhooks: list(mutatingWebhook, 1, 2) })),
  of(
    "ValidatingAdmissionPolicy",
    specOf({ ...policy, validations: maybe(list(validation, 1)), auditAnnotations: maybe(list(annotation)) }),
  ),
  of(
    "MutatingAdmissionPolicy",
    specOf({
      ...policy,
      mutations: list(mutation, 1),
      reinvocationPolicy: mostly<string | undefined>("Never", "IfNeeded", "Always", "", undefined),
    }),
  ),
  of(
    "ValidatingAdmissionPolicyBinding",
    specOf({ ...binding, validationActions: list(mostly("Deny", "Warn", "Audit", "Cry", ""), 1) }),
  ),
  of("MutatingAdmissionPolicyBinding", specOf(binding)),
);

const metadataOf = ({ name = "policy.example.com" }: Case): JsonObject => ({ name });
const apiVersion = "admissionregistration.k8s.io/v1";

function ours(input: Case): string[] {
  const { kind, parts } = input;
  const object = cloneJson({
    apiVersion,
    kind,
    metadata: metadataOf(input),
    ...parts,
  }) as unknown as KubeObject;
  const strategy = strategies[kind];
  strategy.applyDefaults!(object, 0);
  return strategy.validate!(object, undefined as never)
    .map(fieldErrorText)
    .sort();
}

likeUpstream().compare<Case>("webhook configurations, policies and bindings", {
  // Most of them are all combinations of a few parts: everyday one in four.
  cases: [...webhookCases, ...policyCases, ...bindingCases].filter(
    (_case, index) => fullSamples || index % 4 === 0,
  ),
  generate,
  runs: 1_000,
  ours,
  async theirs(oracle, input) {
    const { kind, parts } = input;
    const object = { apiVersion, kind, metadata: metadataOf(input), ...parts };
    const told = await oracle.ask("admission.validate", { apiVersion, kind, object });
    return (told as { text: string }[]).map(({ text }) => text).sort();
  },
  // A struct in a text is shown as it was written (docs/differences.md).
  known: (_input, ours, theirs) =>
    isDeepStrictEqual(
      ours,
      (theirs as string[]).map((text) =>
        text.replaceAll('"Key":', '"key":').replaceAll('"ValueExpression":', '"valueExpression":'),
      ),
    ),
});
