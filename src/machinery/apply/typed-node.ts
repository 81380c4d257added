/**
 * How apply sees a schema: which of scalar, list and map a value may be, and how lists and maps merge (structured-merge-diff
 * schema.Atom, as kube-openapi's schemaconv makes it of the published OpenAPI).
 */
import type { JsonValue } from "#machinery/json/value.ts";
import { publishedZero } from "#machinery/schema/scalars.ts";
import {
  deref,
  type Field,
  type ListSchema,
  type ObjectSchema,
  type RefSchema,
  type ScalarSchema,
  type Schema,
  type TypeName,
  type TypeResolver,
} from "#machinery/schema/types.ts";
import { fieldElement, type PathElement } from "./path-element.ts";
import type { LevelHint } from "./shared-level.ts";

export type ScalarAtom = "numeric" | "string" | "boolean" | "untyped";

export interface ListAtom {
  readonly atomic: boolean;
  /** Of associative lists; none: a set. */
  readonly keys: readonly string[];
  readonly items: TypedNode;
}

export interface FieldAtom {
  readonly element: PathElement;
  readonly type: TypedNode;
  /** What an absent key of a list item counts as; undefined: nothing. */
  readonly default: JsonValue | undefined;
}

export interface MapAtom {
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, FieldAtom>;
  /** Type of members that are no fields; undefined: there are none. */
  readonly element: TypedNode | undefined;
  /** A map of which nothing is known: its granularity never changes. */
  readonly free: boolean;
  readonly hint: LevelHint;
}

/** Bits: which kinds of values an atom allows. */
export const scalarKind = 1;
export const listKind = 2;
export const mapKind = 4;

/** Parts are made on first use, so recursive types are no matter. */
export class TypedNode {
  readonly scalar: ScalarAtom | undefined;
  readonly #makeList: (() => ListAtom) | undefined;
  readonly #makeMap: (() => MapAtom) | undefined;
  #list: ListAtom | undefined;
  #map: MapAtom | undefined;
  /** Which of {@link scalarKind}, {@link listKind}, {@link mapKind} are allowed. */
  readonly kinds: number;

  constructor(scalar: ScalarAtom | undefined, list?: () => ListAtom, map?: () => MapAtom) {
    this.scalar = scalar;
    this.#makeList = list;
    this.#makeMap = map;
    this.kinds =
      (scalar === undefined ? 0 : scalarKind) |
      (list === undefined ? 0 : listKind) |
      (map === undefined ? 0 : mapKind);
  }

  get list(): ListAtom | undefined {
    this.#list ??= this.#makeList?.();
    return this.#list;
  }

  get map(): MapAtom | undefined {
    this.#map ??= this.#makeMap?.();
    return this.#map;
  }
}

const noFields: ReadonlyMap<string, FieldAtom> = new Map();

/** Any value, replaced as a whole. */
const untyped: TypedNode = new TypedNode(
  "untyped",
  () => ({ atomic: true, keys: [], items: untyped }),
  () => ({ atomic: true, fields: noFields, element: untyped, free: true, hint: { slot: 0 } }),
);

/** Any value; maps merge, lists are replaced. What kinds without a schema have. */
export const deducedType: TypedNode = new TypedNode(
  "untyped",
  () => ({ atomic: true, keys: [], items: untyped }),
  () => ({ atomic: false, fields: noFields, element: deducedType, free: true, hint: { slot: 0 } }),
);

const scalars: Readonly<Record<ScalarAtom, TypedNode>> = {
  numeric: new TypedNode("numeric"),
  string: new TypedNode("string"),
  boolean: new TypedNode("boolean"),
  untyped: new TypedNode("untyped"),
};

/** Nodes of one catalogue, kept by type; nodes of other schemas live as long as their schema. */
export class TypedSchemas {
  readonly #types: TypeResolver;
  readonly #named = new Map<string, TypedNode>();
  readonly #made = new WeakMap<Schema, TypedNode>();

  constructor(types: TypeResolver) {
    this.#types = types;
  }

