/** Query parameters and bodies that say how to write (apimachinery pkg/apis/meta/v1/validation). */
import { byteLength } from "#base/bytes.ts";
import { badRequest, invalid } from "#machinery/errors/errors.ts";
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from "#machinery/errors/field-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { Propagation } from "#registry/propagation.ts";
import type { Query } from "#server/context.ts";
import { parseBoolean, parseInteger } from "./list-options.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly fieldManager: string;
  /** Of an apply: take what others own. */
  readonly force: boolean;
}

export const maxFieldManagerBytes = 128;

/** @throws StatusError 422 naming `CreateOptions`, `UpdateOptions` or `PatchOptions` */
export function parseWriteOptions(
  query: Query,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  applies = false,
): WriteOptions {
  const errors: FieldError[] = [];
  const dryRun = query.getAll("dryRun");
  errors.push(...dryRunErrors(dryRun));
  const fieldValidation = query.get("fieldValidation") ?? "";
  if (!["", "Ignore", "Warn", "Strict"].includes(fieldValidation)) {
    errors.push(fieldNotSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"]));
  }
  const fieldManager = query.get("fieldManager") ?? "";
  if (byteLength(fieldManager) > maxFieldManagerBytes)
    errors.push(fieldTooLong("fieldManager", maxFieldManagerBytes));
  else {
    const at = fieldManager.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
    if (at >= 0) errors.push(fieldInvalid("fieldManager", fieldManager, unprintableAt(fieldManager, at)));
  }
  const force = kind === "PatchOptions" ? parseBoolean(query, "force") : undefined;
  if (applies) {
    if (fieldManager === "") errors.unshift(fieldRequired("fieldManager", "is required for apply patch"));
  } else if (force !== undefined) {
    errors.push(fieldForbidden("force", "may not be specified for non-apply patch"));
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation === "" ? "Warn" : (fieldValidation as FieldValidation),
    fieldManager,
    force: force === true,
  };
}

/** As Go's `%#U` prints a character that cannot be printed. */
function unprintableAt(text: string, at: number): string {
  const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, "0");
  return `invalid character U+${code} (at position ${Buffer.byteLength(text.slice(0, at))})`;
}

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
}

const policies: readonly string[] = ["Foreground", "Background", "Orphan"] satisfies Propagation[];

/** From the body where there is one, else from the query. @throws StatusError 400, 422 */
export function parseDeleteOptions(query: Query, body: JsonObject | undefined): DeleteOptions {
  const fromBody = body as
    | {
        dryRun?: string[];
        preconditions?: { uid?: string; resourceVersion?: string };
        gracePeriodSeconds?: number;
        propagationPolicy?: string;
        orphanDependents?: boolean;
      }
    | undefined;
  const dryRun = fromBody === undefined ? query.getAll("dryRun") : (fromBody.dryRun ?? []);
  const options: DeleteOptions = {
    dryRun: dryRun.length > 0,
    preconditions: { ...fromBody?.preconditions },
    gracePeriodSeconds:
      fromBody === undefined ? parseInteger(query, "gracePeriodSeconds") : fromBody.gracePeriodSeconds,
    propagationPolicy: fromBody === undefined ? query.get("propagationPolicy") : fromBody.propagationPolicy,
    orphanDependents:
      fromBody === undefined ? parseBoolean(query, "orphanDependents") : fromBody.orphanDependents,
  };
  const errors: FieldError[] = [...dryRunErrors(dryRun)];
  const { propagationPolicy, orphanDependents } = options;
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    errors.push(
      fieldInvalid(
        "propagationPolicy",
        propagationPolicy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    errors.push(fieldNotSupported("propagationPolicy", propagationPolicy, [...policies, "nil"]));
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  return options;
}

function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.some((value) => value !== "All") ? [fieldNotSupported("dryRun", values, ["All"])] : [];
}

/** What was asked to become of dependents, by the policy or by the older boolean; undefined: nothing was. */
export function propagationOf({
  propagationPolicy,
  orphanDependents,
}: DeleteOptions): Propagation | undefined {
  if (orphanDependents !== undefined) return orphanDependents ? "Orphan" : "Background";
  return propagationPolicy as Propagation | undefined;
}

/** The `pretty` parameter, by strconv.ParseBool, and tools whose users read the answer (apiserver negotiation isPrettyPrint). */
export function wantsPretty(query: Query, userAgent: string | undefined): boolean {
  const asked = query.get("pretty") ?? "";
  if (asked !== "") return ["1", "t", "T", "TRUE", "true", "True"].includes(asked);
  return userAgent !== undefined && /^(?:curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

/** Name and namespace in a body must be those of the URL. @throws StatusError 400 */
export function checkBodyAgainstUrl(
  metadata: { readonly name?: string; readonly namespace?: string },
  url: { readonly name: string; readonly namespace: string },
): void {
  const { name = "", namespace = "" } = metadata;
  if (url.name !== "" && name !== "" && name !== url.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${url.name})`);
  }
  if (url.name !== "" && name === "") {
    throw badRequest(
      `the name of the object (${url.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (url.namespace !== "" && namespace !== "" && namespace !== url.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}
