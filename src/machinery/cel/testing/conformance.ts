/** Runs one case of CEL's conformance suite (@bufbuild/cel-spec) through our parser, checker and evaluator. */
import type { Decl, Type as SpecType } from "@bufbuild/cel-spec/cel/expr/checked_pb.js";
import type { Value as SpecValue } from "@bufbuild/cel-spec/cel/expr/value_pb.js";
import type { IncrementalTest } from "@bufbuild/cel-spec/testdata/tests.js";
import { check } from "../checker.ts";
import { Context } from "../context.ts";
import { display } from "../display.ts";
import { checkerEnvironment } from "../environment.ts";
import { canonicalInt } from "../integers.ts";
import { equal } from "../operations.ts";
import { parse } from "../parser.ts";
import { PlanError, Planner } from "../plan.ts";
import { Source } from "../source.ts";
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  formatType,
  intType,
  listType,
  mapType,
  nullType,
  opaqueType,
  paramType,
  stringType,
  timestampType,
  typeOf,
  uintType,
} from "../types.ts";
import {
  CelBytes,
  CelDouble,
  CelError,
  type CelResult,
  CelTypeValue,
  CelUint,
  type CelValue,
  ValueList,
  ValueMap,
} from "../values.ts";

/** What is wrong with our answer to a case; undefined when it is right. Throws what a case needs and we do not have. */
export function conformanceProblem({ original }: IncrementalTest): string | undefined {
  if (original.container !== "") throw new Error("containers");
  const expected = original.resultMatcher;
  const outcome = evaluate(original);
  const wantsError = expected.case === "evalError" || expected.case === "anyEvalErrors";
  if ("failure" in outcome)
    return wantsError || expected.case === undefined ? undefined : `fails: ${outcome.failure}`;
  if (wantsError) return `gives ${display(outcome.value)} instead of an error`;
  if (expected.case === "typedResult") {
    const { deducedType, result } = expected.value;
    const wanted = deducedType === undefined ? undefined : formatType(typeFrom(deducedType));
    if (wanted !== undefined && wanted !== formatType(outcome.type))
      return `has type ${formatType(outcome.type)} instead of ${wanted}`;
    if (result === undefined || original.checkOnly) return undefined;
    return same(outcome.value, valueFrom(result)) ? undefined : `gives ${display(outcome.value)}`;
  }
  const wanted = expected.case === "value" ? valueFrom(expected.value) : true;
  return same(outcome.value, wanted) ? undefined : `gives ${display(outcome.value)}`;
}

type Outcome = { readonly value: CelResult; readonly type: CelType } | { readonly failure: string };

function evaluate(original: IncrementalTest["original"]): Outcome {
  const variables = new Map<string, CelType>();
  for (const declaration of original.typeEnv) variables.set(...variableFrom(declaration));
  const environment = checkerEnvironment(variables, { mutation: false });
  const source = new Source(original.expr);
  const expr = parse(source);
  const checked = expr === undefined ? undefined : check(expr, source, environment);
  if (expr === undefined || checked === undefined) return { failure: source.display() };
  if (original.checkOnly) return { value: null, type: checked.type };
  try {
    const planner = new Planner(environment.functions, undefined);
    const step = planner.step(expr);
    const bindings = new Map<string, CelValue>();
    for (const [name, { kind }] of Object.entries(original.bindings)) {
      if (kind.case !== "value") throw new Error(`a binding of kind ${kind.case}`);
      bindings.set(name, valueFrom(kind.value));
    }
    const limits = { remaining: 1e9, perCall: 1e9 };
    const value = step(new Context(bindings, planner.slots, limits));
    return value instanceof CelError ? { failure: value.message } : { value, type: checked.type };
  } catch (error) {
    if (error instanceof PlanError) return { failure: error.message };
    throw error;
  }
}

function variableFrom({ name, declKind }: Decl): [string, CelType] {
  if (declKind.case !== "ident" || declKind.value.type === undefined)
    throw new Error(`a declaration of kind ${declKind.case}`);
  return [name, typeFrom(declKind.value.type)];
}

const primitives = [undefined, boolType, intType, uintType, doubleType, stringType, bytesType];
const wellKnown = [undefined, undefined, timestampType, durationType];

function typeFrom({ typeKind }: SpecType): CelType {
  switch (typeKind.case) {
    case "dyn":
      return dynType;
    case "null":
      return nullType;
    case "primitive": {
      const type = primitives[typeKind.value];
      if (type !== undefined) return type;
      break;
    }
    case "wellKnown": {
      const type = wellKnown[typeKind.value];
      if (type !== undefined) return type;
      break;
    }
    case "listType":
      return listType(typeFrom(typeKind.value.elemType!));
    case "mapType":
      return mapType(typeFrom(typeKind.value.keyType!), typeFrom(typeKind.value.valueType!));
    case "type":
      return typeKind.value.typeKind.case === undefined ? typeOf(dynType) : typeOf(typeFrom(typeKind.value));
    case "typeParam":
      return paramType(typeKind.value);
    case "abstractType":
      return opaqueType(typeKind.value.name, ...typeKind.value.parameterTypes.map(typeFrom));
  }
  throw new Error(`a type of kind ${typeKind.case}`);
}

function valueFrom({ kind }: SpecValue): CelValue {
  switch (kind.case) {
    case "nullValue":
      return null;
    case "boolValue":
    case "stringValue":
      return kind.value;
    case "int64Value":
      return canonicalInt(kind.value);
    case "uint64Value":
      return new CelUint(kind.value);
    case "doubleValue":
      return new CelDouble(kind.value);
    case "bytesValue":
      return new CelBytes(kind.value);
    case "typeValue":
      return new CelTypeValue(kind.value);
    case "listValue":
      return new ValueList(kind.value.values.map(valueFrom));
    case "mapValue": {
      const map = new ValueMap();
      for (const { key, value } of kind.value.entries) map.set(valueFrom(key!), valueFrom(value!));
      return map;
    }
    default:
      throw new Error(`a value of kind ${kind.case}`);
  }
}

/** Equal and of the same type; NaN is what it is. */
function same(value: CelResult, wanted: CelValue): boolean {
  if (value instanceof CelError) return false;
  if (value instanceof CelDouble && wanted instanceof CelDouble)
    return Object.is(value.value, wanted.value) || value.value === wanted.value;
  return typeof value === typeof wanted && equal(value, wanted) === true;
}
