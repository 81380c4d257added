/** The environment of expressions: the libraries of Kubernetes 1.36 (k8s.io/apiserver/pkg/cel/environment/base.go). */
import type { CheckerEnvironment } from "./checker-environment.ts";
import { type FunctionDeclaration, functionTable } from "./functions.ts";
import { listsLibrary } from "./libraries/lists.ts";
import { optionalsLibrary } from "./libraries/optionals.ts";
import { regexLibrary } from "./libraries/regex.ts";
import { standardLibrary } from "./libraries/standard.ts";
import { stringsLibrary } from "./libraries/strings.ts";
import { timesLibrary } from "./libraries/times.ts";
import {
  boolType,
  bytesType,
  type CelField,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  nullType,
  opaqueType,
  optionalTypeName,
  stringType,
  timestampType,
  typeType,
  uintType,
} from "./types.ts";

const baseFunctions: ReadonlyMap<string, FunctionDeclaration> = functionTable(
  standardLibrary,
  timesLibrary,
  regexLibrary,
  listsLibrary,
  optionalsLibrary,
  stringsLibrary,
);

/** Types that expressions may name. */
const baseTypes: ReadonlyMap<string, CelType> = new Map(
  [
    boolType,
    bytesType,
    doubleType,
    durationType,
    intType,
    listType(dynType),
    mapType(dynType, dynType),
    nullType,
    stringType,
    timestampType,
    typeType,
    uintType,
    opaqueType(optionalTypeName),
  ].map((type) => [type.name, type]),
);

/** What names mean to an expression with these variables. */
export function checkerEnvironment(variables: ReadonlyMap<string, CelType>): CheckerEnvironment {
  return {
    variables,
    functions: baseFunctions,
    types: baseTypes,
    structOf: () => undefined,
    fieldOf: (type, field): CelField | undefined | "unresolved" =>
      type.fields === undefined ? "unresolved" : type.fields.get(field),
  };
}
