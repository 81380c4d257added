/** Semantic versions (k8s.io/apiserver/pkg/cel/library/semverlib.go, parsing of github.com/blang/semver/v4). */
import { quote } from "#base/quote.ts";
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import { canonicalInt, maxUint64 } from "../integers.ts";
import type { CelType } from "../types.ts";
import { CelError, CelOpaque, type CelResult, type CelValue, noSuchOverload } from "../values.ts";
import { opaqueStruct } from "./opaque.ts";

const semverType: CelType = opaqueStruct("kubernetes.Semver");

interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: readonly (bigint | string)[];
  readonly build: readonly string[];
}

class CelSemver extends CelOpaque {
  override readonly type = semverType;
  readonly value: Version;

  constructor(value: Version) {
    super();
    this.value = value;
  }

  override equals(other: CelValue): boolean | CelError {
    return other instanceof CelSemver ? compareVersions(this.value, other.value) === 0 : noSuchOverload;
  }

  override toString(): string {
    const { major, minor, patch, prerelease, build } = this.value;
    const suffix = prerelease.length === 0 ? "" : `-${prerelease.join(".")}`;
    return `${major}.${minor}.${patch}${suffix}${build.length === 0 ? "" : `+${build.join(".")}`}`;
  }
}

/** Longer texts are no version: their numbers would not be either. */
const maxVersionLength = 4096;

function parseNumber(text: string, name: string): bigint | Error {
  if (!/^\d+$/.test(text)) {
    if (text === "") return new Error('strconv.ParseUint: parsing "": invalid syntax');
    return new Error(`Invalid character(s) found in ${name} number ${quote(text)}`);
  }
  if (text.length > 1 && text.startsWith("0"))
    return new Error(
      `${name[0]!.toUpperCase()}${name.slice(1)} number must not contain leading zeroes ${quote(text)}`,
    );
  const value = BigInt(text);
  return value > maxUint64
    ? new Error(`strconv.ParseUint: parsing ${quote(text)}: value out of range`)
    : value;
}

function parsePrerelease(text: string): bigint | string | Error {
  if (text === "") return new Error("Prerelease is empty");
  if (/^\d+$/.test(text)) {
    if (text.length > 1 && text.startsWith("0"))
      return new Error(`Numeric PreRelease version must not contain leading zeroes ${quote(text)}`);
    return BigInt(text);
  }
  return /^[0-9A-Za-z-]+$/.test(text)
    ? text
    : new Error(`Invalid character(s) found in prerelease ${quote(text)}`);
}

function parseVersion(text: string): Version | Error {
  if (text === "") return new Error("Version string empty");
  const [majorText, minorText, ...rest] = text.split(".");
  if (rest.length === 0 || text.length > maxVersionLength)
    return new Error("No Major.Minor.Patch elements found");
  const major = parseNumber(majorText!, "major");
  if (major instanceof Error) return major;
  const minor = parseNumber(minorText!, "minor");
  if (minor instanceof Error) return minor;
  let patchText = rest.join(".");
  let build: string[] = [];
  let prereleases: string[] = [];
  const plus = patchText.indexOf("+");
  if (plus >= 0) {
    build = patchText.slice(plus + 1).split(".");
    patchText = patchText.slice(0, plus);
  }
  const dash = patchText.indexOf("-");
  if (dash >= 0) {
    prereleases = patchText.slice(dash + 1).split(".");
    patchText = patchText.slice(0, dash);
  }
  const patch = parseNumber(patchText, "patch");
  if (patch instanceof Error) return patch;
  const prerelease: (bigint | string)[] = [];
  for (const part of prereleases) {
    const parsed = parsePrerelease(part);
    if (parsed instanceof Error) return parsed;
    prerelease.push(parsed);
  }
  for (const part of build) {
    if (part === "") return new Error("Build meta data is empty");
    if (!/^[0-9A-Za-z-]+$/.test(part))
      return new Error(`Invalid character(s) found in build meta data ${quote(part)}`);
  }
  return { major, minor, patch, prerelease, build };
}

/** A version that may lack parts, begin with `v`, or have leading zeros. */
function parseTolerant(text: string): Version | Error {
  const [major = "", minor, ...rest] = text.replace(/^v/, "").split(".");
  const parts = [major, minor, rest.length === 0 ? undefined : rest.join(".")].filter(
    (part) => part !== undefined,
  );
  const numbers = parts.map((part) => {
    if (part.length <= 1) return part;
    const trimmed = part.replace(/^0+/, "");
    return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
  });
  if (numbers.length < 3 && /[+-]/.test(numbers.at(-1)!))
    return new Error("short version cannot contain PreRelease/Build meta data");
  while (numbers.length < 3) numbers.push("0");
  return parseVersion(numbers.join("."));
}

function compareVersions(a: Version, b: Version): number {
  const numbers = [a.major - b.major, a.minor - b.minor, a.patch - b.patch];
  const difference = numbers.find((value) => value !== 0n);
  if (difference !== undefined) return difference < 0n ? -1 : 1;
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Number(a.prerelease.length === 0) - Number(b.prerelease.length === 0);
  for (const [index, part] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    if (other === undefined) return 1;
    const order = comparePrereleases(part, other);
    if (order !== 0) return order;
  }
  return a.prerelease.length < b.prerelease.length ? -1 : 0;
}

/** Numbers come before texts. */
function comparePrereleases(a: bigint | string, b: bigint | string): number {
  if (typeof a !== typeof b) return typeof a === "bigint" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

const parse = (text: CelValue, tolerant: CelValue): Version | Error =>
  tolerant === true ? parseTolerant(text as string) : parseVersion(text as string);

const toSemver: Implementation = (text, tolerant = false) => {
  const version = parse(text!, tolerant);
  return version instanceof Error ? new CelError(version.message) : new CelSemver(version);
};

const isSemver: Implementation = (text, tolerant = false) => !(parse(text!, tolerant) instanceof Error);

const comparing =
  (code: (order: number) => CelResult): Implementation =>
  (a, b) =>
    a instanceof CelSemver && b instanceof CelSemver
      ? code(compareVersions(a.value, b.value))
      : noSuchOverload;

const part =
  (name: "major" | "minor" | "patch"): Implementation =>
  (version) =>
    version instanceof CelSemver ? canonicalInt(BigInt.asIntN(64, version.value[name])) : noSuchOverload;

const options = { types: new Map([["Semver", semverType]]) };

export const semverLibrary: readonly FunctionDeclaration[] = [
  declare(
    "semver",
    [
      ["string_to_semver", "(string): Semver", toSemver],
      ["string_bool_to_semver", "(string, bool): Semver", toSemver],
    ],
    options,
  ),
  declare("isSemver", [
    ["is_semver_string", "(string): bool", isSemver],
    ["is_semver_string_bool", "(string, bool): bool", isSemver],
  ]),
  declare(
    "isGreaterThan",
    [["semver_is_greater_than", "Semver.(Semver): bool", comparing((order) => order > 0)]],
    options,
  ),
  declare(
    "isLessThan",
    [["semver_is_less_than", "Semver.(Semver): bool", comparing((order) => order < 0)]],
    options,
  ),
  declare("compareTo", [["semver_compare_to", "Semver.(Semver): int", comparing((order) => order)]], options),
  declare("major", [["semver_major", "Semver.(): int", part("major")]], options),
  declare("minor", [["semver_minor", "Semver.(): int", part("minor")]], options),
  declare("patch", [["semver_patch", "Semver.(): int", part("patch")]], options),
];
