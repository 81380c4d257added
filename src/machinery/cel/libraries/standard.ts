/** The standard library of CEL (cel-go's common/stdlib/standard.go). Operators that the evaluator knows have no code here. */
import {
  toBool,
  toBytes,
  toDouble,
  toDuration,
  toInt,
  toText,
  toTimestamp,
  toType,
  toUint,
} from "../conversions.ts";
import { declare, type FunctionDeclaration, type Implementation, type OverloadSpec } from "../functions.ts";
import { contains, negate, sizeOf } from "../operations.ts";
import { matches } from "../regex.ts";
import { CelError, noSuchOverload } from "../values.ts";

const identity: Implementation = (value) => value;

const orderedTypes = [
  "bool",
  "int64",
  "int64_double",
  "int64_uint64",
  "uint64",
  "uint64_double",
  "uint64_int64",
  "double",
  "double_int64",
  "double_uint64",
  "string",
  "bytes",
  "timestamp",
  "duration",
];

function comparison(name: string, prefix: string): FunctionDeclaration {
  const type = (id: string): string => id.replace("64", "");
  const specs = orderedTypes.map((id): OverloadSpec => {
    const [left, right = left] = id.split("_") as [string, string | undefined];
    return [`${prefix}_${id}`, `(${type(left)}, ${type(right!)}): bool`];
  });
  return declare(name, specs);
}

const not: Implementation = (value) => (typeof value === "boolean" ? !value : noSuchOverload);

const size: Implementation = (value) => sizeOf(value) ?? new CelError("no such overload: size");

const onStrings =
  (test: (text: string, other: string) => boolean): Implementation =>
  (text, other) =>
    typeof text === "string" && typeof other === "string" ? test(text, other) : noSuchOverload;

