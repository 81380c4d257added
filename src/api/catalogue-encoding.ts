/**
 * The compact form of the generated files (docs/catalogue.md):
 * a type is `{"f": [[name, expression, protobuf number, flags, extras], ...]}` with trailing empty members left out.
 */
import type { JsonValue } from "#machinery/json/value.ts";
import type {
  Either,
  Field,
  ListSchema,
  ObjectSchema,
  ScalarFormat,
  ScalarKind,
  Schema,
  TypeName,
} from "#machinery/schema/types.ts";

export interface PackageData {
  readonly types: Readonly<Record<string, TypeData>>;
  readonly enums?: Readonly<Record<string, readonly string[]>>;
}

export interface TypeData {
  readonly f: readonly FieldRow[];
  readonly atomic?: boolean;
  readonly unions?: readonly unknown[];
}

/** Flags: `p` pointer, `o` omitempty, `z` omitzero, `r` required, `i` inline. */
type FieldRow = readonly [name: string, expression: string, proto?: number, flags?: string, extras?: Extras];

interface Extras {
  readonly default?: JsonValue;
  readonly list?: "atomic" | "set" | "map";
  readonly keys?: readonly string[];
  readonly atomic?: boolean;
  readonly strategy?: string;
  readonly mergeKey?: string;
  /** The documents state the zero value as the default of a field that Go omits when empty. */
  readonly zero?: boolean;
}

/** What a type needs of its neighbours. */
export interface Neighbours {
  /** The schema of an embedded struct. */
  type(name: TypeName): Schema;
  enumOf(name: string): readonly string[] | undefined;
}

const scalars: Readonly<Record<string, readonly [ScalarKind, ScalarFormat?]>> = {
  string: ["string"],
  boolean: ["boolean"],
  int32: ["integer", "int32"],
  int64: ["integer", "int64"],
  uint32: ["integer", "uint32"],
  uint64: ["integer", "uint64"],
  double: ["number", "double"],
  float: ["number", "float"],
  byte: ["string", "byte"],
  time: ["string", "time"],
  "micro-time": ["string", "micro-time"],
  duration: ["string", "duration"],
  quantity: ["string", "quantity"],
  "int-or-string": ["string", "int-or-string"],
};

/** Turns one generated type into its node. Embedded structs are listed twice: as an `inline` entry and by their fields. */
export function readType(name: TypeName, data: TypeData, neighbours: Neighbours): ObjectSchema {
  const pkg = name.slice(0, name.lastIndexOf("."));
  const fields = new Map<string, Field>();
  const embedded: Field[] = [];
  for (const row of data.f) {
    const field = readField(row, pkg, neighbours);
    fields.set(field.name, field);
    if (field.inline !== true || field.schema.kind !== "ref") continue;
    const struct = neighbours.type(field.schema.ref);
    if (struct.kind !== "object")
      throw new Error(`catalogue: ${name} embeds ${field.schema.ref}, which is no struct`);
    for (const inner of struct.fields.values()) {
      if (inner.inline === true) continue;
      const { proto: _, ...json } = inner;
      embedded.push(json);
    }
  }
  // Go's rule for embedding: the outer field wins.
  for (const field of embedded) if (!fields.has(field.name)) fields.set(field.name, field);
  return { kind: "object", fields, ...(data.atomic === true && { atomic: true }) };
}

function readField(row: FieldRow, pkg: string, neighbours: Neighbours): Field {
  const [name, expression, proto, flags = "", extras = {}] = row;
  const inner = readExpression(expression, pkg, neighbours);
  const schema = {
    ...inner,
    ...(extras.default !== undefined && { default: extras.default }),
    ...(inner.kind === "list" && extras.list !== undefined && { listType: extras.list }),
    ...(inner.kind === "list" && extras.keys !== undefined && { listMapKeys: extras.keys }),
    ...(inner.kind === "map" && extras.atomic === true && { atomic: true }),
    ...(inner.kind === "ref" && extras.atomic !== undefined && { atomic: extras.atomic }),
  } as Schema;
  return {
    name,
    schema,
    ...(proto !== undefined && proto !== 0 && { proto }),
    ...(flags.includes("r") && { required: true }),
    ...(flags.includes("o") && { omitEmpty: true }),
    ...(flags.includes("z") && { omitZero: true }),
    ...(flags.includes("p") && { pointer: true }),
    ...(flags.includes("i") && { inline: true }),
    ...(extras.strategy !== undefined && { patchStrategy: extras.strategy.split(",") }),
    ...(extras.mergeKey !== undefined && { patchMergeKey: extras.mergeKey }),
    ...(extras.zero === true && { zeroDefault: true }),
  };
}

/**
 * `[Go name]items`, `*[Go name]items`, `{Go name}values`, `#type`, `#type|bool` (or `list`, `texts`), `@enum`, `string=Go name`, or a
 * scalar's word.
 */
function readExpression(expression: string, pkg: string, neighbours: Neighbours): Schema {
  const first = expression[0];
  if (first === "[" || first === "*") {
    const start = first === "*" ? 2 : 1;
    const end = expression.indexOf("]");
    const goType = expression.slice(start, end);
    const list: ListSchema = {
      kind: "list",
      items: readExpression(expression.slice(end + 1), pkg, neighbours),
      ...(first === "*" && { wrapped: true }),
      ...(goType !== "" && { goType }),
    };
    return list;
  }
  if (first === "{") {
    const end = expression.indexOf("}");
    const goType = expression.slice(1, end);
    const values = readExpression(expression.slice(end + 1), pkg, neighbours);
    return { kind: "map", values, ...(goType !== "" && { goType }) };
  }
  if (first === "#") {
    const [type = "", or] = expression.slice(1).split("|");
    const ref = qualified(type, pkg);
    return or === undefined
      ? { kind: "ref", ref }
      : { kind: "any", either: { type: ref, or: or as Either["or"] } };
  }
  if (first === "@") {
    const name = qualified(expression.slice(1), pkg);
    const values = neighbours.enumOf(name);
    if (values === undefined) throw new Error(`catalogue: no enum ${name}`);
    return { kind: "string", enum: values, goType: name.split(".").slice(-2).join(".") };
  }
  if (expression.startsWith("string=")) return { kind: "string", goType: expression.slice("string=".length) };
  switch (expression) {
    case "any":
      return { kind: "any" };
    case "raw-extension":
    case "json":
    case "fields-v1":
      return { kind: "any", format: expression };
  }
  const scalar = Object.hasOwn(scalars, expression) ? scalars[expression] : undefined;
  if (scalar === undefined) throw new Error(`catalogue: unknown expression ${JSON.stringify(expression)}`);
  const [kind, format] = scalar;
  return { kind, ...(format !== undefined && { format }) };
}

const qualified = (name: string, pkg: string): string => (name.includes(".") ? name : `${pkg}.${name}`);
