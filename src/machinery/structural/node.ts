/** A structural schema in memory: small nodes, identical subtrees shared, nothing kept that only documents. */
import type { JsonValue } from "#machinery/json/value.ts";

/** `object`, `array`, `string`, `integer`, `number` or `boolean`, or what an old definition says; empty where the schema names no type. */
export type SchemaType = string;

/** Value validations of one node; absent ones are undefined. Numbers are as the schema says them. */
export interface Checks {
  format?: string;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minimum?: number;
  exclusiveMinimum?: boolean;
  multipleOf?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  maxProperties?: number;
  minProperties?: number;
  required?: readonly string[];
  enum?: readonly JsonValue[];
  allOf?: readonly SchemaNode[];
  anyOf?: readonly SchemaNode[];
  oneOf?: readonly SchemaNode[];
  not?: SchemaNode;
}

/** One entry of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** Facts about a node and what is below it, so that walks skip what cannot concern them. */
export const flags = {
  nullable: 1,
  /** `x-kubernetes-preserve-unknown-fields` */
  preserve: 2,
  /** `x-kubernetes-embedded-resource` */
  embedded: 4,
  /** `x-kubernetes-int-or-string` */
  intOrString: 8,
  /** `x-kubernetes-map-type: atomic` */
  atomicMap: 16,
  /** Some node below has a default. */
  defaultsBelow: 32,
  /** This node or one below is an embedded resource. */
  embeddedBelow: 64,
  /** This node or one below is a list of type set or map. */
  listTypesBelow: 128,
  /** This node or one below has rules. */
  rulesBelow: 256,
  /** This node or one below says something that a value may break. */
  checksBelow: 512,
  /** Integers and strings are both of the right type, whatever `type` says. */
  eitherType: 1024,
  /** Expressions can see such values (upstream: SchemaDeclType answers a type). */
  exposed: 2048,
} as const;

export class SchemaNode {
  readonly type: SchemaType;
  readonly flags: number;
  /** Names of the properties, and their schemas at the same positions. */
  readonly names: readonly string[];
  readonly nodes: readonly SchemaNode[];
  readonly items: SchemaNode | undefined;
  /** `additionalProperties`: a schema, or a boolean. */
  readonly additional: SchemaNode | boolean | undefined;
  readonly default: JsonValue | undefined;
  readonly checks: Checks | undefined;
  readonly list: ListType | undefined;
  readonly rules: readonly Rule[] | undefined;
  /** No property is called as something that every object inherits, so plain access finds own fields only. */
  readonly hasPlainNames: boolean;
  #index: Map<string, SchemaNode> | undefined;

  constructor(parts: NodeParts) {
    this.type = parts.type;
    this.flags = parts.flags;
    this.names = parts.names;
    this.nodes = parts.nodes;
    this.items = parts.items;
    this.additional = parts.additional;
    this.default = parts.default;
    this.checks = parts.checks;
    this.list = parts.list;
    this.rules = parts.rules;
    this.hasPlainNames = !parts.names.some((name) => name in Object.prototype);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** The schema of a named property. */
  property(name: string): SchemaNode | undefined {
    const { names } = this;
    if (names.length <= scannedProperties) {
      for (let i = 0; i < names.length; i++) if (names[i] === name) return this.nodes[i];
      return undefined;
    }
    let index = this.#index;
    if (index === undefined) {
      index = new Map();
      for (let i = 0; i < names.length; i++) index.set(names[i]!, this.nodes[i]!);
      this.#index = index;
    }
    return index.get(name);
  }

  /** The schema of a key: of the property of that name, or of additional properties. */
  child(name: string): SchemaNode | undefined {
    return this.property(name) ?? (typeof this.additional === "object" ? this.additional : undefined);
  }
}

/** Up to so many properties are looked for one by one: comparing interned strings is cheaper than hashing, and costs no memory. */
const scannedProperties = 10;

export interface ListType {
  readonly type: "atomic" | "set" | "map";
  readonly keys: readonly string[];
}

export interface NodeParts {
  readonly type: SchemaType;
  readonly flags: number;
  readonly names: readonly string[];
  readonly nodes: readonly SchemaNode[];
  readonly items: SchemaNode | undefined;
  readonly additional: SchemaNode | boolean | undefined;
  readonly default: JsonValue | undefined;
  readonly checks: Checks | undefined;
  readonly list: ListType | undefined;
  readonly rules: readonly Rule[] | undefined;
}
