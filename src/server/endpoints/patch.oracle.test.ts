/** Patches with field validation, from their bytes to an object or an answer: `patch.serve` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { readJson } from "#machinery/json/read.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { isPanic, likeUpstream } from "#machinery/testing/like-upstream.ts";
import { pick, randomOf, randomValue } from "../testing/random-objects.ts";
import type { ExpectedType } from "./decode-body.ts";
import { type PatchKind, patchedObject, readPatch } from "./patch.ts";
import { handMadePatches } from "./testing/patch-cases.ts";
import { catalogue, codecs, comparable, differInNoSchemas, upstreamKinds } from "./testing/upstream-kinds.ts";
import { converterTexts, decoderTexts, runOver } from "./testing/wrong-values.ts";
import type { FieldValidation } from "./write-options.ts";

const upstream = likeUpstream();

interface Case {
  readonly kind: ExpectedType;
  readonly patchType: PatchKind;
  readonly original: JsonObject;
  readonly patch: string;
  readonly validation: FieldValidation;
}

const validations: readonly FieldValidation[] = ["Strict", "Strict", "Warn", "Ignore"];

const isPlain = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a body of the kind might hold, without its head. */
function partsOf(kind: ExpectedType, random: () => number, wrongness: number): JsonObject {
  const value = randomValue({ kind: "ref", ref: kind.type }, catalogue, random, wrongness);
  const { apiVersion: _version, kind: _kind, ...parts } = (isPlain(value) ? value : {}) as JsonObject;
  return readJson(JSON.stringify(parts)) as JsonObject;
}

/** An object as it is stored. */
function originalOf(kind: ExpectedType, random: () => number): JsonObject {
  const { metadata, ...parts } = partsOf(kind, random, 1e9);
  const compiled = codecs.compiler.compile(kind.type);
  const head = { apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind };
  try {
    return compiled.decode({ ...head, metadata: metadata ?? {}, ...parts }).value;
  } catch {
    return { ...head, metadata: { name: "a" } };
  }
}

/** Something unknown, something twice, or something broken. */
function spoiled(text: string, random: () => number): string {
  const roll = random();
  if (roll > 0.6) return text;
  if (roll < 0.05)
    return text.slice(0, random() * text.length) + pick(random, ["", "x", "}", ",", '"', "1e"]);
  const keys = [...text.matchAll(/[{,]"[a-zA-Z]+":/g)];
  const place = keys[Math.floor(random() * keys.length)];
  if (place === undefined) return text;
  const at = place.index + 1;
  const unknown = pick(random, ["unknown", "Op", "values", "é"]);
  const extra = roll < 0.3 ? `"${unknown}":{"a":1,"a":2},` : `${place[0].slice(1)}null,`;
  return text.slice(0, at) + extra + text.slice(at);
}

function operationOf(original: JsonObject, parts: JsonObject, random: () => number): JsonValue {
  const fields = Object.keys({ ...original, ...parts, data: 1 }).filter(
    (name) => !/^(apiVersion|kind)$/.test(name),
  );
  const name = pick(random, fields);
  const operation: JsonObject = {
    op: pick(random, ["add", "add", "replace", "remove", "test", "copy", "move"]),
    path: `/${name}`,
  };
  if (random() < 0.9) operation.value = parts[name] ?? pick(random, [null, 1, "a", {}, []]);
  if (/copy|move/.test(String(operation.op)) || random() < 0.1) operation.from = `/${pick(random, fields)}`;
  if (random() < 0.02) return pick<JsonValue>(random, [1, "a", null, [], true]);
  if (random() < 0.04)
    operation[pick(random, ["op", "path", "from"])] = pick<JsonValue>(random, [1, null, [], {}, true]);
  return operation;
}

const patchTypes: readonly PatchKind[] = ["json", "merge", "strategic"];

const generateOf = (patchType: PatchKind): fc.Arbitrary<Case> =>
  fc.integer({ min: 0, max: 0x7fff_ffff }).map((seed) => {
    const random = randomOf(seed);
    const kind = pick(random, upstreamKinds);
    const original = originalOf(kind, random);
    const parts = partsOf(kind, random, pick(random, [30, 200, 1e9]));
    const patch: JsonValue =
      random() < 0.02
        ? pick<JsonValue>(random, [null, 1, "a", [], {}, true])
        : patchType === "json"
          ? Array.from({ length: 1 + Math.floor(random() * 3) }, () => operationOf(original, parts, random))
          : parts;
    const validation = pick(random, validations);
    return { kind, patchType, original, patch: spoiled(JSON.stringify(patch), random), validation };
  });

const configMap: ExpectedType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  type: "io.k8s.api.core.v1.ConfigMap",
};
const hand = (patchType: PatchKind, patches: readonly string[]): Case[] =>
  patches.flatMap((patch) =>
    (["Strict", "Warn", "Ignore"] as const).map((validation) => ({
      kind: configMap,
      patchType,
      original: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { k: "v" } },
      patch,
      validation,
    })),
  );

