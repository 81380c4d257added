/** Fields of object types by the names that expressions use. */
import { isReserved } from "./escape.ts";
import type { CelField, CelType } from "./types.ts";

/** A field by its escaped name, or by its plain one where the grammar allows it (`namespace`). */
export function fieldOf(type: CelType, name: string): CelField | undefined {
  return type.fields?.get(name) ?? (isReserved(name) ? type.fields?.get(`__${name}__`) : undefined);
}
