/** Optional values (cel-go's cel/library.go, optionals of the newest version), and what two-variable macros call. */
import { AccumulatedMap } from "../accumulated-map.ts";
import { display } from "../display.ts";
import { declare, type FunctionDeclaration } from "../functions.ts";
import {
  CelBytes,
  CelDouble,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelOptional,
  type CelResult,
  CelTimestamp,
  CelUint,
  type CelValue,
  noSuchOverload,
  optionalNone,
  ValueList,
} from "../values.ts";

const none = new CelError("optional.none() dereference");

/** Empty, zero, false or null. */
function isZeroValue(value: CelValue): boolean {
  if (value === null || value === false || value === 0 || value === "") return true;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelDouble) return value.value === 0;
  if (value instanceof CelBytes) return value.value.length === 0;
  if (value instanceof CelDuration) return value.nanos === 0n;
  if (value instanceof CelTimestamp) return value.seconds === -62_135_596_800 && value.nanos === 0;
  // Views on data of a schema do not know whether they are zero (as upstream's).
  if (value instanceof CelList || value instanceof CelMap) return value.raw === value && value.size === 0;
  return false;
}

function containedValue(optional: CelValue): CelResult {
  if (!(optional instanceof CelOptional)) return noSuchOverload;
  return optional.value === undefined ? none : optional.value;
}

function at(list: CelValue, index: (size: number) => number): CelResult {
  if (!(list instanceof CelList)) return noSuchOverload;
  if (list.size === 0) return optionalNone;
  const value = list.get(index(list.size));
  return value instanceof CelError ? value : new CelOptional(value);
}

function unwrap(list: CelValue): CelResult {
  if (!(list instanceof CelList)) return noSuchOverload;
  const values: CelResult[] = [];
  for (let index = 0; index < list.size; index++) {
    const value = list.get(index);
    if (!(value instanceof CelOptional)) return new CelError(`value ${display(value)} is not optional`);
    if (value.value !== undefined) values.push(value.value);
  }
  return new ValueList(values);
}

function insertAll(target: CelValue, entries: CelValue): CelResult {
  if (!(target instanceof AccumulatedMap) || !(entries instanceof CelMap)) return noSuchOverload;
  for (const key of entries.keys()) {
    const failed = target.insert(key, entries.find(key)!);
    if (failed instanceof CelError) return failed;
  }
  return target;
}

export const optionalsLibrary: readonly FunctionDeclaration[] = [
  declare("optional.of", [["optional_of", "(V): optional(V)", (value) => new CelOptional(value)]]),
  declare("optional.ofNonZeroValue", [
    [
      "optional_ofNonZeroValue",
      "(V): optional(V)",
      (value) => (isZeroValue(value) ? optionalNone : new CelOptional(value)),
    ],
  ]),
  declare("optional.none", [["optional_none", "(): optional(V)", () => optionalNone]]),
  declare("value", [["optional_value", "optional(V).(): V", containedValue]]),
  declare("hasValue", [
    ["optional_hasValue", "optional(V).(): bool", (value) => (value as CelOptional).value !== undefined],
  ]),
  declare("or", [["optional_or_optional", "optional(V).(optional(V)): optional(V)"]]),
  declare("orValue", [["optional_orValue_value", "optional(V).(V): V"]]),
  declare("_?._", [["select_optional_field", "(dyn, string): optional(V)"]]),
  declare("_[?_]", [
    ["list_optindex_optional_int", "(list(V), int): optional(V)"],
    ["optional_list_optindex_optional_int", "(optional(list(V)), int): optional(V)"],
    ["map_optindex_optional_value", "(map(K, V), K): optional(V)"],
    ["optional_map_optindex_optional_value", "(optional(map(K, V)), K): optional(V)"],
  ]),
  declare("_[_]", [
    ["optional_list_index_int", "(optional(list(V)), int): optional(V)"],
    ["optional_map_index_value", "(optional(map(K, V)), K): optional(V)"],
  ]),
  declare("last", [["list_last", "list(V).(): optional(V)", (list) => at(list, (size) => size - 1)]]),
  declare("first", [["list_first", "list(V).(): optional(V)", (list) => at(list, () => 0)]]),
  declare("optional.unwrap", [["optional_unwrap", "(list(optional(V))): list(V)", unwrap]]),
  declare("unwrapOpt", [["optional_unwrapOpt", "list(optional(V)).(): list(V)", unwrap]]),
  declare("cel.@mapInsert", [
    [
      "@mapInsert_map_key_value",
      "(map(K, V), K, V): map(K, V)",
      (map, key, value) => (map instanceof AccumulatedMap ? map.insert(key, value) : noSuchOverload),
    ],
    ["@mapInsert_map_map", "(map(K, V), map(K, V)): map(K, V)", insertAll],
  ]),
];
