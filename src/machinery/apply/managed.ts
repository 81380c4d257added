/** `metadata.managedFields` as apply works with it (apimachinery managedfields/internal/managedfields.go). */
import { compareBytes } from "#base/bytes.ts";
import { quote } from "#base/quote.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import type { FieldSet } from "./field-set.ts";
import { fieldsOf, readFields } from "./fields-v1.ts";
import type { VersionedSet } from "./updater.ts";

export type Operation = "Apply" | "Update";

/** One entry of `metadata.managedFields`. */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  /** RFC 3339, whole seconds. */
  time?: string;
  fieldsType?: string;
  fieldsV1?: JsonValue;
  subresource?: string;
}

/** Who wrote: what tells one entry from another. An applier has one entry whatever the version. */
export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: Operation;
  /** "" of appliers. */
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Managed {
  readonly sets: Map<string, VersionedSet>;
  readonly times: Map<string, string | undefined>;
}

export const emptyManaged = (): Managed => ({ sets: new Map(), times: new Map() });

/** The managed fields of a client or of an old object cannot be read. */
export class ManagedFieldsError extends Error {
  override readonly name = "ManagedFieldsError";
}

/** Upstream's manager identifier: the JSON of an entry without what changes. */
export function identifierOf({ manager, operation, apiVersion, subresource }: ManagerIdentity): string {
  return goJson({
    ...(manager !== "" && { manager }),
    operation,
    ...(operation === "Update" && apiVersion !== "" && { apiVersion }),
    ...(subresource !== "" && { subresource }),
  });
}

export function identityOf(identifier: string): ManagerIdentity {
  const entry = JSON.parse(identifier) as Partial<ManagerIdentity>;
  return {
    manager: entry.manager ?? "",
    operation: entry.operation ?? "Update",
    apiVersion: entry.apiVersion ?? "",
    subresource: entry.subresource ?? "",
  };
}

/** How messages name a manager. */
export function managerText(identifier: string): string {
  const { manager, operation, apiVersion, subresource } = identityOf(identifier);
  const name =
    subresource === "" ? quote(manager) : `${quote(manager)} with subresource ${quote(subresource)}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

/** Gives the set of an entry; the default reads its FieldsV1. A cache may know better. */
export type SetReader = (entry: ManagedFieldsEntry) => FieldSet;

export const readSet: SetReader = (entry) => readFields(entry.fieldsV1);

/** @throws ManagedFieldsError, FieldSetError */
export function readManaged(entries: readonly JsonValue[] | undefined, setOf: SetReader = readSet): Managed {
  const managed = emptyManaged();
  (entries ?? []).forEach((value, index) => {
    const entry = (isJsonObject(value) ? value : {}) as ManagedFieldsEntry;
    const { operation, apiVersion = "", fieldsType = "" } = entry;
    if (operation !== "Apply" && operation !== "Update")
      throw new ManagedFieldsError("operation must be `Apply` or `Update`");
    if (apiVersion === "") throw new ManagedFieldsError("apiVersion must not be empty");
    if (fieldsType === "")
      throw new ManagedFieldsError(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== "FieldsV1")
      throw new ManagedFieldsError(
        `invalid fieldsType ${quote(fieldsType)} in managed fields entry ${index}`,
      );
    const identifier = identifierOf({
      manager: entry.manager ?? "",
      operation,
      apiVersion,
      subresource: entry.subresource ?? "",
    });
    managed.sets.set(identifier, { set: setOf(entry), apiVersion, applied: operation === "Apply" });
    managed.times.set(identifier, entry.time);
  });
  return managed;
}

/** Makes the entry of a set; the default writes FieldsV1. */
export type EntryMaker = (entry: ManagedFieldsEntry, set: FieldSet) => ManagedFieldsEntry;

const withFields: EntryMaker = (entry, set) => ({ ...entry, fieldsV1: fieldsOf(set) });

/** The entries in upstream's order; undefined when nobody owns anything. */
export function writeManaged(
  { sets, times }: Managed,
  make: EntryMaker = withFields,
): ManagedFieldsEntry[] | undefined {
  if (sets.size === 0) return undefined;
  const entries: ManagedFieldsEntry[] = [];
  for (const [identifier, { set, apiVersion, applied }] of sets) {
    const { manager, operation, subresource } = identityOf(identifier);
    const time = times.get(identifier);
    entries.push(
      make(
        {
          ...(manager !== "" && { manager }),
          operation: applied ? "Apply" : operation,
          apiVersion,
          ...(time !== undefined && { time }),
          fieldsType: "FieldsV1",
          ...(subresource !== "" && { subresource }),
        },
        set,
      ),
    );
  }
  return entries.sort(compareEntries);
}

const seconds = (time: string | undefined): number =>
  time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareBytes(a.operation ?? "", b.operation ?? "") ||
    seconds(a.time) - seconds(b.time) ||
    compareBytes(a.manager ?? "", b.manager ?? "") ||
    compareBytes(a.apiVersion ?? "", b.apiVersion ?? "") ||
    compareBytes(a.subresource ?? "", b.subresource ?? "")
  );
}

/** A client asks to forget who owns what: an empty list, or one empty entry. */
export function isReset(entries: readonly JsonValue[] | undefined): boolean {
  if (entries === undefined) return false;
  if (entries.length === 0) return true;
  const [only] = entries;
  return entries.length === 1 && isJsonObject(only) && Object.keys(only as JsonObject).length === 0;
}
