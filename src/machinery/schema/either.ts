/**
 * Types that read themselves: a struct, or something else in its place (k8s.io/apiextensions-apiserver
 * pkg/apis/apiextensions/v1/marshal.go). Their readers do not look for unknown fields, and drop them.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { Either, Field, ObjectSchema, Schema, TypeName } from "./types.ts";
import { type Walk, type Walker, wrongType } from "./walk.ts";

/** What is said of a value that may be a boolean or a struct, and is neither. */
export const notEitherText = "boolean or JSON schema expected";

const goNames = { bool: "Bool", list: "Array", texts: "StringArray" } as const;

/** The name that OpenAPI has for such a type. */
export const eitherName = ({ type, or }: Either): TypeName => `${type}Or${goNames[or]}`;

/** @param struct the walker of the struct */
export function eitherWalker(or: Either["or"], struct: Walker): Walker {
  const inner = (value: JsonValue, { depth }: Walk): JsonValue => struct(value, { unknown: false, depth });
  return (value, state) => {
    if (isJsonObject(value)) return inner(value, state);
    if (or === "bool") {
      if (typeof value !== "boolean") throw wrongType;
      return value;
    }
    if (!Array.isArray(value) || value.length === 0) return null;
    return or === "list" ? value.map((item) => inner(item, state)) : value.map(text);
  };
}

function text(value: JsonValue): string {
  if (value === null) return "";
  if (typeof value !== "string") throw wrongType;
  return value.toWellFormed();
}

/** The message that protobuf carries. */
export function eitherMessage({ type, or }: Either): ObjectSchema {
  const struct: Schema = { kind: "ref", ref: type };
  const field = (name: string, schema: Schema, proto: number, pointer = false): [string, Field] => [
    name,
    { name, schema, proto, pointer },
  ];
  const schema = (number: number): [string, Field] => field("schema", struct, number, true);
  switch (or) {
    case "bool":
      return { kind: "object", fields: new Map([field("other", { kind: "boolean" }, 1), schema(2)]) };
    case "list":
      return {
        kind: "object",
        fields: new Map([schema(1), field("other", { kind: "list", items: struct }, 2)]),
      };
    case "texts":
      return {
        kind: "object",
        fields: new Map([schema(1), field("other", { kind: "list", items: { kind: "string" } }, 2)]),
      };
  }
}

/** A value as {@link eitherMessage} has it. */
export function toEitherMessage(value: JsonValue | undefined, or: Either["or"]): JsonObject {
  if (isJsonObject(value)) return or === "bool" ? { other: true, schema: value } : { schema: value };
  return value === undefined || value === null ? {} : { other: value };
}

/** The value that a message tells. */
export function fromEitherMessage({ other, schema }: JsonObject, or: Either["or"]): JsonValue {
  if (or === "bool") return schema ?? other ?? false;
  return Array.isArray(other) && other.length > 0 ? other : (schema ?? null);
}
