/** The environment of expressions: the libraries of Kubernetes 1.36 (k8s.io/apiserver/pkg/cel/environment/base.go). */

import type { CheckerEnvironment } from "./checker-environment.ts";
import { fieldOf } from "./fields.ts";
import { type FunctionDeclaration, functionTable } from "./functions.ts";
import { authorizerLibrary } from "./libraries/authorizer.ts";
import { formatLibrary } from "./libraries/format.ts";
import { jsonPatchLibrary } from "./libraries/json-patch.ts";
import { listsLibrary } from "./libraries/lists.ts";
import { cidrType, ipType, netLibrary } from "./libraries/net.ts";
import { optionalsLibrary } from "./libraries/optionals.ts";
import { quantityLibrary } from "./libraries/quantity.ts";
import { regexLibrary } from "./libraries/regex.ts";
import { semverLibrary } from "./libraries/semver.ts";
import { standardLibrary } from "./libraries/standard.ts";
import { stringsLibrary } from "./libraries/strings.ts";
import { timesLibrary } from "./libraries/times.ts";
import { urlLibrary } from "./libraries/url.ts";
import { constructStruct, mutationField, mutationStruct } from "./structs.ts";
import {
  boolType,
  bytesType,
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
  urlLibrary,
  regexLibrary,
  listsLibrary,
  authorizerLibrary,
  optionalsLibrary,
  quantityLibrary,
  stringsLibrary,
  netLibrary,
  formatLibrary,
  semverLibrary,
);

const mutationFunctions: ReadonlyMap<string, FunctionDeclaration> = functionTable(
  Array.from(baseFunctions.values()),
  jsonPatchLibrary,
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
    ipType,
    cidrType,
  ].map((type) => [type.name, type]),
);

/** What names mean to an expression with these variables. */
export function checkerEnvironment(
  variables: ReadonlyMap<string, CelType>,
  options: { readonly mutation: boolean },
): CheckerEnvironment {
  const { mutation } = options;
  return {
    variables,
    functions: mutation ? mutationFunctions : baseFunctions,
    types: baseTypes,
    structOf: mutation ? mutationStruct : () => undefined,
    fieldOf: (type, field) => {
      if (type.fields === undefined) return "unresolved";
      return fieldOf(type, field) ?? (mutation ? mutationField(type, field) : undefined);
    },
    construct: mutation ? constructStruct : undefined,
  };
}
