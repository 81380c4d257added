/** The type checker: writes types and overloads into the tree (cel-go's checker/checker.go), with its texts. */
import type {
  CallExpr,
  Expr,
  FoldExpr,
  ListExpr,
  LiteralExpr,
  MapExpr,
  SelectExpr,
  StructExpr,
  StructField,
} from "./ast.ts";
import { ident } from "./ast.ts";
import type { CheckerEnvironment } from "./checker-environment.ts";
import type { FunctionDeclaration, Overload } from "./functions.ts";
import { literalType } from "./literal-type.ts";
import type { Source } from "./source.ts";
import { isPatchWithout, noType } from "./structs.ts";
import {
  boolType,
  type CelType,
  dynType,
  errorType,
  formatType,
  intType,
  listType,
  mapType,
  optionalType,
  paramType,
  typeOf,
} from "./types.ts";
import { isDyn, isSameType, mostGeneral, optionalValue, Substitutions } from "./unify.ts";
import { forEachExpr, qualifiedName } from "./walk.ts";

/** Checks the tree in place. The result is its type, or undefined when issues were reported to the source. */
export function check(
  expr: Expr,
  source: Source,
  environment: CheckerEnvironment,
): { readonly type: CelType; readonly variables: ReadonlySet<string> } | undefined {
  const checker = new Checker(source, environment);
  checker.check(expr);
  if (source.hasIssues) return undefined;
  checker.finish(expr);
  return { type: expr.type!, variables: checker.used };
}

class Checker {
  readonly used = new Set<string>();
  readonly #source: Source;
  readonly #environment: CheckerEnvironment;
  readonly #substitutions = new Substitutions();
  /** Variables of macros, innermost last. */
  readonly #scopes: [name: string, type: CelType][] = [];
  #variables = 0;

  constructor(source: Source, environment: CheckerEnvironment) {
    this.#source = source;
    this.#environment = environment;
  }

  check(expr: Expr): void {
    switch (expr.kind) {
      case "literal":
        expr.type = literalType(expr);
        break;
      case "ident":
        this.#checkIdent(expr);
        break;
      case "select":
        this.#checkSelect(expr);
        break;
      case "call":
        this.#checkCall(expr);
        break;
      case "list":
        this.#checkList(expr);
        break;
      case "map":
        this.#checkMap(expr);
        break;
      case "struct":
        this.#checkStruct(expr);
        break;
      case "fold":
        this.#checkFold(expr);
        break;
      case "error":
        expr.type = errorType;
    }
  }

  /** Replaces type variables everywhere by what they turned out to be. */
  finish(expr: Expr): void {
    forEachExpr(expr, (node) => {
      if (node.type !== undefined) node.type = this.#substitutions.apply(node.type, true);
    });
  }

