/** Objects that expressions make, as `Object{spec: Object.spec{replicas: 1}}` of mutating policies. */
import type { CelResult, CelValue } from "./values.ts";

/** Makes an object of a type from its fields. */
export type StructConstructor = (typeName: string, fields: ReadonlyMap<string, CelValue>) => CelResult;