  named(name: TypeName): TypedNode {
    return this.#ref({ kind: "ref", ref: name });
  }

  node(schema: Schema): TypedNode {
    if (schema.kind === "ref") return this.#ref(schema);
    let node = this.#made.get(schema);
    if (node === undefined) {
      node = this.#make(schema);
      this.#made.set(schema, node);
    }
    return node;
  }

  #ref(ref: RefSchema): TypedNode {
    const { atomic } = ref;
    const key = atomic === undefined ? ref.ref : `${ref.ref} ${atomic}`;
    let node = this.#named.get(key);
    if (node === undefined) {
      const target = deref(ref, this.#types);
      node =
        target.kind === "object" && atomic !== undefined
          ? this.#object({ ...target, atomic })
          : this.node(target);
      this.#named.set(key, node);
    }
    return node;
  }

  #make(schema: Exclude<Schema, RefSchema>): TypedNode {
    switch (schema.kind) {
      case "object":
        return this.#object(schema);
      case "map":
        return new TypedNode(undefined, undefined, () => {
          const element = this.node(schema.values);
          const free = element === deducedType;
          return { atomic: schema.atomic === true, fields: noFields, element, free, hint: { slot: 0 } };
        });
      case "list":
        return this.#list(schema, undefined);
      case "any":
        if (schema.format === "raw-extension") return untyped;
        if (schema.format === "fields-v1") return new TypedNode(undefined, undefined, () => deducedType.map!);
        if (schema.object === undefined) return deducedType;
        return new TypedNode(
          "untyped",
          () => deducedType.list!,
          () => this.#object(schema.object!).map!,
        );
      default:
        return scalarNode(schema);
    }
  }

  #list(schema: ListSchema, field: Field | undefined): TypedNode {
    return new TypedNode(undefined, () => ({
      ...listRelation(schema, field),
      items: this.node(schema.items),
    }));
  }

  #object(schema: ObjectSchema): TypedNode {
    return new TypedNode(undefined, undefined, () => {
      const fields = new Map<string, FieldAtom>();
      for (const field of schema.fields.values()) {
        if (field.inline === true) continue;
        const type = field.schema.kind === "list" ? this.#list(field.schema, field) : this.node(field.schema);
        fields.set(field.name, { element: fieldElement(field.name), type, default: keyDefault(field) });
      }
      const element =
        schema.rest === undefined ? (fields.size === 0 ? deducedType : undefined) : this.node(schema.rest);
      return {
        atomic: schema.atomic === true,
        fields,
        element,
        free: fields.size === 0 && element === deducedType,
        hint: { slot: 0 },
      };
    });
  }
}

/** An explicit list type, else what strategic merge patch says of the field. */
function listRelation(schema: ListSchema, field: Field | undefined): Omit<ListAtom, "items"> {
  switch (schema.listType) {
    case "atomic":
      return { atomic: true, keys: [] };
    case "set":
      return { atomic: false, keys: [] };
    case "map":
      return { atomic: false, keys: schema.listMapKeys ?? [] };
    default:
  }
  if (field?.patchStrategy?.includes("merge") !== true) return { atomic: true, keys: [] };
  return { atomic: false, keys: field.patchMergeKey === undefined ? [] : [field.patchMergeKey] };
}

/** The default that the published documents state: the field's own, else Go's zero value where it is always written. */
function keyDefault({ schema, pointer, omitEmpty, zeroDefault }: Field): JsonValue | undefined {
  if (schema.default !== undefined) return schema.default;
  if (pointer === true || (omitEmpty === true && zeroDefault !== true)) return undefined;
  return publishedZero(schema);
}

function scalarNode(schema: ScalarSchema): TypedNode {
  switch (schema.kind) {
    case "integer":
    case "number":
      return scalars.numeric;
    case "boolean":
      return scalars.boolean;
    default:
  }
  switch (schema.format) {
    case undefined:
    case "byte":
    case "duration":
      return scalars.string;
    case "int-or-string":
      // Published without a type: anything goes.
      return deducedType;
    default:
      return scalars.untyped;
  }
}
