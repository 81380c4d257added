import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { type CelProgram, createCelEnvironment } from "./cel.ts";
import { CelBudgetError, CelCompileError, CelRuntimeError } from "./errors.ts";
import { fromCel } from "./from-cel.ts";
import { celTypeOfSchema, toCel } from "./schema-typed.ts";
import { type CelType, dynType, formatType, optionalType } from "./types.ts";
import type { CelValue } from "./values.ts";

const schema: JsonObject = {
  type: "object",
  properties: {
    replicas: { type: "integer" },
    names: { type: "array", maxItems: 10, items: { type: "string", maxLength: 20 } },
    set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
    ports: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: { type: "object", properties: { name: { type: "string" }, port: { type: "integer" } } },
    },
    "a-b": { type: "string" },
    namespace: { type: "string" },
    when: { type: "string", format: "date-time" },
    size: { "x-kubernetes-int-or-string": true },
    note: { type: "string", nullable: true },
  },
};

const selfType = celTypeOfSchema(schema, { isResourceRoot: false })!;

function compile(source: string, variables: Record<string, CelType> = { self: selfType }): CelProgram {
  return createCelEnvironment({ variables: new Map(Object.entries(variables)) }).compile(source);
}

const generous = () => ({ remaining: 1e9, perCall: 1e6 });

function evaluate(source: string, self: JsonValue, budget = generous()): JsonValue {
  const variables = new Map([["self", toCel(self, selfType) as CelValue]]);
  return fromCel(compile(source).evaluate(variables, budget));
}

const compileError = (source: string): string => {
  try {
    compile(source);
  } catch (error) {
    assert.ok(error instanceof CelCompileError);
    return error.message;
  }
  return assert.fail(`${source} compiles`);
};

const runtimeError = (source: string, self: JsonValue): string => {
  try {
    evaluate(source, self);
  } catch (error) {
    assert.ok(error instanceof CelRuntimeError);
    return error.message;
  }
  return assert.fail(`${source} evaluates`);
};

test("issues have upstream's texts, with the line and a caret", () => {
  assert.equal(compileError("self.foo"), "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo\n | ....^");
  assert.equal(
    compileError("foo"),
    "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^",
  );
  assert.equal(
    compileError("self.replicas\n  + 'é'"),
    "ERROR: <input>:2:3: found no matching overload for '_+_' applied to '(int, string)'\n |   + 'é'\n | ..^",
  );
});

test("several issues come in the order of their places", () => {
  const places = compileError("a + (b + c)").match(/<input>:1:\d+/g);
  assert.deepEqual(places, ["<input>:1:1", "<input>:1:6", "<input>:1:10"]);
});

test("a constant part that is wrong is an error of the program", () => {
  assert.throws(
    () => compile("int('x') == 1"),
    (error) =>
      error instanceof CelCompileError &&
      error.phase === "program" &&
      error.message === "type conversion error from 'string' to 'int'",
  );
});

test("a program tells its type and the variables it uses", () => {
  const program = compile("self.names.map(x, x.size())", { self: selfType, oldSelf: selfType });
  assert.equal(formatType(program.type), "list(int)");
  assert.deepEqual([...program.variables], ["self"]);
  assert.deepEqual([...compile("self == oldSelf", { self: selfType, oldSelf: selfType }).variables].sort(), [
    "oldSelf",
    "self",
  ]);
});

test("names of properties are escaped, and words that are taken may stand after a dot", () => {
  assert.equal(evaluate("self.a__dash__b", { "a-b": "x" }), "x");
  assert.equal(evaluate("self.__namespace__", { namespace: "n" }), "n");
  assert.equal(evaluate("self.namespace", { namespace: "n" }), "n");
});

test("a null field of a nullable schema is absent, any other null is invalid data", () => {
  assert.equal(evaluate("has(self.note)", { note: null }), false);
  assert.match(runtimeError("self.names[0]", { names: [null] }), /got null for schema with nullable=false/);
});

test("data that does not have its declared type is an error where it is read", () => {
  assert.equal(
    runtimeError("self.replicas > 1", { replicas: "x" }),
    "invalid data, expected int, got string",
  );
  assert.equal(evaluate("self.replicas > 1 || true", { replicas: "x" }), true);
});

