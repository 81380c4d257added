/** What names mean to the checker. */
import type { FunctionDeclaration } from "./functions.ts";
import type { StructConstructor } from "./structs.ts";
import type { CelField, CelType } from "./types.ts";

/** What the checker looks names up in. */
export interface CheckerEnvironment {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  /** Types by the names that expressions may use for them. */
  readonly types: ReadonlyMap<string, CelType>;
  /** Object types that expressions may construct, or undefined. */
  structOf(name: string): CelType | undefined;
  /** A field of an object type; "unresolved" when the type has no known fields at all. */
  fieldOf(type: CelType, field: string): CelField | undefined | "unresolved";
  /** Makes objects; absent where expressions construct none. */
  readonly construct: StructConstructor | undefined;
}
