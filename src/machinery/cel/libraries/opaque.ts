/** Types of libraries' values: object types whose fields nobody can select. */
import type { CelType } from "../types.ts";

export function opaqueStruct(name: string): CelType {
  return { kind: "struct", name, parameters: [], maxElements: 0, minSerializedSize: 0 };
}
