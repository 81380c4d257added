/** Names of compute resources in quotas and limits (k8s.io/kubernetes pkg/apis/core/helper, pkg/apis/core/validation). */
import { type FieldError, fieldInvalid } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { compareQuantities, quantityMillis } from "./quantities.ts";

const compute = ["cpu", "memory", "ephemeral-storage"];
const counted = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const quota: ReadonlySet<string> = new Set([
  ...compute,
  ...compute.map((name) => `requests.${name}`),
  ...compute.map((name) => `limits.${name}`),
  "requests.storage",
  ...counted,
]);
const standard: ReadonlySet<string> = new Set([...quota, "storage"]);
const containers: ReadonlySet<string> = new Set(compute);
const integers: ReadonlySet<string> = new Set(counted);

const hugePages = "hugepages-";
export const isHugePages = (name: string): boolean => name.startsWith(hugePages);
const isQuotaHugePages = (name: string): boolean =>
  isHugePages(name) || name.startsWith(`requests.${hugePages}`);
const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith("requests.") && qualifiedNameErrors(`requests.${name}`).length === 0;

/** Requests may be less than limits. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);
export const isStandardQuotaResource = (name: string): boolean => quota.has(name) || isQuotaHugePages(name);

export function resourceNameErrors(name: string, path: FieldPath): FieldError[] {
  const errors = qualifiedNameErrors(name).map((message) => fieldInvalid(path, name, message));
  if (errors.length > 0 || name.includes("/") || standard.has(name) || isQuotaHugePages(name)) return errors;
  return [fieldInvalid(path, name, "must be a standard resource type or fully qualified")];
}

export function containerResourceNameErrors(name: string, path: FieldPath): FieldError[] {
  const errors = resourceNameErrors(name, path);
  if (!name.includes("/")) {
    if (!containers.has(name) && !isHugePages(name))
      errors.push(fieldInvalid(path, name, "must be a standard resource for containers"));
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(fieldInvalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

export function quotaResourceErrors(name: string, quantity: string, path: FieldPath): FieldError[] {
  const errors = resourceNameErrors(name, path);
  if (!name.includes("/") && !isStandardQuotaResource(name))
    errors.push(fieldInvalid(path, name, "must be a standard resource for quota"));
  errors.push(...quantityErrors(name, quantity, path));
  return errors;
}

/** Amounts are not negative, and whole where halves mean nothing (ValidateResourceQuantityValue). */
export function quantityErrors(name: string, quantity: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (compareQuantities(quantity, "0") < 0)
    errors.push(fieldInvalid(path, quantity, "must be greater than or equal to 0"));
  if ((integers.has(name) || isExtended(name)) && quantityMillis(quantity) % 1_000n !== 0n)
    errors.push(fieldInvalid(path, quantity, "must be an integer"));
  return errors;
}
