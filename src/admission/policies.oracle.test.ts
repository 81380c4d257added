/** Expressions of policies: their environment, variables, budgets and match conditions: `policy.evaluate` of the oracle. */
import fc from "fast-check";
import { dynamicView } from "#machinery/cel/json-view.ts";
import { authorizerValue, requestResourceValue } from "#machinery/cel/libraries/authorizer.ts";
import { toCel } from "#machinery/cel/schema-typed.ts";
import { tagged } from "#machinery/cel/testing/tagged.ts";
import { boolType, stringType } from "#machinery/cel/types.ts";
import type { CelValue } from "#machinery/cel/values.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { compileExpression, expressionEnvironment } from "#registry/expressions/compile.ts";
import { namespaceType, requestType } from "#registry/expressions/request-types.ts";
import { compileVariables } from "#registry/expressions/variables.ts";
import { evaluate, OutOfBudgetError } from "./expressions.ts";
import { withVariables } from "./policies/variables.ts";
import { knownAuthorizer } from "./testing/known-authorizer.ts";

const upstream = likeUpstream();

interface Case {
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly expressions: readonly string[];
  readonly returns: "any" | "bool" | "string";
  readonly hasParams: boolean;
  readonly budget: number;
}

const object: JsonObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", labels: { x: "1" } },
  data: { k: "v" },
};
const oldObject: JsonObject = { ...object, data: { k: "old" } };
const params: JsonObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "p" },
  data: { limit: "3" },
};
const namespace: JsonObject = { metadata: { name: "ns", labels: { env: "prod" } }, spec: {}, status: {} };
const request: JsonObject = {
  uid: "u",
  kind: { group: "", version: "v1", kind: "ConfigMap" },
  resource: { group: "", version: "v1", resource: "configmaps" },
  requestKind: { group: "", version: "v1", kind: "ConfigMap" },
  requestResource: { group: "", version: "v1", resource: "configmaps" },
  name: "a",
  namespace: "ns",
  operation: "UPDATE",
  userInfo: { username: "me", groups: ["g1", "g2"], extra: { e: ["1"] } },
  dryRun: false,
};

const atoms = [
  "object.data.k",
  "oldObject.data.k",
  "object.metadata.name",
  "object.metadata.?labels.x",
  "object.nothing",
  "has(object.data)",
  "has(object.spec)",
  "object == oldObject",
  "params.data.limit",
  "params == null",
  "request.operation",
  "request.userInfo.username",
  "'g1' in request.userInfo.groups",
  "request.userInfo.extra['e'][0]",
  "request.dryRun",
  "request.zz",
  "request.kind.kind",
  "request.namespace",
  "namespaceObject.metadata.labels.env",
  "namespaceObject.metadata.name",
  "namespaceObject.zz",
  "authorizer.group('').resource('pods').namespace('ns').check('get').allowed()",
  "authorizer.group('').resource('pods').check('delete').reason()",
  "authorizer.group('').resource('pods').check('escalate').errored()",
  "authorizer.requestResource.check('list').allowed()",
  "authorizer.path('/healthz').check('get').allowed()",
  "variables.a",
  "variables.b",
  "variables.zz",
  "object.data.all(k, object.data[k] != '')",
  "[1, 2, 3].map(x, x * 2)",
  "1 / 0",
  "true",
  "'text'",
  "1",
  "null",
  "zz",
  "1 +",
];
const atom = fc.constantFrom(...atoms);
const expression = fc.oneof(
  { weight: 3, arbitrary: atom },
  {
    weight: 2,
    arbitrary: fc
      .tuple(atom, fc.constantFrom(" == ", " != ", " && ", " || ", " + "), atom)
      .map((parts) => parts.join("")),
  },
  { weight: 1, arbitrary: fc.tuple(atom, atom, atom).map(([a, b, c]) => `${a} ? ${b} : ${c}`) },
);
const generate: fc.Arbitrary<Case> = fc.record({
  variables: fc
    .array(expression, { maxLength: 2 })
    .map((list) => list.map((one, index) => ({ name: "ab"[index]!, expression: one }))),
  expressions: fc.array(expression, { minLength: 1, maxLength: 3 }),
  returns: fc.constantFrom("any", "bool", "string"),
  hasParams: fc.boolean(),
  budget: fc.constantFrom(10_000_000, 10_000_000, 400_000, 5),
});

function values(hasParams: boolean): Map<string, CelValue> {
  return new Map<string, CelValue>([
    ["object", dynamicView(object)],
    ["oldObject", dynamicView(oldObject)],
    ["params", hasParams ? dynamicView(params) : null],
    ["request", toCel(request, requestType) as CelValue],
    ["namespaceObject", toCel(namespace, namespaceType) as CelValue],
    ["authorizer", authorizerValue(knownAuthorizer)],
    [
      "authorizer.requestResource",
      requestResourceValue(knownAuthorizer, {
        group: "",
        resource: "configmaps",
        subresource: "",
        namespace: "ns",
        name: "a",
      }),
    ],
  ]);
}

const wanted = { any: [], bool: [boolType], string: [stringType] };

function ours({ variables, expressions, returns, hasParams, budget: total }: Case): unknown {
  const compiled = compileVariables(variables, { params: hasParams });
  const environment = expressionEnvironment({ params: hasParams, variables: compiled.type });
  const programs = expressions.map((one) => compileExpression(environment, one, wanted[returns]));
  const activation = withVariables({ values: values(hasParams) }, compiled);
  const budget = { remaining: total, perCall: 1_000_000 };
  try {
    const results = programs.map((program) => {
      const told = evaluate(program, activation, budget);
      return "error" in told ? { error: told.error } : { value: tagged(told.value) };
    });
    return { results, remaining: budget.remaining };
  } catch (error) {
    if (error instanceof OutOfBudgetError) return { fault: error.message };
    throw error;
  }
}

interface Told {
  readonly results?: readonly { readonly value?: JsonValue; readonly error?: string }[];
  readonly remaining: number;
  readonly fault?: string;
}

upstream.compare<Case>("expressions of policies", {
  cases: atoms.flatMap((one) =>
    [true, false].map((hasParams) => ({
      variables: [],
      expressions: [one],
      returns: "any" as const,
      hasParams,
      budget: 10_000_000,
    })),
  ),
  generate,
  runs: 500,
  ours,
  async theirs(oracle, { hasParams, ...rest }) {
    const told = (await oracle.ask("policy.evaluate", {
      ...rest,
      hasParams,
      object,
      oldObject,
      request,
      namespace,
      ...(hasParams ? { params } : {}),
    })) as unknown as Told;
    return told.fault === undefined
      ? { results: told.results, remaining: told.remaining }
      : { fault: told.fault };
  },
});
