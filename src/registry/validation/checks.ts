/** Small rules that many kinds share (apimachinery pkg/util/validation, k8s.io/kubernetes pkg/apis/core/validation). */
import { isIP } from "node:net";
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { isRawNumber } from "#machinery/json/value.ts";
import { patternError } from "#machinery/names/dns.ts";
import { type Members, textAt, valueAt } from "../strategies/members.ts";

/** What is wrong, one after the other, in upstream's order. */
export type Errors = Iterable<FieldError>;

/** Largest value of a Go int32. */
export const maxInt32 = 2_147_483_647;

/** The number at a path; undefined when there is none. */
export function numberAt(of: unknown, ...path: readonly string[]): number | undefined {
  const value = valueAt(of, ...path);
  if (value === undefined) return undefined;
  return Number(isRawNumber(value) ? value.rawJSON : value);
}

export const has = (of: unknown, field: string): boolean => valueAt(of, field) !== undefined;

export const invalids = (path: FieldPath, value: unknown, messages: readonly string[]): FieldError[] =>
  messages.map((message) => fieldInvalid(path, value, message));

/** Fields that are there and negative. */
export function* nonNegative(of: unknown, path: FieldPath, ...fields: readonly string[]): Errors {
  for (const field of fields) {
    const value = numberAt(of, field) ?? 0;
    if (value < 0) yield fieldInvalid(path.child(field), value, "must be greater than or equal to 0");
  }
}

export const inclusiveRange = (low: number, high: number): string =>
  `must be between ${low} and ${high}, inclusive`;

/** One of some words; `required`: none is an error, too. */
export function* oneOf(
  value: string,
  path: FieldPath,
  supported: readonly string[],
  required = false,
): Errors {
  if (value === "" && required) yield fieldRequired(path);
  else if (value !== "" && !supported.includes(value)) yield fieldNotSupported(path, value, supported);
}

/** The same of a field that may be absent: an empty text is no word. */
export function* optionalWord(
  of: unknown,
  field: string,
  path: FieldPath,
  supported: readonly string[],
): Errors {
  const value = valueAt(of, field);
  if (value !== undefined && !supported.includes(String(value)))
    yield fieldNotSupported(path.child(field), value, supported);
}

/** Fields without which a struct means nothing. */
export function* requiredTexts(of: Members, path: FieldPath, ...fields: readonly string[]): Errors {
  for (const field of fields) if (textAt(of, field) === "") yield fieldRequired(path.child(field));
}

export const portNumberErrors = (port: number): string[] =>
  port >= 1 && port <= 65_535 ? [] : [inclusiveRange(1, 65_535)];

export function portNameErrors(name: string): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(name) > 15) errors.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(name))
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) errors.push("must contain at least one letter (a-z)");
  if (name.includes("--")) errors.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

/** An IntOrString that is a port; none is 0. */
export function portErrors(port: unknown, path: FieldPath): FieldError[] {
  const value = port ?? 0;
  if (typeof value === "string") return invalids(path, value, portNameErrors(value));
  return invalids(path, value, portNumberErrors(Number(value)));
}

export const protocols = ["SCTP", "TCP", "UDP"] as const;

export function* noBacksteps(target: string, path: FieldPath): Errors {
  if (target.split("/").includes("..")) yield fieldInvalid(path, target, "must not contain '..'");
}

export function* relativePath(target: string, path: FieldPath): Errors {
  if (target.startsWith("/")) yield fieldInvalid(path, target, "must be a relative path");
  yield* noBacksteps(target, path);
}

export function* nonReservedPath(target: string, path: FieldPath): Errors {
  yield* relativePath(target, path);
  if (target.startsWith("..") && !target.startsWith("../"))
    yield fieldInvalid(path, target, "must not start with '..'");
}

/** Longer texts are no addresses. */
const maxAddressLength = 64;

/** 4, 6 or 0 as isIP, but leading zeros are decimal, as Go once read them. */
export function ipFamily(text: string): number {
  if (text.length > maxAddressLength || text.includes("%")) return 0;
  return isIP(text.includes(":") ? text : text.replace(/\b0+(?=\d)/g, ""));
}

const configKey = /^[-._a-zA-Z0-9]+$/;

/** Keys of ConfigMaps and Secrets. */
export function configKeyErrors(key: string): string[] {
  const errors = Buffer.byteLength(key) > 253 ? ["must be no more than 253 characters"] : [];
  if (!configKey.test(key)) {
    const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(patternError(message, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"));
  }
  if (key === ".") errors.push("must not be '.'");
  else if (key === "..") errors.push("must not be '..'");
  else if (key.startsWith("..")) errors.push("must not start with '..'");
  return errors;
}
