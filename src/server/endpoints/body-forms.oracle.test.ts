/** Bodies in YAML and protobuf, whole and broken, compared with upstream's serializers: `decode` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { readYaml, writeYaml } from "#machinery/codecs/yaml.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { readJson } from "#machinery/json/read.ts";
import { sortedCopy } from "#machinery/json/sorted.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { apiVersionOf, type KubeObject } from "#machinery/meta/object.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { type Oracle, OracleError } from "#machinery/testing/oracle.ts";
import { pick, randomOf, randomValue } from "../testing/random-objects.ts";
import { decodeObject, type ExpectedType } from "./decode-body.ts";
import { catalogue, codecs, comparable, differInNoSchemas, upstreamKinds } from "./testing/upstream-kinds.ts";
import { decoderTexts } from "./testing/wrong-values.ts";

const upstream = likeUpstream();
const protobuf = "application/vnd.kubernetes.protobuf";

interface Case {
  readonly kind: ExpectedType;
  readonly type: "application/yaml" | typeof protobuf;
  readonly body: Buffer;
  /** Bytes were changed. */
  readonly broken: boolean;
}

function objectOf(kind: ExpectedType, random: () => number, wrongness: number): JsonObject {
  const value = randomValue({ kind: "ref", ref: kind.type }, catalogue, random, wrongness);
  const parts = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const head = { apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind };
  return readJson(JSON.stringify({ ...head, ...parts, ...head })) as JsonObject;
}

const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });

const yamlBodies = seeds.map((seed): Case => {
  const random = randomOf(seed);
  const kind = pick(random, upstreamKinds);
  const lines = writeYaml(objectOf(kind, random, pick(random, [30, 100, 1e9]))).split("\n");
  const roll = random();
  const at = Math.floor(random() * lines.length);
  if (roll < 0.15) lines.splice(at, 0, `${/^[ -]*/.exec(lines[at]!)![0].replaceAll("-", " ")}unknown: 1`);
  const broken = roll > 0.85;
  if (broken) lines[at] = pick(random, ["\t", "a: [", "}", "- x", ": :", "&a", "*b", '"', "a: b: c"]);
  return { kind, type: "application/yaml", body: Buffer.from(lines.join("\n")), broken };
});

const protobufBodies = seeds.map((seed): Case => {
  const random = randomOf(seed);
  const kind = pick(random, upstreamKinds);
  const { value } = codecs.compiler.compile(kind.type).decode(whole(kind, random));
  const body = encodeObjectProtobuf(codecs.protobuf, kind.type, {
    ...value,
    apiVersion: apiVersionOf(kind.group, kind.version),
    kind: kind.kind,
  } as unknown as KubeObject);
  const broken = random() < 0.6;
  return { kind, type: protobuf, body: broken ? spoiled(body, random) : body, broken };
});

/** An object that can be decoded: some random strings are no times, quantities and the like. */
function whole(kind: ExpectedType, random: () => number): JsonObject {
  for (let i = 0; i < 20; i++) {
    const object = objectOf(kind, random, 1e9);
    try {
      codecs.compiler.compile(kind.type).decode(object);
      return object;
    } catch {
      // Another one.
    }
  }
  return { metadata: { name: "a" } };
}

function spoiled(body: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(body);
  const at = Math.floor(random() * copy.length);
  const roll = random();
  if (roll < 0.2) return copy.subarray(0, at);
  if (roll < 0.4)
    return Buffer.concat([
      copy.subarray(0, at),
      Buffer.from([Math.floor(random() * 256)]),
      copy.subarray(at),
    ]);
  for (let i = 1 + Math.floor(random() * 2); i > 0; i--)
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return copy;
}

type Told =
  | { readonly strict: readonly string[] }
  | { readonly wrong: string }
  | { readonly object: JsonValue };