test("sets and map lists compare without regard to order, and add by their keys", () => {
  const ports = [
    { name: "a", port: 1 },
    { name: "b", port: 2 },
  ];
  assert.equal(evaluate("self.set == ['b', 'a']", { set: ["a", "b"] }), true);
  assert.deepEqual(evaluate("self.set + ['a', 'c']", { set: ["a", "b"] }), ["a", "b", "c"]);
  assert.equal(evaluate("self.ports == self.ports.reverse()", { ports }), true);
  assert.deepEqual(evaluate("(self.ports + self.ports.filter(p, p.name == 'a')).map(p, p.name)", { ports }), [
    "a",
    "b",
  ]);
});

test("integers are exact in 64 bits and overflow with an error", () => {
  const self = { replicas: 9007199254740991 };
  assert.equal(evaluate("string(self.replicas * 1000)", self), "9007199254740991000");
  assert.equal(evaluate("9223372036854775807 - self.replicas == 9214364837600034816", self), true);
  assert.equal(runtimeError("self.replicas * 10000", self), "integer overflow");
  assert.equal(runtimeError("self.replicas / 0", self), "division by zero");
});

test("what is missing is told by upstream's texts", () => {
  assert.equal(runtimeError("self.replicas", {}), "no such key: replicas");
  assert.equal(runtimeError("self.names[3]", { names: [] }), "index out of bounds: 3");
});

test("cost is taken from the budget whether the evaluation succeeds or not", () => {
  const budget = generous();
  evaluate("self.replicas > 1", { replicas: 2 }, budget);
  assert.equal(1e9 - budget.remaining, 3);
  assert.throws(() => evaluate("self.replicas > 1", {}, budget), CelRuntimeError);
  assert.equal(1e9 - budget.remaining, 6);
});

test("an evaluation that costs more than it may is stopped", () => {
  const names = Array.from({ length: 1000 }, () => "abc");
  const source = "self.names.all(a, self.names.all(b, self.names.all(c, a + b == c + a || true)))";
  const stopped = (budget: { remaining: number; perCall: number }, limit: string) =>
    assert.throws(
      () => evaluate(source, { names }, budget),
      (error) => error instanceof CelBudgetError && error.limit === limit,
    );
  stopped(generous(), "perCall");
  const small = { remaining: 1000, perCall: 1e6 };
  stopped(small, "total");
  assert.ok(small.remaining < 0);
});

test("static estimates follow the sizes of the schema", () => {
  const cost = (source: string) => compile(source).estimateCost();
  assert.deepEqual(cost("self.replicas > 1"), { min: 3, max: 3 });
  const { max } = cost("self.names.all(x, x.startsWith('a'))");
  assert.ok(max > 10 && max < 100, String(max));
  assert.ok(cost("self.set.all(x, self.set.all(y, x != y))").max > 1e7);
});

test("an optional old value", () => {
  const variables = { self: selfType, oldSelf: optionalType(selfType) };
  const program = compile("oldSelf.?replicas.orValue(0) <= self.replicas", variables);
  assert.equal(formatType(program.type), "bool");
});

test("numbers of different types compare in dynamic values", () => {
  const program = compile("x.a == 1 && x.b < 2 && x.a != 1.5", { x: dynType });
  const x = toCel({ a: 1, b: 1.5 }, dynType) as CelValue;
  assert.equal(program.evaluate(new Map([["x", x]]), generous()), true);
});

test("properties named like those of every object are data", () => {
  const x = toCel(JSON.parse('{"__proto__": 1, "constructor": 2}') as JsonValue, dynType) as CelValue;
  const ask = (source: string) => compile(source, { x: dynType }).evaluate(new Map([["x", x]]), generous());
  assert.equal(ask("x['__proto__'] + x.constructor"), 3);
  assert.equal(ask("has(x.toString)"), false);
  assert.deepEqual(Object.keys(fromCel(ask("{'__proto__': 1}")) as JsonObject), ["__proto__"]);
});

test("work that is too much for the budget is not even begun", () => {
  const stopped = (source: string, self: JsonValue) =>
    assert.throws(() => evaluate(source, self), CelBudgetError, source);
  stopped("lists.range(9007199254740991).size() > 0", {});
  const names = Array.from({ length: 200_000 }, (_, index) => `n${index}`);
  stopped("self.names.distinct().size() > 0", { names });
  stopped("self.names.sort().size() > 0", { names });
  stopped("sets.contains(self.names, self.names)", { names });
});