type Told =
  | { readonly object: JsonValue; readonly warnings: readonly string[] }
  | { readonly code: number; readonly text: string };

/** The object as it is shown differs in the order of fields, and managed fields. */
const bare = (text: string): string =>
  text
    .replace(/^(?:patch: )?Invalid value: "(?:[^"\\]|\\.)*": /s, "")
    .replaceAll("main.jsonPatchOp", "handlers.jsonPatchOp");

/** Strict errors in an order of their own: duplicates come first here (docs/differences.md). */
const ordered = (text: string): string =>
  text.replace(
    /(strict decoding error: )(.*)$/s,
    (_all, start: string, list: string) =>
      start +
      list
        .split(/, (?=unknown field|duplicate field|json patch )/)
        .sort()
        .join(", "),
  );

/** What was done wrong with the object; a JSON patch that cannot be done has a message of its own. */
const causeOf = (status: {
  message?: string;
  details?: { causes?: readonly { message: string }[] };
}): string =>
  /^the server rejected/.test(status.message ?? "")
    ? status.message!
    : (status.details?.causes?.[0]?.message ?? status.message ?? "");

/** @param amend changes the patched object before it is looked at */
function ours(
  { kind, patchType, original, patch, validation }: Case,
  amend = (patched: JsonValue): JsonValue => patched,
): Told {
  const warnings: string[] = [];
  try {
    const read = readPatch(catalogue, kind, patchType, Buffer.from(patch), validation);
    const patched = (): JsonValue => amend(read.apply(original));
    const object = patchedObject(codecs, kind, read, patched(), validation, (text) => warnings.push(text));
    // The oracle applies no defaults.
    const { value } = codecs.compiler.compile(kind.type).decode(patched() as JsonObject);
    return {
      object: comparable({ ...value, apiVersion: object.apiVersion, kind: object.kind }, kind.type),
      warnings: warnings.sort(),
    };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { code: error.code, text: ordered(bare(causeOf(error.status as never))) };
  }
}

