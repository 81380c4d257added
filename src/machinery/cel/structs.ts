/**
 * Objects that expressions of mutating policies make: `Object{spec: Object.spec{replicas: 1}}` and `JSONPatch{op: "remove", ...}`
 * (k8s.io/apiserver/pkg/cel/mutation).
 */
import { quote } from "#base/quote.ts";
import { goTypeName } from "./display.ts";
import { equal } from "./operations.ts";
import { type CelField, type CelType, dynType, opaqueType, stringType, structType } from "./types.ts";
import { CelError, CelList, CelMap, type CelResult, type CelValue, noSuchOverload } from "./values.ts";

/** Makes an object of a type from its fields. */
export type StructConstructor = (typeName: string, fields: ReadonlyMap<string, CelValue>) => CelResult;

const objectName = "Object";
const patchName = "JSONPatch";

const field = (property: string, type: CelType): [string, CelField] => [
  property,
  { type, property, required: false },
];

export const jsonPatchType: CelType = structType(
  patchName,
  new Map([
    field("op", stringType),
    field("path", stringType),
    field("from", stringType),
    field("value", dynType),
  ]),
);

/** Upstream knows any field of patches; those that there are not have no type. */
export const isPatchWithout = (type: CelType, name: string): boolean =>
  type.name === patchName && type.kind === "struct" && type.fields?.has(name) !== true;
/** Fits no type but dyn. */
export const noType: CelType = opaqueType("");

/** Fields of `Object` types: any name, of any type. */
const anyFields: ReadonlyMap<string, CelField> = new Map();
const isObjectName = (name: string): boolean => name === objectName || name.startsWith(`${objectName}.`);

/** The type that the policy's expressions for apply configurations give. */
export const objectType: CelType = structType(objectName, anyFields);

/** The object type of a name, of what mutating policies may construct. */
export function mutationStruct(name: string): CelType | undefined {
  if (name === patchName) return jsonPatchType;
  return isObjectName(name) ? structType(name, anyFields) : undefined;
}

/** Any field of `Object` types. */
export function mutationField(type: CelType, name: string): CelField | undefined {
  return isObjectName(type.name) && type.fields === anyFields
    ? { type: dynType, property: name, required: false }
    : undefined;
}

/** An object that an expression made. */
export class StructValue extends CelMap {
  readonly fields: ReadonlyMap<string, CelValue>;
  readonly #typeName: string;

  constructor(typeName: string, fields: ReadonlyMap<string, CelValue>) {
    super();
    this.#typeName = typeName;
    this.fields = fields;
  }

  override get typeName(): string {
    return this.#typeName;
  }

  override get size(): number {
    return this.fields.size;
  }

  override find(key: CelValue): CelResult | undefined {
    return typeof key === "string" ? this.fields.get(key) : noSuchOverload;
  }

  override keys(): Iterable<CelValue> {
    return this.fields.keys();
  }

  override equals(other: CelValue): boolean | CelError {
    if (!(other instanceof StructValue)) return false;
    if (this.typeName !== other.typeName || this.size !== other.size) return false;
    for (const [name, value] of this.fields) {
      const theirs = other.fields.get(name);
      if (theirs === undefined || equal(value, theirs) !== true) return false;
    }
    return true;
  }
}

export function constructStruct(typeName: string, fields: ReadonlyMap<string, CelValue>): CelResult {
  if (typeName === patchName) {
    for (const name of ["op", "path", "from"]) {
      const value = fields.get(name);
      if (value !== undefined && typeof value !== "string")
        return new CelError(`unexpected type ${goTypeName(value)} for JSONPatchType '${name}' field`);
    }
    const unknown = [...fields.keys()].find((name) => isPatchWithout(jsonPatchType, name));
    if (unknown !== undefined) return new CelError(`unexpected JSONPatchType field: ${unknown}`);
  }
  return new StructValue(typeName, fields);
}

/** Types of objects that are not named after the fields they are in; upstream refuses such results. */
export function structNameErrors(value: CelResult, path: readonly string[] = [objectName]): string[] {
  if (value instanceof CelList) {
    return Array.from({ length: value.size }, (_, index) => structNameErrors(value.get(index), path)).flat();
  }
  if (!(value instanceof CelMap)) return [];
  if (!(value instanceof StructValue))
    return Array.from(value.keys(), (key) => structNameErrors(value.find(key) ?? null, path)).flat();
  const expected = path.join(".");
  const errors =
    value.typeName === expected
      ? []
      : [
          `unexpected type name ${quote(value.typeName)}, expected ${quote(expected)}, which matches field name path from root Object type`,
        ];
  for (const [name, part] of value.fields) errors.push(...structNameErrors(part, [...path, name]));
  return errors;
}

/** The type of the variable that holds the values of other expressions, which are computed when they are asked for. */
export const lazyObjectType = (name: string, fields: ReadonlyMap<string, CelType>): CelType =>
  structType(name, new Map(Array.from(fields, ([property, type]) => field(property, type))));

/** An object whose fields are computed once, when an expression reads them. */
export class LazyObject extends CelMap {
  readonly #fields: ReadonlyMap<string, () => CelResult>;
  readonly #values = new Map<string, CelResult>();

  constructor(fields: ReadonlyMap<string, () => CelResult>) {
    super();
    this.#fields = fields;
  }

  override get size(): number {
    return this.#fields.size;
  }

  override keys(): Iterable<CelValue> {
    return this.#fields.keys();
  }

  override find(key: CelValue): CelResult | undefined {
    if (typeof key !== "string") return noSuchOverload;
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = this.#fields.get(key)?.();
    if (value !== undefined) this.#values.set(key, value);
    return value;
  }
}