  #report(at: { readonly offset: number }, text: string): void {
    this.#source.report(at.offset, text);
  }

  #undeclared(at: Expr, name: string): void {
    this.#report(at, `undeclared reference to '${name}' (in container '')`);
    at.type = errorType;
  }

  #mismatch(at: Expr, expected: CelType, found: CelType): void {
    this.#report(at, `expected type '${formatType(expected)}' but found '${formatType(found)}'`);
  }

  /** The type of a variable or of a type's name. */
  #lookup(written: string): { name: string; type: CelType; isType: boolean } | undefined {
    const name = written.startsWith(".") ? written.slice(1) : written;
    const local = this.#scopes.findLast(([variable]) => variable === name);
    if (local !== undefined) return { name, type: local[1], isType: false };
    const variable = this.#environment.variables.get(name);
    if (variable !== undefined) {
      this.used.add(name);
      return { name, type: variable, isType: false };
    }
    const type = this.#environment.types.get(name) ?? this.#environment.structOf(name);
    return type === undefined ? undefined : { name, type: typeOf(type), isType: true };
  }

  #checkIdent(expr: Extract<Expr, { kind: "ident" }>): void {
    const found = this.#lookup(expr.name);
    if (found === undefined) {
      this.#undeclared(expr, expr.name);
      return;
    }
    expr.name = found.name;
    expr.type = found.type;
    if (found.isType) expr.typeName = found.type.parameters[0]!.name;
  }

  #checkSelect(expr: SelectExpr): void {
    const name = qualifiedName(expr);
    const found = name === undefined ? undefined : this.#lookup(name);
    if (found !== undefined) {
      expr.qualified = ident(expr.offset, found.name);
      expr.qualified.type = found.type;
      expr.type = found.type;
      if (found.isType) expr.qualified.typeName = found.type.parameters[0]!.name;
      return;
    }
    const type = this.#selectField(expr, expr.operand, expr.field, false);
    expr.type = expr.testOnly ? boolType : this.#substitutions.apply(type, false);
  }

  #selectField(at: Expr, operand: Expr, field: string, optional: boolean): CelType {
    this.check(operand);
    const operandType = this.#substitutions.apply(operand.type!, false);
    const unwrapped = optionalValue(operandType);
    const target = unwrapped ?? operandType;
    const result = this.#fieldType(at, target, field);
    return unwrapped !== undefined || optional ? optionalType(result) : result;
  }

  #fieldType(at: { readonly offset: number }, target: CelType, field: string): CelType {
    switch (target.kind) {
      case "map":
        return target.parameters[1]!;
      case "struct": {
        const found = this.#environment.fieldOf(target, field);
        if (found === "unresolved") {
          this.#report(at, `unexpected failed resolution of '${target.name}'`);
          return errorType;
        }
        if (found === undefined) {
          this.#report(at, `undefined field '${field}'`);
          return errorType;
        }
        return found.type;
      }
      case "param":
        this.#substitutions.isAssignable(dynType, target);
        return dynType;
      case "dyn":
      case "error":
        return dynType;
      default:
        this.#report(at, `type '${formatType(target)}' does not support field selection`);
        return dynType;
    }
  }

  #checkCall(expr: CallExpr): void {
    if (expr.fn === "_?._") {
      const [operand, field] = expr.args as [Expr, LiteralExpr];
      const type = this.#selectField(expr, operand, field.value as string, true);
      expr.type = this.#substitutions.apply(type, false);
      expr.overloads = ["select_optional_field"];
      return;
    }
    for (const arg of expr.args) this.check(arg);
    const { target } = expr;
    if (target === undefined) {
      const name = expr.fn.startsWith(".") ? expr.fn.slice(1) : expr.fn;
      const declared = this.#environment.functions.get(name);
      if (declared === undefined) {
        this.#undeclared(expr, expr.fn);
        return;
      }
      expr.fn = name;
      this.#resolve(expr, declared, undefined);
      return;
    }
    const prefix = qualifiedName(target);
    if (prefix !== undefined) {
      const name = `${prefix.startsWith(".") ? prefix.slice(1) : prefix}.${expr.fn}`;
      const declared = this.#environment.functions.get(name);
      if (declared !== undefined) {
        expr.fn = name;
        expr.target = undefined;
        this.#resolve(expr, declared, undefined);
        return;
      }
    }
    this.check(target);
    const declared = this.#environment.functions.get(expr.fn);
    if (declared === undefined) {
      this.#undeclared(expr, expr.fn);
      return;
    }
    this.#resolve(expr, declared, target);
  }

  #resolve(expr: CallExpr, declared: FunctionDeclaration, target: Expr | undefined): void {
    const operands = target === undefined ? expr.args : [target, ...expr.args];
    if (declared.name === "_&&_" || declared.name === "_||_") {
      this.#resolveLogic(expr, declared);
      return;
    }
    const argTypes = operands.map((operand) => operand.type!);
    const overloads: string[] = [];
    let result: CelType | undefined;
    for (const overload of declared.overloads) {
      if (overload.member !== (target !== undefined)) continue;
      const { params, type } = this.#instantiate(overload);
      if (!this.#substitutions.areAssignable(argTypes, params)) continue;
      overloads.push(overload.id);
      const overloadResult = this.#substitutions.apply(type, false);
      if (result === undefined) result = overloadResult;
      else if (!isDyn(result) && !isSameType(result, overloadResult)) result = dynType;
    }
    if (result === undefined) {
      const shown = argTypes.map((type) => formatType(this.#substitutions.apply(type, true)));
      const signature =
        target === undefined ? `(${shown.join(", ")})` : `${shown[0]}.(${shown.slice(1).join(", ")})`;
      this.#report(expr, `found no matching overload for '${declared.name}' applied to '${signature}'`);
      expr.type = errorType;
      return;
    }
    expr.overloads = overloads;
    expr.type = result;
  }

  #resolveLogic(expr: CallExpr, declared: FunctionDeclaration): void {
    expr.type = boolType;
    for (const arg of expr.args) {
      if (this.#substitutions.isAssignable(arg.type!, boolType)) continue;
      this.#mismatch(arg, boolType, arg.type!);
      expr.type = errorType;
    }
    expr.overloads = [declared.overloads[0]!.id];
  }

  /** The overload's types with fresh type variables. */
  #instantiate(overload: Overload): { params: readonly CelType[]; type: CelType } {
    if (overload.variables.length === 0) return { params: overload.params, type: overload.result };
    const fresh = new Substitutions();
    for (const name of overload.variables) fresh.isAssignable(this.#newVariable(), paramType(name));
    return {
      params: overload.params.map((type) => fresh.apply(type, false)),
      type: fresh.apply(overload.result, false),
    };
  }

  #newVariable(): CelType {
    return paramType(`_var${this.#variables++}`);
  }

  /** The type of what stands for an optional element or entry. */
  #unwrapOptional(value: Expr): CelType {
    const type = value.type!;
    const unwrapped = optionalValue(type);
    if (unwrapped !== undefined) return unwrapped;
    if (!isDyn(type)) this.#mismatch(value, optionalType(type), type);
    return type;
  }

  #checkList(expr: ListExpr): void {
    let elementType: CelType | undefined;
    for (const [index, element] of expr.elements.entries()) {
      this.check(element);
      const type = expr.optionals.has(index) ? this.#unwrapOptional(element) : element.type!;
      elementType = this.#join(elementType, type);
    }
    expr.type = listType(elementType ?? this.#newVariable());
  }

  #checkMap(expr: MapExpr): void {
    let keyType: CelType | undefined;
    let valueType: CelType | undefined;
    for (const { key, value, optional } of expr.entries) {
      this.check(key);
      keyType = this.#join(keyType, key.type!);
      this.check(value);
      valueType = this.#join(valueType, optional ? this.#unwrapOptional(value) : value.type!);
    }
    expr.type = mapType(keyType ?? this.#newVariable(), valueType ?? this.#newVariable());
  }

  /** The common type of elements. Where they must agree is the validators' matter. */
  #join(previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current;
    return this.#substitutions.isAssignable(previous, current) ? mostGeneral(previous, current) : dynType;
  }

  #checkStruct(expr: StructExpr): void {
    const found = this.#lookup(expr.typeName);
    if (found === undefined) {
      this.#undeclared(expr, expr.typeName);
      return;
    }
    let type: CelType = errorType;
    if (!found.isType) this.#report(expr, `'${found.type.name}' is not a type`);
    else if (found.type.parameters[0]!.kind === "struct") type = found.type.parameters[0]!;
    else this.#report(expr, `'${found.type.parameters[0]!.name}' is not a message type`);
    expr.type = type;
    for (const field of expr.fields) {
      this.check(field.value);
      const fieldType = this.#structFieldType(found, type, field);
      const valueType = field.optional ? this.#unwrapOptional(field.value) : field.value.type!;
      if (this.#substitutions.isAssignable(fieldType, valueType)) continue;
      this.#report(
        field,
        `expected type of field '${field.name}' is '${formatType(fieldType)}' but provided type is '${formatType(valueType)}'`,
      );
    }
  }

  #structFieldType(found: { name: string; isType: boolean }, type: CelType, field: StructField): CelType {
    if (isPatchWithout(type, field.name)) return noType;
    if (type.kind === "struct") return this.#fieldType(field, type, field.name);
    const unknown = found.isType
      ? `undefined field '${field.name}'`
      : `unexpected failed resolution of '${found.name}'`;
    this.#report(field, unknown);
    return errorType;
  }

  #checkFold(expr: FoldExpr): void {
    this.check(expr.range);
    this.check(expr.initial);
    const rangeType = this.#substitutions.apply(expr.range.type!, false);
    const accumulatorType = expr.initial.type!;
    this.#scopes.push([expr.accumulator, accumulatorType]);
    const types = this.#iterationTypes(expr, rangeType);
    this.#scopes.push([expr.variable, types[0]]);
    if (expr.variable2 !== undefined) this.#scopes.push([expr.variable2, types[1]]);
    this.check(expr.condition);
    this.#assertType(expr.condition, boolType);
    this.check(expr.step);
    this.#assertType(expr.step, accumulatorType);
    this.#scopes.length -= expr.variable2 === undefined ? 1 : 2;
    this.check(expr.result);
    this.#scopes.length--;
    expr.type = this.#substitutions.apply(expr.result.type!, false);
  }

  /** Types of the first and the second variable. */
  #iterationTypes(expr: FoldExpr, range: CelType): [CelType, CelType] {
    switch (range.kind) {
      case "list": {
        const element = range.parameters[0]!;
        return expr.variable2 === undefined ? [element, element] : [intType, element];
      }
      case "map":
        return [range.parameters[0]!, range.parameters[1]!];
      case "dyn":
      case "error":
      case "param":
        this.#substitutions.isAssignable(dynType, range);
        return [dynType, dynType];
      default:
        this.#report(
          expr.range,
          `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [errorType, errorType];
    }
  }

  #assertType(expr: Expr, wanted: CelType): void {
    if (!this.#substitutions.isAssignable(wanted, expr.type!)) this.#mismatch(expr, wanted, expr.type!);
  }
}
