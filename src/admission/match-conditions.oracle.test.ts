/** Match conditions of webhooks and policies: what they decide, and what that costs; `policy.evaluate` of the oracle, with `match`. */
import fc from "fast-check";
import { perCallCostLimit } from "#machinery/cel/cel.ts";
import { dynamicView } from "#machinery/cel/json-view.ts";
import { authorizerValue, requestResourceValue } from "#machinery/cel/libraries/authorizer.ts";
import { toCel } from "#machinery/cel/schema-typed.ts";
import type { CelValue } from "#machinery/cel/values.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { expressionEnvironment } from "#registry/expressions/compile.ts";
import { requestType } from "#registry/expressions/request-types.ts";
import { compileVariables } from "#registry/expressions/variables.ts";
import { MatchConditions, matchConditionsBudget } from "./match-conditions.ts";
import { withVariables } from "./policies/variables.ts";
import { knownAuthorizer } from "./testing/known-authorizer.ts";

interface Case {
  /** Of a webhook: without variables and parameters. */
  readonly webhook: boolean;
  readonly match: "Fail" | "Ignore";
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly expressions: readonly string[];
  readonly hasParams: boolean;
  readonly isUpdate: boolean;
}

/** Data to go through: what is long costs much, and is done quickly. */
const object: JsonObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", labels: { x: "1" } },
  data: {
    k: "v",
    few: Array.from({ length: 20 }, (_, index) => index),
    long: `${"nay".repeat(6_000)}b`,
    needle: `${"ay".repeat(2_000)}b`,
    short: "ayb".repeat(50),
  },
};
const oldObject: JsonObject = { ...object, data: { k: "old" } };
const params: JsonObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "p" },
  data: { limit: "3" },
};
const kind = { group: "", version: "v1", kind: "ConfigMap" };
const resource = { group: "", version: "v1", resource: "configmaps" };
/** What upstream makes of the attributes of a request. */
const requestOf = (isUpdate: boolean): JsonObject => ({
  kind,
  resource,
  requestKind: kind,
  requestResource: resource,
  name: "a",
  namespace: "ns",
  operation: isUpdate ? "UPDATE" : "CREATE",
  userInfo: { username: "me" },
  dryRun: false,
});

const cheap = [
  "true",
  "false",
  "object.data.k == 'v'",
  "object.data.k == oldObject.data.k",
  "has(object.data)",
  "object.nothing == 1",
  "object.?nothing.orValue(true)",
  "oldObject == null",
  "oldObject != null && oldObject.data.k == 'old'",
  "request.operation == 'CREATE'",
  "request.userInfo.username == 'me'",
  "request.userInfo.groups.size() == 0",
  "has(request.userInfo.groups)",
  "request.dryRun",
  "!has(request.subResource)",
  "request.name == 'a'",
  "namespaceObject == null",
  "namespaceObject.metadata.name == 'ns'",
  "params == null",
  "params.data.limit == '3'",
  "authorizer.group('').resource('pods').namespace('ns').check('get').allowed()",
  "authorizer.group('').resource('pods').check('delete').allowed()",
  "authorizer.group('').resource('pods').check('escalate').errored()",
  "authorizer.requestResource.check('list').allowed()",
  "variables.a",
  "variables.b == 1",
  "variables.zz",
  "1 / 0 == 1",
  "1",
  "'text'",
  "null",
  "object",
  "object.data.k",
  "zz",
  "1 +",
  "type(object) == map",
];
/** From a tenth of what one expression may cost to more than that. */
const costly = [
  "object.data.long.contains(object.data.short)",
  "object.data.long.contains(object.data.needle)",
  "!object.data.long.contains(object.data.needle + object.data.short)",
  "!object.data.long.contains(object.data.needle + object.data.needle)",
  "object.data.few.all(x, object.data.long.contains(object.data.short))",
  "object.data.few.exists(x, object.data.few.exists(y, y > x + 18))",
  "object.data.long.matches('^(a|b|n|y)*$')",
];
const expression = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...cheap) },
  { weight: 1, arbitrary: fc.constantFrom(...costly) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...cheap), fc.constantFrom(" == ", " && ", " || "), fc.constantFrom(...cheap))
      .map((parts) => parts.join("")),
  },
);
const generate: fc.Arbitrary<Case> = fc
  .record({
    webhook: fc.boolean(),
    match: fc.constantFrom("Fail", "Ignore"),
    variables: fc
      .array(expression, { maxLength: 2 })
      .map((list) => list.map((one, index) => ({ name: "ab"[index]!, expression: one }))),
    expressions: fc.oneof(
      { weight: 5, arbitrary: fc.array(expression, { minLength: 1, maxLength: 4 }) },
      // Some budgets are used up.
      {
        weight: 1,
        arbitrary: fc.array(fc.constantFrom(...costly, "variables.a", "true"), {
          minLength: 3,
          maxLength: 9,
        }),
      },
    ),
    hasParams: fc.boolean(),
    isUpdate: fc.boolean(),
  })
  .map((one) => (one.webhook ? { ...one, variables: [], hasParams: false } : one));

