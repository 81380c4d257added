/** Assignability and substitution of types with variables (cel-go's checker/types.go). */
import { type CelType, dynType, listType, mapType, opaqueType, optionalTypeName, typeOf } from "./types.ts";

export const isDyn = (type: CelType): boolean => type.kind === "dyn";
const isDynOrError = (type: CelType): boolean => type.kind === "dyn" || type.kind === "error";

/** The value type of an optional, undefined for other types. */
export function optionalValue(type: CelType): CelType | undefined {
  return type.kind === "opaque" && type.name === optionalTypeName ? type.parameters[0] : undefined;
}

/** Same kind, name and parameters. */
export function isSameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.name !== b.name || a.parameters.length !== b.parameters.length) return false;
  return a.parameters.every((parameter, index) => isSameType(parameter, b.parameters[index]!));
}

/** Whether `a` says no more than `b`. */
function isEqualOrLessSpecific(a: CelType, b: CelType): boolean {
  if (isDyn(a) || a.kind === "param") return true;
  if (isDyn(b) || b.kind === "param") return false;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case "opaque":
      if (a.name !== b.name || a.parameters.length !== b.parameters.length) return false;
      return a.parameters.every((parameter, index) => isEqualOrLessSpecific(parameter, b.parameters[index]!));
    case "list":
    case "map":
      return a.parameters.every((parameter, index) => isEqualOrLessSpecific(parameter, b.parameters[index]!));
    case "type":
      return true;
    default:
      return isSameType(a, b);
  }
}

export const mostGeneral = (a: CelType, b: CelType): CelType => (isEqualOrLessSpecific(a, b) ? a : b);

const nullableKinds = new Set(["opaque", "struct", "duration", "timestamp", "null", "dyn"]);

/** What type variables stand for so far. Changes of an attempt that fails are undone. */
export class Substitutions {
  readonly #bound = new Map<string, CelType>();
  /** What each change replaced, to undo it. */
  readonly #trail: [name: string, previous: CelType | undefined][] = [];

  find(type: CelType): CelType | undefined {
    return type.kind === "param" ? this.#bound.get(type.name) : undefined;
  }

  #bind(name: string, type: CelType): void {
    this.#trail.push([name, this.#bound.get(name)]);
    this.#bound.set(name, type);
  }

  #undo(mark: number): void {
    while (this.#trail.length > mark) {
      const [name, previous] = this.#trail.pop()!;
      if (previous === undefined) this.#bound.delete(name);
      else this.#bound.set(name, previous);
    }
  }

  /** Whether a value of type `from` may stand where `to` is wanted; binds variables when it may. */
  isAssignable(from: CelType, to: CelType): boolean {
    const mark = this.#trail.length;
    if (this.#assign(from, to)) return this.#keep();
    this.#undo(mark);
    return false;
  }

  areAssignable(from: readonly CelType[], to: readonly CelType[]): boolean {
    const mark = this.#trail.length;
    if (this.#assignAll(from, to)) return this.#keep();
    this.#undo(mark);
    return false;
  }

  #keep(): true {
    this.#trail.length = 0;
    return true;
  }

  #assignAll(from: readonly CelType[], to: readonly CelType[]): boolean {
    return from.length === to.length && from.every((type, index) => this.#assign(type, to[index]!));
  }

  #assign(from: CelType, to: CelType): boolean {
    if (to.kind === "param") {
      const found = this.#substitute(from, to);
      if (found.valid) return true;
      if (found.bound) return false;
    }
    if (from.kind === "param") return this.#substitute(to, from).valid;
    if (isDynOrError(from) || isDynOrError(to)) return true;
    if (from.kind === "null") return nullableKinds.has(to.kind);
    if (to.kind === "null") return nullableKinds.has(from.kind);
    switch (from.kind) {
      case "type":
        return to.kind === "type";
      case "opaque":
      case "list":
      case "map":
        return (
          from.kind === to.kind && from.name === to.name && this.#assignAll(from.parameters, to.parameters)
        );
      default:
        return isSameType(from, to);
    }
  }

  /** Whether the variable may stand for the type, and whether it stood for something already. */
  #substitute(type: CelType, variable: CelType): { valid: boolean; bound: boolean } {
    if (isSameType(type, variable)) return { valid: true, bound: true };
    const bound = this.find(variable);
    if (bound !== undefined) {
      if (isSameType(type, bound)) return { valid: true, bound: true };
      if (!this.#assign(type, bound)) return { valid: false, bound: true };
      const general = mostGeneral(type, bound);
      if (this.#doesNotOccur(variable, general)) this.#bind(variable.name, general);
      return { valid: true, bound: true };
    }
    if (!this.#doesNotOccur(variable, type)) return { valid: false, bound: false };
    this.#bind(variable.name, type);
    return { valid: true, bound: false };
  }

  #doesNotOccur(variable: CelType, within: CelType): boolean {
    if (isSameType(variable, within)) return false;
    if (within.kind === "param") {
      const bound = this.find(within);
      return bound === undefined || this.#doesNotOccur(variable, bound);
    }
    return within.parameters.every((parameter) => this.#doesNotOccur(variable, parameter));
  }

  /** The type with variables replaced by what they stand for; free ones stay, or become dyn. */
  apply(type: CelType, freeToDyn: boolean): CelType {
    const bound = this.find(type);
    if (bound !== undefined) return this.apply(bound, freeToDyn);
    if (type.kind === "param") return freeToDyn ? dynType : type;
    if (type.parameters.length === 0) return type;
    const parameters = type.parameters.map((parameter) => this.apply(parameter, freeToDyn));
    if (parameters.every((parameter, index) => parameter === type.parameters[index])) return type;
    switch (type.kind) {
      case "list":
        return listType(parameters[0]!);
      case "map":
        return mapType(parameters[0]!, parameters[1]!);
      case "type":
        return typeOf(parameters[0]!);
      default:
        return opaqueType(type.name, ...parameters);
    }
  }
}
