/** Patches: from their bytes to an object of the endpoint's kind (apiserver endpoints/handlers/patch.go). */
import { quote } from "#base/quote.ts";
import { goPlain } from "#machinery/apply/go-text.ts";
import { badRequest, invalid } from "#machinery/errors/errors.ts";
import { fieldInvalid } from "#machinery/errors/field-error.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { parseJson, type ReadResult } from "#machinery/json/read.ts";
import { sortedCopy, sortedObject } from "#machinery/json/sorted.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { apiVersionOf, type KubeObject, parseApiVersion } from "#machinery/meta/object.ts";
import { applyJsonPatch } from "#machinery/patch/json-patch.ts";
import { jsonKind } from "#machinery/patch/json-patch-operations.ts";
import { jsonPatchProblems, undecodable } from "#machinery/patch/json-patch-strict.ts";
import { applyMergePatch } from "#machinery/patch/merge-patch.ts";
import { applyStrategicMergePatch } from "#machinery/patch/strategic-merge-patch.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import { DecodeError } from "#machinery/schema/walk.ts";
import { type Codecs, decodeTree, type ExpectedType, notAnObject, typeMetaErrors } from "./decode-body.ts";
import type { FieldValidation } from "./write-options.ts";

export type PatchKind = "json" | "merge" | "strategic";

export interface ReadPatch {
  readonly kind: PatchKind;
  /** What field validation says about the patch itself. */
  readonly problems: readonly string[];
  /** May be done several times. @throws StatusError 422 */
  apply(current: JsonObject): JsonValue;
  /** The patch as messages about what it makes show it; other kinds show what they make. */
  readonly shown?: JsonObject;
}

/** Reads a patch. @throws StatusError 400 for a malformed one */
export function readPatch(
  types: TypeResolver,
  expected: ExpectedType,
  kind: PatchKind,
  bytes: Buffer,
  fieldValidation: FieldValidation,
): ReadPatch {
  const looks = fieldValidation !== "Ignore";
  const { value, duplicates } = readBytes(kind, bytes, looks);
  if (kind === "json") {
    const problems = looks ? jsonPatchProblems(value, duplicates) : [];
    return { kind, problems, apply: (current) => applyJsonPatch(current, value) };
  }
  const problems = duplicates.map((path) => `duplicate field ${quote(path)}`);
  if (value === null && kind === "strategic") return { kind, problems, apply: (current) => current };
  // A list takes the place of everything, and is then found to be no object.
  if (kind === "merge" && !looks && Array.isArray(value)) return { kind, problems, apply: () => value };
  if (!isJsonObject(value)) throw notMap(kind, value, looks);
  if (kind === "merge") return { kind, problems, apply: (current) => applyMergePatch(current, value) };
  const schema = { kind: "ref", ref: expected.type } as const;
  return {
    kind,
    problems,
    apply: (current) => applyStrategicMergePatch(current, value, schema, types),
    shown: value,
  };
}

function readBytes(kind: PatchKind, bytes: Buffer, looks: boolean): ReadResult {
  try {
    return parseJson(bytes, { duplicates: looks });
  } catch (error) {
    if (!(error instanceof StatusError) || kind === "strategic") throw error;
    if (looks) throw badRequest(`error decoding patch: ${error.message}`);
    throw kind === "merge" ? badRequest(notMerge) : error;
  }
}

const notMerge = "Invalid JSON Patch";

function notMap(kind: PatchKind, value: JsonValue, looks: boolean): Error {
  if (kind === "merge" && (!looks || value === null)) return badRequest(notMerge);
  const told = undecodable(value, "value of type map[string]interface {}");
  return kind === "merge" ? told : badRequest(told.message.replace("error decoding patch: ", ""));
}

/**
 * What a patch makes must be an object of the kind; problems are the patch's (422 on field `patch`).
 * @throws StatusError 422; 400 when the version is gone
 */
export function patchedObject(
  codecs: Codecs,
  expected: ExpectedType,
  patch: ReadPatch,
  patched: JsonValue,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): KubeObject {
  try {
    if (!isJsonObject(patched)) throw new DecodeError(notAnObject(patched));
    const value = patch.kind === "strategic" ? patched : ofKind(expected, patched);
    const decoded = (content: JsonObject): KubeObject =>
      decodeTree(
        codecs,
        expected,
        { value: content, duplicates: [], problems: patch.problems },
        fieldValidation,
        warn,
      );
    try {
      return decoded(value);
    } catch (error) {
      if (!(error instanceof DecodeError) || patch.kind === "strategic") throw error;
      // Of several wrong values the first is told. Upstream writes what it has patched sorted: a merge patch all of it, a JSON patch
      // what it has looked into, which the outermost object always is.
      return decoded(sortedObject(value, patch.kind === "merge" ? sortedCopy : undefined));
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const shown = (patch.shown === undefined ? writeJson(patched) : goPlain(patch.shown)).slice(0, maxShown);
    throw invalid({ group: "", kind: "" }, "", [fieldInvalid("patch", shown, error.message)]);
  }
}

/** Characters of a patched object that a message shows. */
const maxShown = 4_096;

/** As ValidateTypeMeta of apiextensions-apiserver. */
function ofCustomKind(expected: ExpectedType, patched: JsonObject): JsonObject {
  const { apiVersion = "", kind = "", metadata } = patched;
  if (typeof kind !== "string" || kind === "")
    throw new DecodeError(`Object 'Kind' is missing in '${writeJson(patched).slice(0, 256)}'`);
  const errors = typeMetaErrors(expected, { apiVersion, kind });
  if (errors.length === 0) return patched;
  const group = typeof apiVersion === "string" ? (parseApiVersion(apiVersion)?.group ?? "") : "";
  const { name = "" } = isJsonObject(metadata) ? metadata : {};
  throw invalid({ group, kind }, String(name), errors);
}

/** A strategic merge patch cannot change apiVersion and kind; the others must not, but may take the kind away. */
function ofKind(expected: ExpectedType, patched: JsonObject): JsonObject {
  if (expected.compiled !== undefined) return ofCustomKind(expected, patched);
  const { apiVersion = null, kind = null } = patched;
  for (const [name, value] of Object.entries({ apiVersion, kind }))
    if (value !== null && typeof value !== "string") {
      const struct = `Go struct field .${name} of type string`;
      throw new DecodeError(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into ${struct}`,
      );
    }
  if (apiVersion === null || apiVersion === "")
    throw badRequest("the name of the object was undeterminable: apiVersion must be provided");
  const wanted = apiVersionOf(expected.group, expected.version);
  if (apiVersion === wanted && (kind === null || kind === "" || kind === expected.kind)) return patched;
  throw new DecodeError(
    `no kind ${quote(String(kind ?? ""))} is registered for version ${quote(String(apiVersion))} in scheme "pkg/runtime/scheme.go:111"`,
  );
}
