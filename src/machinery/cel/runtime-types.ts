/** Whether a value may be an argument of a type (cel-go's IsAssignableRuntimeType): elements are told by the first. */
import { typeName } from "./operations.ts";
import type { CelType } from "./types.ts";
import { CelError, CelList, CelMap, type CelResult } from "./values.ts";

export function isRuntimeType(type: CelType, value: CelResult): boolean {
  if (value instanceof CelError) return false;
  if (type.kind === "dyn" || type.kind === "param") return true;
  if (type.name !== typeName(value)) return false;
  if (type.kind === "list" && value instanceof CelList)
    return value.size === 0 || isRuntimeType(type.parameters[0]!, value.get(0));
  if (type.kind === "map" && value instanceof CelMap) {
    for (const key of value.keys()) {
      const found = value.find(key);
      return (
        isRuntimeType(type.parameters[0]!, key) &&
        found !== undefined &&
        isRuntimeType(type.parameters[1]!, found)
      );
    }
  }
  return true;
}
