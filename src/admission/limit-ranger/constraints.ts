/** The limits of a LimitRange (k8s.io/kubernetes plugin/pkg/admission/limitranger). Each answers why not, or undefined. */
import { addQuantities, compareQuantities, type Quantity, quantityText } from "#machinery/values/quantity.ts";
import type { ResourceList } from "#registry/strategies/resource-list.ts";
import { zero } from "#registry/strategies/resource-list.ts";

/** `limitType` is `Container`, `Pod` or `PersistentVolumeClaim`. */
export interface Constrained {
  readonly limitType: string;
  readonly name: string;
  readonly enforced: Quantity;
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

export function minProblem({ limitType, name, enforced, requests, limits }: Constrained): string | undefined {
  const minimum = `minimum ${name} usage per ${limitType} is ${quantityText(enforced)}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (request === undefined) return `${minimum}.  No request is specified`;
  if (compareQuantities(request, enforced) < 0) return `${minimum}, but request is ${quantityText(request)}`;
  if (limit !== undefined && compareQuantities(limit, enforced) < 0)
    return `${minimum}, but limit is ${quantityText(limit)}`;
  return undefined;
}

export function maxProblem({ limitType, name, enforced, requests, limits }: Constrained): string | undefined {
  const maximum = `maximum ${name} usage per ${limitType} is ${quantityText(enforced)}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (limit === undefined) return `${maximum}.  No limit is specified`;
  if (compareQuantities(limit, enforced) > 0) return `${maximum}, but limit is ${quantityText(limit)}`;
  if (request !== undefined && compareQuantities(request, enforced) > 0)
    return `${maximum}, but request is ${quantityText(request)}`;
  return undefined;
}

/** For what has requests only. */
export function maxRequestProblem({ limitType, name, enforced, requests }: Constrained): string | undefined {
  const maximum = `maximum ${name} usage per ${limitType} is ${quantityText(enforced)}`;
  const request = requests.get(name);
  if (request === undefined) return `${maximum}.  No request is specified`;
  if (compareQuantities(request, enforced) > 0) return `${maximum}, but request is ${quantityText(request)}`;
  return undefined;
}

export function ratioProblem({
  limitType,
  name,
  enforced,
  requests,
  limits,
}: Constrained): string | undefined {
  const ratio = `${name} max limit to request ratio per ${limitType} is ${quantityText(enforced)}`;
  const request = milli(requests.get(name) ?? zero);
  const limit = milli(limits.get(name) ?? zero);
  if (request === 0n) return `${ratio}, but no request is specified or request is 0`;
  if (limit === 0n) return `${ratio}, but no limit is specified or limit is 0`;
  const observed = Number(limit) / Number(request);
  if (observed * 1_000 <= Number(milli(enforced))) return undefined;
  return `${ratio}, but provided ratio is ${observed.toFixed(6)}`;
}

/** Thousandths, rounded up. */
function milli(quantity: Quantity): bigint {
  const { mantissa, scale } = addQuantities(quantity, zero);
  if (scale <= 3) return mantissa * 10n ** BigInt(3 - scale);
  const unit = 10n ** BigInt(scale - 3);
  return mantissa / unit + (mantissa % unit > 0n ? 1n : 0n);
}