function activationOf({ hasParams, isUpdate }: Case): { values: Map<string, CelValue> } {
  const asked = { group: "", resource: "configmaps", subresource: "", namespace: "ns", name: "a" };
  return {
    values: new Map<string, CelValue>([
      ["object", dynamicView(object)],
      ["oldObject", isUpdate ? dynamicView(oldObject) : null],
      ["params", hasParams ? dynamicView(params) : null],
      ["request", toCel(requestOf(isUpdate), requestType) as CelValue],
      ["namespaceObject", null],
      ["authorizer", authorizerValue(knownAuthorizer)],
      ["authorizer.requestResource", requestResourceValue(knownAuthorizer, asked)],
    ]),
  };
}

interface Told {
  readonly compile: readonly string[];
  readonly remaining: number;
  readonly matches?: boolean;
  readonly fault?: string;
}

async function ours(input: Case): Promise<unknown> {
  const { webhook, match, variables, expressions, hasParams } = input;
  const compiled = compileVariables(variables, { params: hasParams });
  const conditions = new MatchConditions(
    expressions.map((one, index) => ({ name: `condition${index}`, expression: one })),
    {
      failsOpen: match === "Ignore",
      params: hasParams,
      ...(webhook
        ? {}
        : { environment: expressionEnvironment({ params: hasParams, variables: compiled.type }) }),
    },
  );
  const activation = activationOf(input);
  const budget = { remaining: matchConditionsBudget, perCall: perCallCostLimit };
  const outcome = await conditions.evaluate(
    webhook ? activation : withVariables(activation, compiled),
    { breathe: () => Promise.resolve() },
    budget,
  );
  // What is left when it was not enough is nobody's matter.
  const remaining = budget.remaining < 0 ? -1 : budget.remaining;
  return { remaining, ...("error" in outcome ? { fault: outcome.error } : outcome) };
}

const case0 = { webhook: true, match: "Fail", variables: [], hasParams: false, isUpdate: true } as const;

likeUpstream().compare<Case>("match conditions", {
  cases: [...cheap, ...costly].flatMap((one): Case[] => [
    { ...case0, expressions: [one] },
    { ...case0, match: "Ignore", expressions: [one, "1 / 0 == 1"], isUpdate: false },
    {
      ...case0,
      webhook: false,
      hasParams: true,
      variables: [{ name: "a", expression: one }],
      expressions: ["variables.a", one],
    },
  ]),
  generate,
  runs: 200,
  ours,
  async theirs(oracle, { isUpdate, hasParams, ...rest }) {
    const told = (await oracle.ask("policy.evaluate", {
      ...rest,
      hasParams,
      object,
      ...(isUpdate ? { oldObject } : {}),
      request: requestOf(isUpdate),
      budget: matchConditionsBudget,
      ...(hasParams ? { params } : {}),
    })) as unknown as Told;
    const { remaining } = told;
    return told.fault === undefined ? { remaining, matches: told.matches } : { remaining, fault: told.fault };
  },
});
