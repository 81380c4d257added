/** Arithmetic on lists of named quantities (k8s.io/apiserver pkg/quota/v1/resources.go). Nothing is changed in place. */
import { compareBytes } from "#base/bytes.ts";
import {
  addQuantities,
  compareQuantities,
  negateQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  quantityText,
} from "#machinery/values/quantity.ts";

/** Quantities by resource name: `requests.cpu`, `count/widgets.example.com`. */
export type ResourceList = ReadonlyMap<string, Quantity>;

export const noResources: ResourceList = new Map();
export const one: Quantity = quantityOf(1);
export const zero: Quantity = quantityOf(0);

/** From a map of quantity texts, which decoding has checked; what is no quantity counts as zero. */
export function resourceList(value: unknown): ResourceList {
  if (typeof value !== "object" || value === null) return noResources;
  const list = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(value)) {
    const quantity = parseQuantity(String(text));
    list.set(name, quantity instanceof Error ? zero : quantity);
  }
  return list;
}

/** The JSON form, in byte order of the names. */
export function resourceListJson(list: ResourceList): Record<string, string> {
  return Object.fromEntries(
    [...list.keys()].sort(compareBytes).map((name) => [name, quantityText(list.get(name)!)]),
  );
}

export function addLists(a: ResourceList, b: ResourceList): ResourceList {
  const sum = new Map(a);
  for (const [name, quantity] of b) {
    const known = sum.get(name);
    sum.set(name, known === undefined ? quantity : addQuantities(known, quantity));
  }
  return sum;
}

/** The greater of both, by name. */
export function maxLists(a: ResourceList, b: ResourceList): ResourceList {
  const max = new Map(a);
  for (const [name, quantity] of b) {
    const known = max.get(name);
    if (known === undefined || compareQuantities(quantity, known) > 0) max.set(name, quantity);
  }
  return max;
}

/** `a - b`, of the names in either. */
export const subtractLists = (a: ResourceList, b: ResourceList): ResourceList =>
  addLists(a, new Map([...b].map(([name, quantity]) => [name, negateQuantity(quantity)])));

/** `a - b`, never below zero. */
export function growth(a: ResourceList, b: ResourceList): ResourceList {
  const result = new Map<string, Quantity>();
  for (const [name, quantity] of a) {
    const before = b.get(name);
    const rest = before === undefined ? quantity : addQuantities(quantity, negateQuantity(before));
    result.set(name, rest.mantissa > 0n ? rest : zero);
  }
  return result;
}

export function maskList(list: ResourceList, names: { has(name: string): boolean }): ResourceList {
  return new Map([...list].filter(([name]) => names.has(name)));
}

export const withoutZeros = (list: ResourceList): ResourceList =>
  new Map([...list].filter(([, quantity]) => quantity.mantissa !== 0n));

export const negativeNames = (list: ResourceList): string[] =>
  [...list].filter(([, quantity]) => quantity.mantissa < 0n).map(([name]) => name);

/** The names in `limits` that `list` exceeds. */
export const exceededNames = (list: ResourceList, limits: ResourceList): string[] =>
  [...limits]
    .filter(([name, limit]) => {
      const value = list.get(name);
      return value !== undefined && compareQuantities(value, limit) > 0;
    })
    .map(([name]) => name);

/** Same names, same amounts. */
export const equalLists = (a: ResourceList, b: ResourceList): boolean =>
  a.size === b.size &&
  [...a].every(([name, quantity]) => {
    const other = b.get(name);
    return other !== undefined && compareQuantities(quantity, other) === 0;
  });

/** `cpu=1,memory=2Gi`, as refusals print it. */
export const listText = (list: ResourceList): string =>
  Object.entries(resourceListJson(list))
    .map(([name, text]) => `${name}=${text}`)
    .join(",");
