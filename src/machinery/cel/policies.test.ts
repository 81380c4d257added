/** What only admission policies use: authorizers, objects that expressions make, values that are computed late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CelEnvironmentOptions, createCelEnvironment } from "./cel.ts";
import { CelCompileError } from "./errors.ts";
import { fromCel } from "./from-cel.ts";
import {
  authorizerType,
  authorizerValue,
  type CelAccess,
  type CelAuthorizer,
  requestResourceValue,
  resourceCheckType,
} from "./libraries/authorizer.ts";
import { LazyObject, lazyObjectType, structNameErrors } from "./structs.ts";
import { type CelType, formatType, intType, stringType } from "./types.ts";
import { CelError, type CelResult, type CelValue } from "./values.ts";

function evaluate(
  source: string,
  variables: readonly (readonly [name: string, type: CelType, value: CelValue])[],
  options: Omit<CelEnvironmentOptions, "variables"> = {},
  budget = { remaining: 1e9, perCall: 1e6 },
): CelValue {
  const types = new Map(variables.map(([name, type]) => [name, type]));
  const program = createCelEnvironment({ variables: types, ...options }).compile(source);
  return program.evaluate(new Map(variables.map(([name, , value]) => [name, value])), budget);
}

/** Allows what its user may, and notes what it was asked. */
function recorder(user: string, asked: [string, CelAccess][]): CelAuthorizer {
  return {
    check: (access) => {
      asked.push([user, access]);
      if ("path" in access) return { allowed: false, reason: "no paths", error: "broken" };
      return { allowed: access.resource === "pods", reason: `for ${user}` };
    },
    asServiceAccount: (namespace, name) => recorder(`${namespace}/${name}`, asked),
  };
}

const none = { subresource: "", namespace: "", name: "", fieldSelector: "", labelSelector: "" };

test("an authorizer is asked for paths and resources, as the user or a service account", () => {
  const asked: [string, CelAccess][] = [];
  const ask = (source: string) =>
    evaluate(source, [["authorizer", authorizerType, authorizerValue(recorder("me", asked))]]);
  assert.equal(ask("authorizer.group('').resource('pods').namespace('n').check('get').allowed()"), true);
  assert.equal(ask("authorizer.path('/healthz').check('get').errored()"), true);
  assert.equal(ask("authorizer.path('/healthz').check('get').error()"), "broken");
  assert.equal(
    ask("authorizer.serviceAccount('ns', 'sa').group('apps').resource('pods').check('list').reason()"),
    "for ns/sa",
  );
  assert.deepEqual(asked[0], ["me", { verb: "get", group: "", resource: "pods", ...none, namespace: "n" }]);
  assert.deepEqual(asked.at(-1), ["ns/sa", { verb: "list", group: "apps", resource: "pods", ...none }]);
});

test("a check of the request's resource", () => {
  const asked: [string, CelAccess][] = [];
  const resource = { group: "apps", resource: "deployments", subresource: "", namespace: "n", name: "d" };
  const value = requestResourceValue(recorder("me", asked), resource);
  assert.equal(
    evaluate("r.labelSelector('a=b').check('delete').allowed()", [["r", resourceCheckType, value]]),
    false,
  );
  assert.deepEqual(asked, [["me", { verb: "delete", ...none, ...resource, labelSelector: "a=b" }]]);
});

test("an authorization check costs so much that an evaluation affords two", () => {
  const budget = { remaining: 1e9, perCall: 1e9 };
  const variable = ["a", authorizerType, authorizerValue(recorder("me", []))] as const;
  evaluate("a.group('').resource('pods').check('get').allowed()", [variable], {}, budget);
  assert.equal(1e9 - budget.remaining, 350_004);
});

test("what an authorizer cannot be asked for is an error", () => {
  const variable = ["a", authorizerType, authorizerValue(recorder("me", []))] as const;
  assert.throws(() => evaluate("a.path(' ')", [variable]), { message: "path must not be empty" });
  assert.throws(() => evaluate("a.group('').resource('')", [variable]), {
    message: "resource must not be empty",
  });
  assert.throws(() => evaluate("a.serviceAccount('N', 'x')", [variable]), {
    message: "Invalid service account namespace",
  });
});

test("mutating policies make objects", () => {
  const source = "Object{spec: Object.spec{replicas: 1 + 1, ?paused: optional.none()}}";
  const value = evaluate(source, [], { mutation: true });
  assert.deepEqual(fromCel(value), { spec: { replicas: 2 } });
  assert.deepEqual(structNameErrors(value), []);
  assert.throws(
    () => evaluate(source, []),
    (error) => error instanceof CelCompileError && error.message.includes("undeclared reference to 'Object'"),
  );
});

test("objects must be named after the fields they are in", () => {
  const value = evaluate("Object{spec: Object.metadata{a: [Object.spec.a{}]}}", [], { mutation: true });
  assert.deepEqual(structNameErrors(value), [
    'unexpected type name "Object.metadata", expected "Object.spec", which matches field name path from root Object type',
  ]);
});

test("mutating policies make JSON patches", () => {
  const source =
    "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b~c'), value: {'x': 1}}]";
  const types = createCelEnvironment({ variables: new Map(), mutation: true }).compile(source).type;
  assert.equal(formatType(types), "list(JSONPatch)");
  assert.deepEqual(fromCel(evaluate(source, [], { mutation: true })), [
    { op: "add", path: "/metadata/labels/a~1b~0c", value: { x: 1 } },
  ]);
  assert.throws(
    () => evaluate("JSONPatch{verb: 'add'}", [], { mutation: true }),
    /expected type of field 'verb' is ''/,
  );
});

test("variables of policies are computed once, when they are read", () => {
  let computed = 0;
  const type = lazyObjectType(
    "variables",
    new Map([
      ["n", intType],
      ["bad", stringType],
    ]),
  );
  const value = new LazyObject(
    new Map<string, () => CelResult>([
      ["n", () => ++computed],
      ["bad", () => new CelError("composed variable fails")],
    ]),
  );
  const variable = ["variables", type, value] as const;
  assert.equal(evaluate("variables.n + variables.n == 2", [variable]), true);
  assert.equal(computed, 1);
  assert.throws(() => evaluate("variables.bad == ''", [variable]), { message: "composed variable fails" });
  assert.equal(evaluate("true || variables.bad == ''", [variable]), true);
});
