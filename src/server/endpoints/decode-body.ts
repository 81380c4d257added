/** Request bodies: bytes to a normalised, defaulted object of the endpoint's kind (apiserver endpoints/handlers). */
import { quote } from "#base/quote.ts";
import { decodeEnvelope } from "#machinery/codecs/envelope.ts";
import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { badRequest, invalid, unsupportedMediaType } from "#machinery/errors/errors.ts";
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { parseJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { apiVersionOf, type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import type { CompiledType, TypeCompiler } from "#machinery/schema/decode.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import type { YamlBodies } from "#server/yaml/yaml-bodies.ts";
import { bareType } from "./media-types.ts";
import type { FieldValidation } from "./write-options.ts";

/** The kind that an endpoint takes. */
export interface ExpectedType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Of the catalogue; unused when `compiled` is there. */
  readonly type: TypeName;
  /** Of a kind that a workspace defines. */
  readonly compiled?: CompiledType | undefined;
}

export interface Codecs {
  readonly protobuf: ProtobufCodec;
  readonly compiler: TypeCompiler;
  /** Large documents must have been prepared. */
  readonly yaml: Pick<YamlBodies, "read">;
}

/** Media types of request bodies that carry objects. */
const acceptedBodies = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

interface RawBody {
  readonly value: JsonObject;
  readonly duplicates: readonly string[];
  /** Strict errors that were found before. */
  readonly problems?: readonly string[];
}

/**
 * Decodes an object of the expected kind. A missing kind or apiVersion is filled in, but for kinds that workspaces define.
 * @throws StatusError 400 (broken body, other kind, strict field validation), 415, 422 (another custom kind)
 */
export function decodeObject(
  codecs: Codecs,
  expected: ExpectedType,
  bytes: Buffer,
  contentType: string | undefined,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): KubeObject {
  const raw = readBody(codecs, expected, bytes, contentType, fieldValidation !== "Ignore");
  if (expected.compiled === undefined) checkKind(expected, raw.value);
  else checkCustomKind(expected, raw.value, bytes);
  return normalise(codecs, expected, raw, fieldValidation, warn);
}

/** The last steps for a value that is already JSON. @throws StatusError 400 */
function normalise(
  codecs: Codecs,
  expected: ExpectedType,
  raw: RawBody,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): KubeObject {
  try {
    return decodeTree(codecs, expected, raw, fieldValidation, warn);
  } catch (error) {
    if (error instanceof DecodeError)
      throw badRequest(`${cannotHandle(expected, expected)}: ${error.message}`);
    throw error;
  }
}

/** What a mutation of an object of the kind has made. @throws DecodeError */
export const decodeMutated = (
  codecs: Codecs,
  expected: ExpectedType,
  value: JsonObject,
  strict: boolean,
): KubeObject =>
  decodeTree(
    codecs,
    expected,
    { value, duplicates: [] },
    strict ? "Strict" : "Ignore",
    () => undefined,
    true,
  );

/** {@link normalise} for callers with words of their own: patch results. @throws DecodeError */
export function decodeTree(
  codecs: Codecs,
  expected: ExpectedType,
  raw: RawBody,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
  isMutated = false,
): KubeObject {
  const compiled = expected.compiled ?? codecs.compiler.compile(expected.type);
  const decoded = (isMutated ? compiled.decodeMerged?.(raw.value) : undefined) ?? compiled.decode(raw.value);
  const problems = [
    ...(raw.problems ?? []),
    ...duplicatesToTell(expected, compiled, raw, decoded.unknownFields),
    ...decoded.unknownFields,
  ];
  if (problems.length > 0 && fieldValidation === "Strict") {
    throw new DecodeError(`strict decoding error: ${problems.join(", ")}`);
  }
  if (fieldValidation === "Warn") for (const problem of problems) warn(problem);
  compiled.applyDefaults(decoded.value);
  const object = decoded.value as unknown as KubeObject;
  object.apiVersion = apiVersionOf(expected.group, expected.version);
  object.kind = expected.kind;
  object.metadata ??= {};
  // An empty list asks to forget who owns what; decoding cannot tell it from none.
  if (resetsManaged(raw.value)) object.metadata.managedFields = [];
  return object;
}

/** Inside of what its Go type does not know, or what reads itself, the decoder of a built-in kind does not look for duplicates. */
function duplicatesToTell(
  expected: ExpectedType,
  compiled: CompiledType,
  raw: RawBody,
  unknownFields: readonly string[],
): string[] {
  const told = (path: string): string => `duplicate field ${quote(path)}`;
  if (expected.compiled !== undefined || raw.duplicates.length === 0) return raw.duplicates.map(told);
  const unknown = new Set(unknownFields);
  const opaque = compiled.opaquePaths?.(raw.value);
  const isUnknown = (path: string): boolean => {
    for (
      let end = path.length;
      end > 0;
      end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))
    ) {
      const part = path.slice(0, end);
      if (unknown.has(`unknown field ${quote(part)}`)) return true;
      if (end < path.length && opaque?.has(part) === true) return true;
    }
    return false;
  };
  return raw.duplicates.filter((path) => !isUnknown(path)).map(told);
}

