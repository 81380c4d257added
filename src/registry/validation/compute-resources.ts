/** What containers ask for (pkg/apis/core/validation ValidateContainerResourceRequirements). */
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { canonicalQuantity, quantityText } from "#machinery/values/quantity.ts";
import { listAt, type Members, membersAt, pairsAt, textAt } from "../strategies/members.ts";
import { containersResources } from "../strategies/pod-resources.ts";
import { compareQuantities, quantityMillis } from "../strategies/quantities.ts";
import type { ResourceList } from "../strategies/resource-list.ts";
import {
  containerResourceNameErrors,
  isHugePages,
  isOvercommitAllowed,
  quantityErrors,
  resourceNameErrors,
} from "../strategies/resource-names.ts";
import { type Errors, has } from "./checks.ts";

type NameErrors = (name: string, path: FieldPath) => FieldError[];

/** Of claims, in each text about a name that is none of them. */
const maxNamesShown = 32;
const podLevel = ["cpu", "hugepages-", "memory"] as const;

const podResourceNameErrors: NameErrors = (name, path) => {
  const errors = resourceNameErrors(name, path);
  if (errors.length > 0 || name === "cpu" || name === "memory" || name.startsWith("hugepages-"))
    return errors;
  return [fieldNotSupported(path, name, podLevel)];
};

const shown = (quantity: string): string => String(canonicalQuantity(quantity));

/** `claims`: names of the pod's resource claims. */
export function* resourcesErrors(
  of: Members,
  claims: ReadonlySet<string>,
  path: FieldPath,
  nameErrors: NameErrors = containerResourceNameErrors,
): Errors {
  const resources = membersAt(of, "resources");
  const limits = new Map(pairsAt(resources, "limits"));
  const requests = pairsAt(resources, "requests");
  const at = path.child("resources");
  const amountErrors = function* (name: string, quantity: string, where: FieldPath): Errors {
    yield* nameErrors(name, where);
    yield* quantityErrors(name, quantity, where);
  };
  for (const [name, quantity] of limits) {
    const where = at.child("limits").key(name);
    yield* amountErrors(name, quantity, where);
    yield* pageErrors(name, quantity, where);
  }
  for (const [name, quantity] of requests) {
    const where = at.child("requests").key(name);
    yield* amountErrors(name, quantity, where);
    const limit = limits.get(name);
    const over = limit === undefined ? 0 : compareQuantities(quantity, limit);
    if (limit === undefined) {
      if (!isOvercommitAllowed(name))
        yield fieldRequired(at.child("limits"), "Limit must be set for non overcommitable resources");
    } else if (over !== 0 && !isOvercommitAllowed(name)) {
      const detail = `must be equal to ${name} limit of ${shown(limit)}`;
      yield fieldInvalid(at.child("requests"), shown(quantity), detail);
    } else if (over > 0) {
      const detail = `must be less than or equal to ${name} limit of ${shown(limit)}`;
      yield fieldInvalid(at.child("requests"), shown(quantity), detail);
    }
    yield* pageErrors(name, quantity, where);
  }
  const names = [...limits.keys(), ...requests.map(([name]) => name)];
  if (
    names.some((name) => name.startsWith("hugepages-")) &&
    !names.includes("cpu") &&
    !names.includes("memory")
  )
    yield fieldForbidden(at, "HugePages require cpu or memory");
  yield* claimNameErrors(resources, claims, at.child("claims"));
}

/** Of pods as a whole, where they say something. */
export function* podResourcesErrors(spec: Members, path: FieldPath): Errors {
  if (!has(spec, "resources")) return;
  const at = path.child("resources");
  if (has(membersAt(spec, "resources"), "claims"))
    yield fieldForbidden(at.child("claims"), "claims may not be set for Resources at pod-level");
  yield* resourcesErrors(spec, new Set(), path, podResourceNameErrors);
  const limits = new Map(pairsAt(spec, "resources", "limits"));
  const requests = new Map(pairsAt(spec, "resources", "requests"));
  yield* totalErrors(containersResources({ spec }, "requests"), requests, at, "requests");
  const pages = [...containersResources({ spec }, "limits")].filter(([name]) => isHugePages(name));
  yield* totalErrors(new Map(pages), limits, at, "limits");
  for (const [index, container] of listAt(spec, "containers").entries()) {
    for (const [name, limit] of pairsAt(container, "resources", "limits")) {
      const most = limits.get(name);
      if (most === undefined || compareQuantities(limit, most) <= 0) continue;
      const where = at.child("containers").index(index).key(name).child("limits");
      yield fieldInvalid(where, shown(limit), `must be less than or equal to pod limits of ${shown(most)}`);
    }
  }
}

/** The containers together may not have more than the pod. */
function* totalErrors(
  total: ResourceList,
  own: ReadonlyMap<string, string>,
  path: FieldPath,
  kind: "requests" | "limits",
): Errors {
  for (const [name, sum] of total) {
    const given = own.get(name);
    const text = quantityText(sum);
    if (given === undefined || compareQuantities(text, given) <= 0) continue;
    const detail = `must be greater than or equal to aggregate container ${kind} of ${text}`;
    yield fieldInvalid(path.child(kind).key(name), shown(given), detail);
  }
}

/** Huge pages come whole. */
function* pageErrors(name: string, quantity: string, path: FieldPath): Errors {
  if (!name.startsWith("hugepages-")) return;
  const page = quantityMillis(name.slice("hugepages-".length));
  if (page <= 0n || quantityMillis(quantity) % page !== 0n)
    yield fieldInvalid(
      path,
      shown(quantity),
      `${shown(quantity)} is not positive integer multiple of ${name}`,
    );
}

function* claimNameErrors(resources: Members, claims: ReadonlySet<string>, path: FieldPath): Errors {
  const seen = new Set<string>();
  const wanted = listAt(resources, "claims");
  if (wanted.length === 0) return;
  const names = [...claims].sort().slice(0, maxNamesShown).join(", ");
  const known = claims.size === 0 ? " which is empty" : `: ${names}`;
  for (const [index, claim] of wanted.entries()) {
    const at = path.index(index);
    const name = textAt(claim, "name");
    const request = textAt(claim, "request");
    if (name === "") {
      yield fieldRequired(at);
      continue;
    }
    const key = request === "" ? name : `${name}/${request}`;
    if (seen.has(name)) yield fieldDuplicate(at, name);
    else if (seen.has(key)) yield fieldDuplicate(at, key);
    seen.add(key);
    if (claims.has(name)) continue;
    yield {
      ...fieldNotFound(at, name),
      detail: `must be one of the names in pod.spec.resourceClaims${known}`,
    };
  }
}
