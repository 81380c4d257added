/**
 * JSON in, as Go's decoders would take it: int64 survives, broken UTF-8 and lone surrogates become U+FFFD, duplicate keys are
 * told when asked for, nesting is bounded. One cheap pass over the bytes decides whether plain JSON.parse already does all that;
 * nearly always it does.
 */
import { bufferOf } from "#base/buffer-of.ts";
import { maxJsonDepth, maxOwnJsonDepth, maxRawDigits } from "#machinery/json/limits.ts";
import { parseKeys } from "#machinery/json/parse-keys.ts";
import { explainSyntaxError, findDuplicateKeys } from "#machinery/json/scan.ts";
import { JsonSyntaxError } from "#machinery/json/syntax-error.ts";
import { type JsonValue, rawNumber } from "#machinery/json/value.ts";

export interface ReadOptions {
  /** Report duplicate keys (field validation Warn and Strict). The last one wins in any case. */
  readonly duplicates?: boolean;
  /** Default: {@link maxJsonDepth}. */
  readonly maxDepth?: number;
}

export interface ReadResult {
  readonly value: JsonValue;
  /** Paths such as `metadata.name` or `spec.ports[0].name`; empty unless asked for. */
  readonly duplicates: readonly string[];
}

/** Reads one JSON value. Throws {@link JsonSyntaxError}, which is a 400 Status. */
export function parseJson(bytes: Uint8Array, options: ReadOptions = {}): ReadResult {
  const facts = survey(bytes);
  const { maxDepth = maxJsonDepth } = options;
  if (facts.depth > maxDepth)
    throw new JsonSyntaxError(`exceeded max depth: JSON may be nested ${maxDepth} deep`);
  let text = bufferOf(bytes).toString("utf8");
  if (facts.surrogates) text = replaceLoneSurrogates(text);
  let value: JsonValue;
  try {
    value = facts.bigNumbers ? parseBigNumbers(text) : (JSON.parse(text) as JsonValue);
    if (facts.escapedKeys) value = parseKeys(text, parseBigNumbers);
  } catch (error) {
    if (error instanceof SyntaxError) throw explained(text);
    throw error;
  }
  // Every `:` outside strings belongs to one key: fewer keys in the value than in the text means that some were repeated.
  const repeated = options.duplicates === true && countKeys(value) !== facts.colons;
  return { value, duplicates: repeated ? findDuplicateKeys(text) : none };
}

/** Longer text is not gone through once more to say what is wrong with it: nobody else should wait for that. */
const maxExplainedLength = 256 * 1_024;

const explained = (text: string): JsonSyntaxError =>
  text.length > maxExplainedLength ? new JsonSyntaxError("invalid JSON") : explainSyntaxError(text);

/** {@link parseJson} for text and for callers that only want the value. */
export const readJson = (input: Uint8Array | string): JsonValue =>
  parseJson(typeof input === "string" ? Buffer.from(input, "utf8") : input).value;

/** {@link readJson} for what this server wrote itself. */
export const readOwnJson = (bytes: Uint8Array): JsonValue =>
  parseJson(bytes, { maxDepth: maxOwnJsonDepth }).value;

const none: readonly string[] = [];

interface Facts {
  /** Deepest nesting. */
  readonly depth: number;
  /** `:` outside strings = keys in the text. */
  readonly colons: number;
  /** Some number may not survive as a double: 16 digits in a row, or a three-digit exponent. */
  readonly bigNumbers: boolean;
  /** Some `\uD...` escape exists. */
  readonly surrogates: boolean;
  /** Some key has an escape. */
  readonly escapedKeys: boolean;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** One pass over the bytes. On text that is not JSON its facts mean nothing, but it ends. */
function survey(bytes: Uint8Array): Facts {
  const end = bytes.length;
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  let digits = 0;
  let bigNumbers = false;
  let surrogates = false;
  let escapedKeys = false;
  let escaped = false;
  for (let i = 0; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0x22) {
      escaped = false;
      for (i++; i < end; i++) {
        const inside = bytes[i]!;
        if (inside === 0x22) break;
        if (inside === 0x5c) {
          i++;
          escaped = true;
          if (bytes[i] === 0x75 && (bytes[i + 1]! | 0x20) === 0x64) surrogates = true;
        }
      }
      digits = 0;
    } else if (byte >= 0x30 && byte <= 0x39) {
      if (++digits >= 16) bigNumbers = true;
    } else {
      if (byte === 0x3a) {
        colons++;
        if (escaped) escapedKeys = true;
      } else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > deepest) deepest = depth;
      } else if (byte === 0x7d || byte === 0x5d) depth--;
      else if (digits > 0 && (byte | 0x20) === 0x65) {
        const first = bytes[i + 1] === 0x2b ? i + 2 : i + 1;
        if (isDigit(bytes[first]) && isDigit(bytes[first + 1]) && isDigit(bytes[first + 2]))
          bigNumbers = true;
      }
      digits = 0;
    }
  }
  return { depth: deepest, colons, bigNumbers, surrogates, escapedKeys };
}

function parseBigNumbers(text: string): JsonValue {
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source ?? "";
    if (!Number.isFinite(value)) {
      throw new JsonSyntaxError(
        `json: cannot unmarshal number ${source.slice(0, 64)} into Go value of type float64`,
      );
    }
    return source.length <= maxRawDigits + 1 && /^-?[0-9]{1,20}$/.test(source) ? rawNumber(source) : value;
  };
  return JSON.parse(text, reviver) as JsonValue;
}

/** `\ud800` without its partner means U+FFFD. An escaped backslash is matched first, so that `\\ud800` stays. */
const surrogateEscapes =
  /\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}/g;

const replaceLoneSurrogates = (text: string): string =>
  text.replace(surrogateEscapes, (match) => (match.length === 6 ? "\\ufffd" : match));

function countKeys(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  if (Object.getPrototypeOf(value) === null) return 0;
  const object = value as { [key: string]: JsonValue };
  // JSON objects inherit no enumerable properties, so for-in visits own keys only.
  for (const key in object) {
    count++;
    const member = object[key];
    // `object.__proto__` reads an own property here, because for-in only named it when it is one.
    if (typeof member === "object" && member !== null) count += countKeys(member);
  }
  return count;
}
