/** cel-go's ext.Strings, version 2 (charAt, indexOf, join, replace, split, substring, ..., format, quote). */
import { trimSpace } from "#base/spaces.ts";
import { display } from "../display.ts";
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import { CelError, CelList, type CelResult, type CelValue, noSuchOverload, ValueList } from "../values.ts";
import { formatText } from "./string-format.ts";

/** Characters of the longest text that replacing and joining may make; upstream's costs bound it only afterwards. */
const maxResultLength = 32 * 1024 * 1024;

const text = (value: CelValue | undefined): string => value as string;
/** A bigint is beyond all strings, and only shown. */
type Index = number | bigint;
const integer = (value: CelValue | undefined): Index => value as Index;

const outOfRange = (index: Index): CelError => new CelError(`index out of range: ${index}`);

function charAt(subject: string, index: Index): CelResult {
  const points = Array.from(subject);
  if (index < 0 || index > points.length) return outOfRange(index);
  return points[Number(index)] ?? "";
}

/** The code point index of a UTF-16 index. */
const pointIndex = (subject: string, index: number): number => Array.from(subject.slice(0, index)).length;
/** The UTF-16 index of a code point index. */
const unitIndex = (points: readonly string[], index: number): number =>
  points.slice(0, index).join("").length;

function indexOf(subject: string, part: string, offset: Index): CelResult {
  if (part === "") return offset;
  if (offset < 0) return outOfRange(offset);
  const points = Array.from(subject);
  if (offset >= points.length) return -1;
  const found = subject.indexOf(part, unitIndex(points, Number(offset)));
  return found < 0 ? -1 : pointIndex(subject, found);
}

function lastIndexOf(subject: string, part: string, offset?: Index): CelResult {
  const points = Array.from(subject);
  if (part === "") return offset ?? points.length;
  if (offset === undefined && subject.length < part.length) return -1;
  const from = offset ?? points.length - 1;
  if (from < 0) return outOfRange(from);
  if (from >= points.length) return -1;
  const found = subject.lastIndexOf(part, unitIndex(points, Number(from)));
  return found < 0 ? -1 : pointIndex(subject, found);
}

function substring(subject: string, start: Index, end?: Index): CelResult {
  const points = Array.from(subject);
  if (end !== undefined && start > end)
    return new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0 || start > points.length) return outOfRange(start);
  if (end !== undefined && (end < 0 || end > points.length)) return outOfRange(end);
  return points.slice(Number(start), end === undefined ? undefined : Number(end)).join("");
}

function split(subject: string, separator: string, limit: number): CelResult {
  if (limit === 0) return new ValueList([]);
  const parts = separator === "" ? Array.from(subject) : subject.split(separator);
  if (limit < 0 || parts.length <= limit) return new ValueList(parts);
  const rest = parts.splice(limit - 1).join(separator);
  return new ValueList([...parts, rest]);
}

function replace(subject: string, old: string, replacement: string, limit: number): CelResult {
  if (limit === 0 || old === replacement) return subject;
  const gaps = old === "" ? Array.from(subject) : subject.split(old);
  // Replacing nothing puts the replacement before each character and at the end.
  const pieces = old === "" ? ["", ...gaps] : gaps;
  const places = old === "" ? pieces.length : pieces.length - 1;
  const count = limit < 0 ? places : Math.min(limit, places);
  if (subject.length + count * replacement.length > maxResultLength)
    return new CelError("the result of replace is too long");
  let result = "";
  for (const [index, piece] of pieces.entries()) {
    result += piece;
    if (index < count) result += replacement;
    else if (index < pieces.length - 1) result += old;
  }
  return result;
}

const asciiCase = (subject: string, pattern: RegExp, change: (letter: string) => string): string =>
  subject.replaceAll(pattern, change);

function join(list: CelValue | undefined, separator: string): CelResult {
  if (!(list instanceof CelList)) return noSuchOverload;
  const parts: string[] = [];
  let length = 0;
  for (let index = 0; index < list.size; index++) {
    const part = list.get(index);
    if (typeof part !== "string")
      return part instanceof CelError ? part : new CelError(`join: invalid input: ${display(part)}`);
    length += part.length + separator.length;
    if (length > maxResultLength) return new CelError("the result of join is too long");
    parts.push(part);
  }
  return parts.join(separator);
}

const quoteEscapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

const quote: Implementation = (subject) => {
  const escaped = Array.from(text(subject).toWellFormed(), (letter) => quoteEscapes[letter] ?? letter);
  return `"${escaped.join("")}"`;
};

export const stringsLibrary: readonly FunctionDeclaration[] = [
  declare("charAt", [
    ["string_char_at_int", "string.(int): string", (s, index) => charAt(text(s), integer(index))],
  ]),
  declare("indexOf", [
    ["string_index_of_string", "string.(string): int", (s, part) => indexOf(text(s), text(part), 0)],
    [
      "string_index_of_string_int",
      "string.(string, int): int",
      (s, part, offset) => indexOf(text(s), text(part), integer(offset)),
    ],
  ]),
  declare("lastIndexOf", [
    ["string_last_index_of_string", "string.(string): int", (s, part) => lastIndexOf(text(s), text(part))],
    [
      "string_last_index_of_string_int",
      "string.(string, int): int",
      (s, part, offset) => lastIndexOf(text(s), text(part), integer(offset)),
    ],
  ]),
  declare("lowerAscii", [
    [
      "string_lower_ascii",
      "string.(): string",
      (s) => asciiCase(text(s), /[A-Z]+/g, (part) => part.toLowerCase()),
    ],
  ]),
  declare("upperAscii", [
    [
      "string_upper_ascii",
      "string.(): string",
      (s) => asciiCase(text(s), /[a-z]+/g, (part) => part.toUpperCase()),
    ],
  ]),
  declare("replace", [
    [
      "string_replace_string_string",
      "string.(string, string): string",
      (s, old, replacement) => replace(text(s), text(old), text(replacement), -1),
    ],
    [
      "string_replace_string_string_int",
      "string.(string, string, int): string",
      (s, old, replacement, limit) => replace(text(s), text(old), text(replacement), Number(limit)),
    ],
  ]),
  declare("split", [
    [
      "string_split_string",
      "string.(string): list(string)",
      (s, separator) => split(text(s), text(separator), -1),
    ],
    [
      "string_split_string_int",
      "string.(string, int): list(string)",
      (s, separator, limit) => split(text(s), text(separator), Number(limit)),
    ],
  ]),
  declare("substring", [
    ["string_substring_int", "string.(int): string", (s, start) => substring(text(s), integer(start))],
    [
      "string_substring_int_int",
      "string.(int, int): string",
      (s, start, end) => substring(text(s), integer(start), integer(end)),
    ],
  ]),
  declare("trim", [["string_trim", "string.(): string", (s) => trimSpace(text(s))]]),
  declare("format", [
    ["string_format", "string.(list(dyn)): string", (s, args) => formatText(text(s), args as CelList)],
  ]),
  declare("strings.quote", [["strings_quote", "(string): string", quote]]),
  declare("join", [
    ["list_join", "list(string).(): string", (list) => join(list, "")],
    ["list_join_string", "list(string).(string): string", (list, separator) => join(list, text(separator))],
  ]),
];
