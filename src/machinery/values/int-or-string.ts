/** IntOrString: a number or a string, often a percentage (apimachinery pkg/util/intstr). */

export type IntOrString = number | string;

const maxInt32 = 2 ** 31 - 1;

/** True for an int32 or any string. */
export const isIntOrString = (value: unknown): value is IntOrString =>
  typeof value === "string" ||
  (typeof value === "number" && Number.isInteger(value) && value >= -maxInt32 - 1 && value <= maxInt32);