function ours({ kind, type, body }: Case): Told {
  const warnings: string[] = [];
  try {
    const object = decodeObject(codecs, kind, body, type, "Warn", (text) => warnings.push(text));
    if (warnings.length > 0) return { strict: warnings.sort() };
    return { object: comparable(withoutDefaults(kind, type, body, object), kind.type) };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return {
      wrong: error.message
        .replace(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: `, "")
        .replace(unrecognized, "$1"),
    };
  }
}

/** What an endpoint puts around a decoder's complaint, the beginning of the body in hexadecimal among it. */
const unrecognized =
  /^the object provided is unrecognized \(must be of type \w+\): (.*) \((?:[0-9a-f]+|<empty>)(?: \.\.\.)?\)$/s;

/** The oracle applies no defaults. */
function withoutDefaults(
  kind: ExpectedType,
  type: Case["type"],
  body: Buffer,
  object: KubeObject,
): JsonObject {
  const bare = { ...codecs, compiler: { compile: () => undefaulted(kind) } } as unknown as typeof codecs;
  const decoded = decodeObject(bare, kind, body, type, "Ignore", () => undefined);
  // A wish of the endpoint's.
  if (decoded.metadata.managedFields?.length === 0) delete decoded.metadata.managedFields;
  return { ...(decoded as unknown as JsonObject), apiVersion: object.apiVersion!, kind: object.kind! };
}

const undefaulted = (kind: ExpectedType) => {
  const compiled = codecs.compiler.compile(kind.type);
  return { decode: (value: JsonValue) => compiled.decode(value), applyDefaults: () => undefined };
};

async function theirs(oracle: Oracle, { kind, type, body }: Case): Promise<Told> {
  const asked = oracle.ask("decode", {
    apiVersion: apiVersionOf(kind.group, kind.version),
    kind: kind.kind,
    base64: body.toString("base64"),
    mediaType: type,
  });
  // Text that is no JSON inside of a message is found when it is to be written.
  const written = asked.catch((error: unknown) => {
    if (error instanceof OracleError && !error.message.startsWith("oracle: "))
      return { strict: [], fault: { text: error.message } };
    throw error;
  });
  const told = (await written) as unknown as {
    strict: string[];
    fault?: { text: string };
    object?: JsonObject;
  };
  if (told.fault !== undefined) return { wrong: told.fault.text };
  return told.strict.length > 0
    ? { strict: told.strict.sort() }
    : { object: comparable(told.object!, kind.type) };
}

/** An endpoint of upstream says the same, after decoding. */
const isOther = (told: Told): boolean =>
  "wrong" in told && /the (API version|kind) in the data/.test(told.wrong);
/** Bytes that are no UTF-8 become one character each, or one for several (docs/differences.md). */
const replaced = (told: unknown): string =>
  JSON.stringify(sortedCopy(told as JsonValue)).replace(/\ufffd+/g, "\ufffd");

/** What is wrong with a message, without the names of its parts in Go, and of who finds it. */
const nameless = (told: unknown): unknown => {
  const { wrong } = told as { wrong?: string };
  return (
    wrong
      ?.replace(/ for field .*$/, "")
      .replace(/^proto: \w+: /, "")
      // Numbers beyond 2^53 and bytes that are no UTF-8 are told otherwise.
      .replace(/(?<=illegal tag ).*$/, "")
      .replace(/(?<=^|: )invalid character '.*' /, "invalid character ")
      .replace(/^json: error calling MarshalJSON for type [^ ]+: /, "")
  );
};

/** Which parser refuses a broken document, and in what words, is its own matter (docs/differences.md). */
const isBrokenYaml = (told: Told): boolean => "wrong" in told && told.wrong.startsWith("yaml: ");
/** A tab on a line of its own is no indentation here. */
const refusesTab = ({ body, broken }: Case, told: Told): boolean =>
  broken &&
  /^\t$/m.test(body.toString()) &&
  "wrong" in told &&
  /found (?:a tab character|character that cannot start)/.test(told.wrong);
/** Duplicates are told otherwise. */
const tellsDuplicate = (told: Told): boolean => JSON.stringify(told).includes("already set in map");
/** Messages show the beginning of a long value. */
const showsBeginning = (own: Told, told: Told): boolean =>
  "wrong" in own && "wrong" in told && shortened(own.wrong) === shortened(told.wrong);
const shortened = (text: string): string => text.replace(/(x{50})[x.]+/g, "$1");
/** Of several wrong values the first: keys that are numbers come in another order. */
const tellsAnother = ({ kind, body }: Case, own: Told, told: Told): boolean =>
  "wrong" in own &&
  !isBrokenYaml(own) &&
  "wrong" in told &&
  decoderTexts(kind, readYaml(body, { duplicates: false }).value).some((text) => told.wrong.endsWith(text));
const isWrong = (told: unknown): boolean => Object.hasOwn(told as object, "wrong");

upstream.compare<Case>("YAML bodies", {
  cases: [],
  generate: yamlBodies,
  runs: 1_000,
  ours,
  theirs,
  known: (input, own, told) =>
    (isBrokenYaml(own as Told) && isBrokenYaml(told as Told)) ||
    refusesTab(input, told as Told) ||
    (input.broken && (isBrokenYaml(own as Told) || tellsDuplicate(told as Told))) ||
    showsBeginning(own as Told, told as Told) ||
    differInNoSchemas(own as Told, told as Told) ||
    tellsAnother(input, own as Told, told as Told),
});

upstream.compare<Case>("protobuf bodies", {
  cases: [],
  generate: protobufBodies,
  runs: 1_000,
  ours,
  theirs,
  known: ({ broken }, own, told) =>
    broken &&
    (isOther(own as Told) ||
      isDeepStrictEqual(nameless(own), nameless(told)) ||
      // JSON inside of the message is read by upstream when it is written again, and behind the rest.
      (/^invalid character/.test((own as { wrong?: string }).wrong ?? "") && isWrong(told)) ||
      // Its decoder lets the key of a map run on behind its entry (docs/differences.md).
      ((own as { wrong?: string }).wrong === "unexpected EOF" && Object.hasOwn(told as Told, "object")) ||
      isDeepStrictEqual(replaced(own), replaced(told))),
});