function resetsManaged({ metadata }: JsonObject): boolean {
  if (!isJsonObject(metadata)) return false;
  const { managedFields } = metadata;
  return Array.isArray(managedFields) && managedFields.length === 0;
}

/** An options body (DeleteOptions and the like); undefined when there is no body. @throws StatusError 400, 415 */
export function decodeOptions(
  codecs: Codecs,
  expected: ExpectedType,
  bytes: Buffer,
  contentType: string | undefined,
): JsonObject | undefined {
  if (bytes.length === 0) return undefined;
  const { value } = readBody(codecs, expected, bytes, contentType, false);
  checkOptionsKind(expected, value);
  try {
    return codecs.compiler.compile(expected.type).decode(value).value;
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

/** Options may be those of any group, but options they are. @throws StatusError 400 */
function checkOptionsKind(expected: ExpectedType, { apiVersion = "", kind = "" }: JsonObject): void {
  for (const [field, given] of Object.entries({ apiVersion, kind }))
    if (typeof given !== "string" && given !== null)
      throw badRequest(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeName(given)} into Go struct field .${field} of type string`,
      );
  const given = String(apiVersion ?? "");
  if (given.split("/").length > 2) throw badRequest(`unexpected GroupVersion string: ${given}`);
  if (kind === "" || kind === null || kind === expected.kind) return;
  const version = given === "" || given === "/" ? "meta.k8s.io/v1" : given;
  throw badRequest(
    `no kind ${quote(String(kind))} is registered for version ${quote(version)} in scheme "pkg/runtime/scheme.go:111"`,
  );
}

function readBody(
  codecs: Codecs,
  expected: ExpectedType,
  bytes: Buffer,
  contentType: string | undefined,
  duplicates: boolean,
): RawBody {
  const type = bareType(contentType);
  switch (type) {
    case "":
    case "application/json": {
      const read = ofBuiltin(expected, bytes, "couldn't get version/kind; json parse error: ", () =>
        parseJson(bytes, { duplicates }),
      );
      return { value: requireObject(read.value, expected, bytes), duplicates: read.duplicates };
    }
    case "application/yaml": {
      const read = ofBuiltin(expected, bytes, "", () => codecs.yaml.read(bytes, { duplicates }));
      return { value: requireObject(read.value, expected, bytes), duplicates: read.duplicates };
    }
    case "application/vnd.kubernetes.protobuf": {
      // Kinds that workspaces define have no such form.
      if (expected.compiled !== undefined) throw unsupportedMediaType(acceptedBodies.slice(0, 2));
      const envelope = decodeEnvelope(bytes);
      const typeMeta = { apiVersion: envelope.apiVersion, kind: envelope.kind };
      // Clients send the DeleteOptions of the group whose objects they delete (apiserver endpoints/handlers/delete.go).
      checkKind(expected, isOptions(expected) ? { kind: envelope.kind } : typeMeta);
      return {
        value: { ...codecs.protobuf.decode(expected.type, envelope.raw), ...typeMeta },
        duplicates: [],
      };
    }
    default:
      throw unsupportedMediaType(acceptedBodies);
  }
}

function requireObject(value: JsonValue, expected: ExpectedType, bytes: Buffer): JsonObject {
  if (isJsonObject(value)) return value;
  if (value === null && isOptions(expected)) return {};
  if (expected.compiled !== undefined)
    throw badRequest(`${notAnObject(value)} (expected a ${expected.kind})`);
  throw badRequest(unrecognized(expected, bytes, notAnObject(value)));
}

/** What cannot be read as an object of a built-in kind is told with the kind and the beginning of the body. */
function ofBuiltin<T>(expected: ExpectedType, bytes: Buffer, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const refused = expected.compiled === undefined && error instanceof StatusError && error.code === 400;
    throw refused ? badRequest(unrecognized(expected, bytes, `${what}${error.message}`)) : error;
  }
}

/** apiserver pkg/endpoints/handlers/rest.go transformDecodeError; of options only the reason is told. */
function unrecognized({ kind }: ExpectedType, bytes: Buffer, why: string): string {
  if (isOptions({ kind })) return why;
  return `the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`;
}

/** What upstream says of a value that is no object when it looks for the kind. */
export const notAnObject = (value: JsonValue): string =>
  `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeName(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;

const isOptions = ({ kind }: Pick<ExpectedType, "kind">): boolean => kind === "DeleteOptions";

function checkKind(expected: ExpectedType, value: JsonObject): void {
  const { apiVersion = "", kind = "" } = value;
  const wanted = apiVersionOf(expected.group, expected.version);
  if (apiVersion !== "" && apiVersion !== wanted) throw otherVersion(expected, apiVersion);
  if (kind !== "" && kind !== expected.kind) {
    const given = { version: parseApiVersion(wanted)?.version ?? "", kind: String(kind) };
    throw badRequest(
      `${cannotHandle(given, expected)}: the kind in the data does not match the kind of the endpoint`,
    );
  }
}

const otherVersion = ({ group, version }: ExpectedType, given: JsonValue): StatusError =>
  badRequest(
    `the API version in the data (${String(given)}) does not match the expected API version (${apiVersionOf(group, version)})`,
  );

/** Custom objects say what they are (apiextensions-apiserver pkg/registry/customresource/validator.go ValidateTypeMeta). */
function checkCustomKind(expected: ExpectedType, value: JsonObject, bytes: Buffer): void {
  const { apiVersion = "", kind = "" } = value;
  if (kind === "" || typeof kind !== "string") {
    const missing = `Object 'Kind' is missing in '${textStart(bytes, maxShownBody)}'`;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${missing} (${summary(bytes)})`,
    );
  }
  if (apiVersion !== apiVersionOf(expected.group, expected.version)) throw otherVersion(expected, apiVersion);
  const errors = typeMetaErrors(expected, value);
  if (errors.length === 0) return;
  const { name } = isJsonObject(value.metadata) ? value.metadata : {};
  throw invalid({ group: expected.group, kind }, typeof name === "string" ? name : "", errors);
}

/** What is wrong with kind and apiVersion of a custom object. */
export function typeMetaErrors(
  { group, version, kind }: ExpectedType,
  given: { readonly kind?: JsonValue; readonly apiVersion?: JsonValue },
): FieldError[] {
  const apiVersion = apiVersionOf(group, version);
  return [
    ...(given.kind === kind ? [] : [fieldInvalid("kind", given.kind, `must be ${kind}`)]),
    ...(given.apiVersion === apiVersion
      ? []
      : [fieldInvalid("apiVersion", given.apiVersion, `must be ${apiVersion}`)]),
  ];
}

/** Bytes of a body that an error shows. */
const maxShownBody = 256;
const maxSummary = 30;

const textStart = (bytes: Buffer, max: number): string => bytes.subarray(0, max).toString("utf8");

/** As apiserver's pkg/endpoints/handlers/rest.go summarizeData: JSON objects as text, others in hexadecimal. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return "<empty>";
  const shown = bytes.subarray(0, maxSummary);
  const more = bytes.length > maxSummary ? " ..." : "";
  return `${bytes[0] === 0x7b ? shown.toString("utf8") : shown.toString("hex")}${more}`;
}

const cannotHandle = (given: { version: string; kind: string }, expected: ExpectedType): string =>
  `${given.kind} in version ${JSON.stringify(given.version)} cannot be handled as a ${expected.kind}`;

/** As encoding/json names the type of a value. */
export const jsonTypeName = (value: JsonValue): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "object"
        ? "number"
        : typeof value === "boolean"
          ? "bool"
          : typeof value;