/** What the patch makes of the object, wrong values and all; undefined where it does not apply. */
function patchedOf({ kind, patchType, original, patch, validation }: Case): JsonValue | undefined {
  try {
    return readPatch(catalogue, kind, patchType, Buffer.from(patch), validation).apply(original);
  } catch (error) {
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}

/** Upstream tells another one of several wrong values, in the same words (docs/differences.md). */
function tellsAnother(input: Case, own: Told, theirs: Told): boolean {
  const patched = patchedOf(input);
  return (
    patched !== undefined &&
    "code" in theirs &&
    theirs.code === 422 &&
    ("code" in own ? own.code === 422 : false) &&
    decoderTexts(input.kind, patched).includes(theirs.text)
  );
}

/** Upstream tells one of the wrong values in the words of its converter to Go types (docs/differences.md). */
const tellsConverted = (kind: ExpectedType, patched: JsonValue, own: Told, theirs: Told): boolean =>
  "code" in own &&
  own.code === 422 &&
  "code" in theirs &&
  theirs.code === 422 &&
  converterTexts(kind, patched).has(theirs.text);

/** Upstream's converter lets integers run over, and goes on (docs/differences.md). */
function runsOver(input: Case, theirs: Told): boolean {
  const patched = patchedOf(input);
  if (patched === undefined) return false;
  const left = runOver(input.kind, patched);
  const own = ours(input, () => left);
  return isDeepStrictEqual(own, theirs) || tellsConverted(input.kind, left, own, theirs);
}

/** Doubled keys in a value that stays as it was given are told of the patched object, too. */
const onceOnly = (told: Told): unknown => {
  const isTwice = (text: string): boolean => /^duplicate field/.test(text);
  if (!("code" in told)) return { ...told, warnings: told.warnings.filter((text) => !isTwice(text)) };
  const [start, list] = told.text.split("strict decoding error: ");
  const kept = list?.split(", ").filter((text) => !isTwice(text));
  return { ...told, text: [start, kept?.join(", ")].join("|") };
};
/** What its library does not expect is a 500 there, and a 422 here, or done (docs/differences.md). */
const isUnexpected = (own: Told, theirs: Told): boolean =>
  "code" in theirs &&
  theirs.code === undefined &&
  unexpected.test(theirs.text) &&
  (!("code" in own) || own.code === 422);
const unexpected = new RegExp(
  [
    "^map: map\\[.*\\] does not contain declared merge key: ",
    "^list element types are not identical: ",
    "^merging an object in json but data type is not struct, instead is: map$",
    "^expected slice or array type, but got: struct$",
  ].join("|"),
  "s",
);

/** Its paths of unknown fields leave the keys of maps out. */
function leavesKeysOut(own: Told, theirs: Told): boolean {
  const fields = (told: Told): string[] =>
    "code" in told ? told.text.split(/(?=unknown field |duplicate field )/) : [...told.warnings];
  const [here, there] = [fields(own), fields(theirs)];
  if ("code" in own !== "code" in theirs || here.length !== there.length) return false;
  return here.every((text, index) => text === there[index] || isWithoutKeys(text, there[index]!));
}
/** Whether a text about an unknown field is another one, but for parts of its path. */
function isWithoutKeys(text: string, other: string): boolean {
  const parts = (of: string): string[] => of.split(".");
  const left = parts(other);
  if (!text.startsWith("unknown field ")) return false;
  for (const part of parts(text)) if (left[0] === part) left.shift();
  return left.length === 0;
}

/** A null of the patch itself is not the null of a test without a value, upstream. */
const testsNothing = ({ patch }: Case, theirs: Told): boolean =>
  /"op":"test"/.test(patch) && /null/.test(patch) && "code" in theirs && /^the server/.test(theirs.text);

/** Upstream takes a null that was copied for an empty object. */
const testsCopied = ({ patch }: Case, own: Told): boolean =>
  /"op":"copy"/.test(patch) &&
  /"op":"test"/.test(patch) &&
  /null/.test(patch) &&
  "code" in own &&
  /^the server rejected/.test(own.text);

/** Of a key that stands twice the last value counts; upstream looks at the types of all. */
const hasOtherType = ({ patch }: Case, own: Told, theirs: Told): boolean =>
  !("code" in own) &&
  own.warnings.some((text) => /^json patch duplicate field/.test(text)) &&
  /"a":1,"a":2/.test(patch) &&
  "code" in theirs &&
  /^json: cannot unmarshal object into Go struct field /.test(theirs.text);

/** Upstream tells the Go name of a map's keys where they have one. */
const namesKeys = (own: Told, theirs: Told): boolean =>
  "code" in own &&
  "code" in theirs &&
  own.text === theirs.text.replace(/ of type map\[[A-Za-z0-9.]+\]/, " of type map[string]");

/** Messages show the beginning of a long value (docs/differences.md). */
const showsBeginning = (own: Told, theirs: Told): boolean =>
  "code" in own &&
  "code" in theirs &&
  own.code === theirs.code &&
  own.text.replace(longText, "$1") === theirs.text.replace(longText, "$1");
const longText = /(x{50})[x.]+/g;

const tellsTwice = ({ patch }: Case, own: Told, theirs: Told): boolean =>
  /"a":1,"a":2|null,|"a":"1","a":"2"/.test(patch) && isDeepStrictEqual(onceOnly(own), onceOnly(theirs));

/** What docs/differences.md gives the reason for. */
const known: Readonly<Record<PatchKind, (input: Case, own: Told, theirs: Told) => boolean>> = {
  json: (input, own, theirs) =>
    tellsTwice(input, own, theirs) ||
    testsNothing(input, theirs) ||
    testsCopied(input, own) ||
    hasOtherType(input, own, theirs) ||
    showsBeginning(own, theirs) ||
    tellsAnother(input, own, theirs),
  merge: (input, own, theirs) =>
    namesKeys(own, theirs) ||
    differInNoSchemas(own, theirs) ||
    tellsAnother(input, own, theirs) ||
    showsBeginning(own, theirs),
  strategic: (input, own, theirs) =>
    leavesKeysOut(own, theirs) ||
    showsBeginning(own, theirs) ||
    isUnexpected(own, theirs) ||
    tellsConverted(input.kind, patchedOf(input) ?? null, own, theirs) ||
    runsOver(input, theirs),
};

for (const patchType of patchTypes) {
  upstream.compare<Case>(`${patchType} patches under field validation`, {
    cases: hand(patchType, handMadePatches[patchType]),
    generate: generateOf(patchType),
    runs: 1_000,
    ours: (input) => ours(input),
    known: (input, own, told) => known[patchType](input, own as Told, told as Told),
    theirs: async (oracle, { kind, patchType: type, original, patch, validation }) => {
      const asked = oracle.ask("patch.serve", {
        apiVersion: apiVersionOf(kind.group, kind.version),
        kind: kind.kind,
        patchType: type,
        original,
        patch,
        validation,
      });
      const told = (await asked.catch((error: unknown) => {
        if (isPanic(error)) return { warnings: [], fault: { text: "panic" } };
        throw error;
      })) as unknown as {
        object?: JsonObject;
        warnings: string[];
        fault?: { text: string; status?: { code: number; message: string } };
      };
      const { fault } = told;
      const head = { apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind };
      // A server knows the kind by the Go type.
      if (fault === undefined)
        return {
          object: comparable({ ...told.object!, ...head }, kind.type),
          warnings: told.warnings.sort(),
        };
      return {
        code: fault.status?.code,
        text: ordered(bare(fault.status === undefined ? fault.text : causeOf(fault.status))),
      };
    },
  });
}
