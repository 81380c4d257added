/** Compiling `x-kubernetes-validations` (apiextensions-apiserver pkg/apiserver/schema/cel/compilation.go). */

import { trimSpace } from "#base/spaces.ts";
import { type CelEnvironment, type CelProgram, createCelEnvironment } from "#machinery/cel/cel.ts";
import { CelCompileError } from "#machinery/cel/errors.ts";
import { type CelType, maxRequestSizeBytes, optionalType } from "#machinery/cel/types.ts";
import type { Rule, SchemaNode } from "./node.ts";
import { celTypeOfNode } from "./node-type.ts";

export interface RuleProgram {
  /** Absent for an empty rule, and for one that does not compile. */
  readonly program?: CelProgram;
  /** Upstream's text. */
  readonly error?: string;
  readonly usesOldSelf: boolean;
  readonly maxCost: number;
  /** How often a value of this size fits into the largest request. */
  readonly maxCardinality: number;
  readonly message?: CelProgram;
  readonly messageError?: string;
  readonly messageMaxCost: number;
}

/** One for each rule. `type` of the value that the rules are about. */
export function compileRules(rules: readonly Rule[], type: CelType): RuleProgram[] {
  const known = new Map<boolean, CelEnvironment>();
  const environment = (optional: boolean): CelEnvironment => {
    let environment = known.get(optional);
    if (environment === undefined) {
      const variables = new Map([
        ["self", type],
        ["oldSelf", optional ? optionalType(type) : type],
      ]);
      environment = createCelEnvironment({ variables });
      known.set(optional, environment);
    }
    return environment;
  };
  const maxCardinality = Math.floor(maxRequestSizeBytes / (type.minSerializedSize + 1));
  return rules.map((rule) => {
    const env = environment(rule.optionalOldSelf === true);
    return { maxCardinality, ...compileRule(rule, (text) => env.compile(text)) };
  });
}

function compileRule(rule: Rule, compile: (text: string) => CelProgram): Omit<RuleProgram, "maxCardinality"> {
  const nothing = { usesOldSelf: false, maxCost: 0, messageMaxCost: 0 };
  if (trimSpace(rule.rule) === "") return nothing;
  const program = tryCompile(rule.rule, compile);
  if (program.type !== undefined && program.type.kind !== "bool")
    return { ...nothing, error: "cel expression must evaluate to a bool" };
  if (program instanceof CelCompileError) return { ...nothing, error: failure(program) };
  const compiled = {
    program,
    usesOldSelf: program.variables.has("oldSelf"),
    maxCost: program.estimateCost().max,
    messageMaxCost: 0,
  };
  if (rule.messageExpression === undefined || rule.messageExpression === "") return compiled;
  const message = tryCompile(rule.messageExpression, compile);
  if (message.type !== undefined && message.type.kind !== "string") {
    return { ...compiled, messageError: "messageExpression must evaluate to a string" };
  }
  if (message instanceof CelCompileError) {
    const failed = message.phase === "check" ? "compilation failed" : "instantiation failed";
    return { ...compiled, messageError: `messageExpression ${failed}: ${message.message}` };
  }
  return { ...compiled, message, messageMaxCost: message.estimateCost().max };
}

const failure = ({ phase, message }: CelCompileError): string =>
  `${phase === "check" ? "compilation failed" : "program instantiation failed"}: ${message}`;

function tryCompile(text: string, compile: (text: string) => CelProgram): CelProgram | CelCompileError {
  try {
    return compile(text);
  } catch (error) {
    if (error instanceof CelCompileError) return error;
    throw error;
  }
}

interface NodeRules {
  readonly type: CelType;
  readonly programs: readonly RuleProgram[];
}

/** Compiled rules of a schema, made when a value of theirs first comes along. */
export class RulePrograms {
  /** Of values that are whole resources, which show their metadata to expressions; and of all others. */
  #resources: Map<SchemaNode, NodeRules | undefined> | undefined;
  #values: Map<SchemaNode, NodeRules | undefined> | undefined;

  of(node: SchemaNode, isResource: boolean): NodeRules | undefined {
    const known = isResource ? this.#resources : this.#values;
    if (known?.has(node) === true) return known.get(node);
    const type = celTypeOfNode(node, { isResourceRoot: isResource, typeName: "selfType" });
    const compiled =
      type === undefined ? undefined : { type, programs: compileRules(node.rules ?? [], type) };
    const kept = known ?? new Map<SchemaNode, NodeRules | undefined>();
    kept.set(node, compiled);
    if (isResource) this.#resources = kept;
    else this.#values = kept;
    return compiled;
  }
}
