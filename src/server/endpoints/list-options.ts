/** Query parameters of get, list, watch and deletecollection (apimachinery pkg/apis/meta/internalversion/validation). */
import { quote } from "#base/quote.ts";
import { badRequest, invalid } from "#machinery/errors/errors.ts";
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
} from "#machinery/errors/field-error.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import { FieldSelector } from "#machinery/selectors/fields.ts";
import { LabelSelector } from "#machinery/selectors/labels.ts";
import type { Freshness } from "#registry/read.ts";
import type { Resource } from "#registry/resource.ts";
import { type Selection, selectableFieldNames } from "#registry/selection.ts";
import type { Query } from "#server/context.ts";
import type { Revision } from "#storage/port.ts";

export interface ListOptions {
  readonly selection: Selection;
  /** Text as given; "" when absent. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continueToken: string;
  readonly watch: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

const listOptionsKind = { group: "meta.k8s.io", kind: "ListOptions" } as const;

/**
 * `pathName` is that of a watch on one object, which selects it; else "".
 * @throws StatusError 400 for unparsable values, 422 for combinations that mean nothing
 */
export function parseListOptions(
  query: Query,
  resource: Resource,
  pathName: string,
  watch: boolean,
): ListOptions {
  const options: ListOptions = {
    selection: parseSelection(query, resource, pathName),
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit: parseInteger(query, "limit") ?? 0,
    continueToken: query.get("continue") ?? "",
    watch,
    timeoutSeconds: parseInteger(query, "timeoutSeconds"),
    allowWatchBookmarks: parseBoolean(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: parseBoolean(query, "sendInitialEvents"),
  };
  const errors = options.watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid(listOptionsKind, "", errors);
  return options;
}

const matchField = "resourceVersionMatch";

function listErrors(options: ListOptions): FieldError[] {
  const { resourceVersion, resourceVersionMatch: match, continueToken } = options;
  const errors: FieldError[] = [];
  const forbid = (detail: string, field = matchField): void => {
    errors.push(fieldForbidden(field, detail));
  };
  if (match !== "") {
    if (resourceVersion === "")
      forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (continueToken !== "") forbid("resourceVersionMatch is forbidden when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan")
      errors.push(fieldNotSupported(matchField, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0")
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (options.sendInitialEvents !== undefined)
    forbid("sendInitialEvents is forbidden for list", "sendInitialEvents");
  return errors;
}

function watchErrors(options: ListOptions): FieldError[] {
  const { resourceVersion, resourceVersionMatch: given, continueToken } = options;
  const errors: FieldError[] = [];
  if (resourceVersion !== "" && parseRevision(resourceVersion) === undefined) {
    errors.push(
      fieldInvalid(
        "resourceVersion",
        resourceVersion,
        `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`,
      ),
    );
  }
  // A watch that begins with what is there is one with initial events (SetListOptionsDefaults).
  const fromState = resourceVersion === "" || resourceVersion === "0";
  const byDefault = options.sendInitialEvents === undefined && given === "" && fromState;
  const sendInitialEvents = byDefault ? true : options.sendInitialEvents;
  const match = byDefault ? "NotOlderThan" : given;
  const forbid = (detail: string): void => {
    errors.push(fieldForbidden(matchField, detail));
  };
  if (sendInitialEvents !== undefined && match !== "NotOlderThan")
    forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (match === "") return errors;
  if (sendInitialEvents === undefined)
    forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (match !== "NotOlderThan") errors.push(fieldNotSupported(matchField, match, ["NotOlderThan"]));
  if (continueToken !== "") forbid("resourceVersionMatch is forbidden when continue is provided");
  return errors;
}

/** @throws StatusError 400 */
function parseSelection(query: Query, resource: Resource, pathName: string): Selection {
  const labelText = query.get("labelSelector") ?? "";
  const fieldText = query.get("fieldSelector") ?? "";
  const labels = labelText === "" ? undefined : LabelSelector.parse(labelText);
  const parsed = fieldText === "" ? undefined : FieldSelector.parse(fieldText);
  const known = parsed === undefined ? [] : selectableFieldNames(resource);
  for (const { field } of parsed?.requirements ?? []) {
    if (!known.includes(field)) throw badRequest(unknownField(resource, field, known));
  }
  const fields = parsed === undefined || parsed.isEmpty ? undefined : parsed;
  if (pathName !== "" && fields !== undefined && fields.requiresExactMatch("metadata.name") !== pathName) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  const onlyName = { field: "metadata.name", operator: "=", value: pathName } as const;
  return {
    labels: labels === undefined || labels.isEmpty ? undefined : labels,
    fields: fields ?? (pathName === "" ? undefined : new FieldSelector([onlyName])),
  };
}

function unknownField(resource: Resource, field: string, known: readonly string[]): string {
  if (resource.strategy.selectableFields === undefined) {
    const quoted = known.map((name) => JSON.stringify(name)).join(", ");
    return `${JSON.stringify(field)} is not a known field selector: only ${quoted}`;
  }
  return `field label not supported: ${field}`;
}

/** A revision greater than 0 without leading zeros, or 0; undefined when it is no such number. */
export function parseRevision(text: string): Revision | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? (value as Revision) : undefined;
}

/** How new a GET must be. @throws StatusError 400 */
export function getFreshness(resourceVersion: string): Freshness {
  if (resourceVersion === "") return { kind: "consistent" };
  const revision = requireRevision(resourceVersion);
  return revision === 0 ? { kind: "any" } : { kind: "not-older", revision };
}

/** How new a list must be, and whether `limit` counts (spec 5.1, the resourceVersion table). @throws StatusError 400 */
export function listFreshness(options: ListOptions): {
  readonly freshness: Freshness;
  readonly limit: number;
} {
  const { resourceVersion, resourceVersionMatch: match, limit } = options;
  if (resourceVersion === "") return { freshness: { kind: "consistent" }, limit };
  const revision = parseRevision(resourceVersion);
  if (revision === undefined) {
    const text = JSON.stringify(resourceVersion);
    const why = `Invalid value: ${text}: strconv.ParseUint: parsing ${text}: invalid syntax`;
    throw badRequest(`invalid resource version: resourceVersion: ${why}`);
  }
  if (revision === 0) return { freshness: { kind: "any" }, limit: 0 };
  if (match === "Exact" || (match === "" && limit > 0))
    return { freshness: { kind: "exact", revision }, limit };
  return { freshness: { kind: "not-older", revision }, limit };
}

function requireRevision(text: string): Revision {
  const revision = parseRevision(text);
  if (revision === undefined)
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: invalid resource version`);
  return revision;
}

/** Of query values, `false` and `0` are false, anything else is true, also nothing at all (apimachinery pkg/runtime/conversion.go). */
export function parseBoolean(query: Query, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  return !(text.toLowerCase() === "false" || text === "0");
}

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** Within 64 bits, the nearest that a number holds. @throws StatusError 400, also for a parameter without a value */
export function parseInteger(query: Query, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const fail = (why: string): StatusError => badRequest(`strconv.ParseInt: parsing ${quote(text)}: ${why}`);
  if (!/^[+-]?[0-9]+$/.test(text)) throw fail("invalid syntax");
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  const exact = text.length > maxIntegerCharacters ? maxInt64 + 1n : BigInt(text.replace("+", ""));
  if (exact < minInt64 || exact > maxInt64) throw fail("value out of range");
  return value;
}

/** More characters are not read as a number: 64 bits have 19 digits, the rest could only be zeros. */
const maxIntegerCharacters = 1000;