export const standardLibrary: readonly FunctionDeclaration[] = [
  declare("_?_:_", [["conditional", "(bool, A, A): A"]]),
  declare("_&&_", [["logical_and", "(bool, bool): bool"]]),
  declare("_||_", [["logical_or", "(bool, bool): bool"]]),
  declare("!_", [["logical_not", "(bool): bool"]], { singleton: not }),
  declare("@not_strictly_false", [["not_strictly_false", "(bool): bool"]]),
  declare("_==_", [["equals", "(A, A): bool"]]),
  declare("_!=_", [["not_equals", "(A, A): bool"]]),
  declare("_+_", [
    ["add_bytes", "(bytes, bytes): bytes"],
    ["add_double", "(double, double): double"],
    ["add_duration_duration", "(duration, duration): duration"],
    ["add_duration_timestamp", "(duration, timestamp): timestamp"],
    ["add_timestamp_duration", "(timestamp, duration): timestamp"],
    ["add_int64", "(int, int): int"],
    ["add_list", "(list(A), list(A)): list(A)"],
    ["add_string", "(string, string): string"],
    ["add_uint64", "(uint, uint): uint"],
  ]),
  declare("_/_", [
    ["divide_double", "(double, double): double"],
    ["divide_int64", "(int, int): int"],
    ["divide_uint64", "(uint, uint): uint"],
  ]),
  declare("_%_", [
    ["modulo_int64", "(int, int): int"],
    ["modulo_uint64", "(uint, uint): uint"],
  ]),
  declare("_*_", [
    ["multiply_double", "(double, double): double"],
    ["multiply_int64", "(int, int): int"],
    ["multiply_uint64", "(uint, uint): uint"],
  ]),
  declare(
    "-_",
    [
      ["negate_double", "(double): double"],
      ["negate_int64", "(int): int"],
    ],
    { singleton: negate },
  ),
  declare("_-_", [
    ["subtract_double", "(double, double): double"],
    ["subtract_duration_duration", "(duration, duration): duration"],
    ["subtract_int64", "(int, int): int"],
    ["subtract_timestamp_duration", "(timestamp, duration): timestamp"],
    ["subtract_timestamp_timestamp", "(timestamp, timestamp): duration"],
    ["subtract_uint64", "(uint, uint): uint"],
  ]),
  comparison("_<_", "less"),
  comparison("_<=_", "less_equals"),
  comparison("_>_", "greater"),
  comparison("_>=_", "greater_equals"),
  declare("_[_]", [
    ["index_list", "(list(A), int): A"],
    ["index_map", "(map(A, B), A): B"],
  ]),
  declare(
    "@in",
    [
      ["in_list", "(A, list(A)): bool"],
      ["in_map", "(A, map(A, B)): bool"],
    ],
    { singleton: (value, container) => contains(container, value) },
  ),
  declare(
    "size",
    [
      ["size_bytes", "(bytes): int"],
      ["bytes_size", "bytes.(): int"],
      ["size_list", "(list(A)): int"],
      ["list_size", "list(A).(): int"],
      ["size_map", "(map(A, B)): int"],
      ["map_size", "map(A, B).(): int"],
      ["size_string", "(string): int"],
      ["string_size", "string.(): int"],
    ],
    { singleton: size },
  ),
  declare("type", [["type", "(A): type(A)"]], { singleton: toType }),
  declare("bool", [
    ["bool_to_bool", "(bool): bool", identity],
    ["string_to_bool", "(string): bool", toBool],
  ]),
  declare("bytes", [
    ["bytes_to_bytes", "(bytes): bytes", identity],
    ["string_to_bytes", "(string): bytes", toBytes],
  ]),
  declare("double", [
    ["double_to_double", "(double): double", identity],
    ["int64_to_double", "(int): double", toDouble],
    ["string_to_double", "(string): double", toDouble],
    ["uint64_to_double", "(uint): double", toDouble],
  ]),
  declare("duration", [
    ["duration_to_duration", "(duration): duration", identity],
    ["int64_to_duration", "(int): duration", toDuration],
    ["string_to_duration", "(string): duration", toDuration],
  ]),
  declare("dyn", [["to_dyn", "(A): dyn"]], { singleton: identity }),
  declare("int", [
    ["int64_to_int64", "(int): int", identity],
    ["double_to_int64", "(double): int", toInt],
    ["duration_to_int64", "(duration): int", toInt],
    ["string_to_int64", "(string): int", toInt],
    ["timestamp_to_int64", "(timestamp): int", toInt],
    ["uint64_to_int64", "(uint): int", toInt],
  ]),
  declare("string", [
    ["string_to_string", "(string): string", identity],
    ["bool_to_string", "(bool): string", toText],
    ["bytes_to_string", "(bytes): string", toText],
    ["double_to_string", "(double): string", toText],
    ["duration_to_string", "(duration): string", toText],
    ["int64_to_string", "(int): string", toText],
    ["timestamp_to_string", "(timestamp): string", toText],
    ["uint64_to_string", "(uint): string", toText],
  ]),
  declare("timestamp", [
    ["timestamp_to_timestamp", "(timestamp): timestamp", identity],
    ["int64_to_timestamp", "(int): timestamp", toTimestamp],
    ["string_to_timestamp", "(string): timestamp", toTimestamp],
  ]),
  declare("uint", [
    ["uint64_to_uint64", "(uint): uint", identity],
    ["double_to_uint64", "(double): uint", toUint],
    ["int64_to_uint64", "(int): uint", toUint],
    ["string_to_uint64", "(string): uint", toUint],
  ]),
  declare(
    "contains",
    [["contains_string", "string.(string): bool", onStrings((text, other) => text.includes(other))]],
    { unguarded: true },
  ),
  declare(
    "endsWith",
    [["ends_with_string", "string.(string): bool", onStrings((text, other) => text.endsWith(other))]],
    { unguarded: true },
  ),
  declare(
    "startsWith",
    [["starts_with_string", "string.(string): bool", onStrings((text, other) => text.startsWith(other))]],
    { unguarded: true },
  ),
  declare(
    "matches",
    [
      ["matches", "(string, string): bool"],
      ["matches_string", "string.(string): bool"],
    ],
    { singleton: matches },
  ),
];
