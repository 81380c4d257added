/**
 * Declarations of functions: their overloads for the checker, their code for the evaluator. Signatures are written as
 * text, `string.(int): string` for a member, `(A, list(A)): bool` for a global function; capital letters are type variables.
 */
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  nullType,
  optionalType,
  paramType,
  stringType,
  timestampType,
  typeOf,
  uintType,
} from "./types.ts";
import type { CelResult, CelValue } from "./values.ts";

/** The code of a function. Errors among the arguments have been answered already. */
export type Implementation = (...args: CelValue[]) => CelResult;

export interface Overload {
  readonly id: string;
  readonly member: boolean;
  /** The first is the target of a member. */
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** Names of type variables. */
  readonly variables: readonly string[];
  /** Absent when the function has one code for all overloads, or the evaluator knows it. */
  readonly implementation?: Implementation;
}

export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
  /** One code for all overloads; it looks at its arguments itself. */
  readonly singleton?: Implementation;
  /** The codes of overloads look at their arguments themselves, unless the overload is chosen at run time. */
  readonly unguarded?: boolean;
}

const namedTypes = new Map<string, CelType>(
  Object.entries({
    bool: boolType,
    int: intType,
    uint: uintType,
    double: doubleType,
    string: stringType,
    bytes: bytesType,
    null: nullType,
    dyn: dynType,
    duration: durationType,
    timestamp: timestampType,
  }),
);

/** Reads a signature. `named` gives the types of libraries by the names that signatures use. */
function parseSignature(signature: string, named: ReadonlyMap<string, CelType>) {
  let at = 0;
  const variables = new Set<string>();
  const expect = (text: string): boolean => {
    if (!signature.startsWith(text, at)) return false;
    at += text.length;
    return true;
  };
  const types = (): CelType[] => {
    const parsed: CelType[] = [];
    if (expect(")")) return parsed;
    do parsed.push(type());
    while (expect(", "));
    expect(")");
    return parsed;
  };
  const type = (): CelType => {
    const name = /^[A-Za-z]+/.exec(signature.slice(at))![0];
    at += name.length;
    const parameters = expect("(") ? types() : [];
    if (name === "list") return listType(parameters[0]!);
    if (name === "map") return mapType(parameters[0]!, parameters[1]!);
    if (name === "optional") return optionalType(parameters[0]!);
    if (name === "type") return typeOf(parameters[0]!);
    if (/^[A-Z]$/.test(name)) {
      variables.add(name);
      return paramType(name);
    }
    const known = namedTypes.get(name) ?? named.get(name);
    if (known === undefined) throw new Error(`CEL signature ${signature}: no type ${name}`);
    return known;
  };
  const member = !signature.startsWith("(");
  const params = member ? [type()] : [];
  expect(".");
  expect("(");
  params.push(...types());
  expect(": ");
  const result = type();
  return { member, params, result, variables: [...variables] };
}

export type OverloadSpec = readonly [id: string, signature: string, implementation?: Implementation];

const noNames: ReadonlyMap<string, CelType> = new Map();

/** Declares a function with its overloads, in upstream's order. */
export function declare(
  name: string,
  specs: readonly OverloadSpec[],
  options: {
    readonly singleton?: Implementation;
    readonly unguarded?: boolean;
    readonly types?: ReadonlyMap<string, CelType>;
  } = {},
): FunctionDeclaration {
  const { types = noNames, ...rest } = options;
  const overloads = specs.map(([id, signature, implementation]) => ({
    id,
    ...parseSignature(signature, types),
    ...(implementation === undefined ? {} : { implementation }),
  }));
  return { name, overloads, ...rest };
}

/** Functions by name; overloads of functions that several libraries declare come in the order of the libraries. */
export function functionTable(
  ...libraries: readonly (readonly FunctionDeclaration[])[]
): ReadonlyMap<string, FunctionDeclaration> {
  const table = new Map<string, FunctionDeclaration>();
  for (const declaration of libraries.flat()) {
    const known = table.get(declaration.name);
    table.set(
      declaration.name,
      known === undefined
        ? declaration
        : { ...known, ...declaration, overloads: [...known.overloads, ...declaration.overloads] },
    );
  }
  return table;
}
