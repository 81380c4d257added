/** IntOrString: a number or a string, often a percentage (apimachinery pkg/util/intstr). */

export type IntOrString = number | string;

const maxInt32 = 2 ** 31 - 1;

/** True for an int32 or any string. */
export const isIntOrString = (value: unknown): value is IntOrString =>
  typeof value === "string" ||
  (typeof value === "number" && Number.isInteger(value) && value >= -maxInt32 - 1 && value <= maxInt32);

/** The number of `25%`; undefined for what is no percentage. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value !== "string" || !/^[+-]?[0-9]{1,10}%$/.test(value)) return undefined;
  return Number(value.slice(0, -1));
}

/** An int is itself; a percentage is that part of `total`, rounded up or down. Undefined for other strings. */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number | undefined {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  // Divided last, as in Go: 7% of 100 is 7 and not 7.000000000000001.
  const exact = (percent * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}
