/** The rules of one schema node: their form, whether they compile, and what they may cost. */

import { trimSpace } from "#base/spaces.ts";
import { staticCostLimit } from "#machinery/cel/cel.ts";
import {
  type FieldError,
  fieldForbidden,
  fieldInternalError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { followFieldPath, type PathSchema } from "#machinery/structural/field-path.ts";
import { compileRules } from "#machinery/structural/rule-programs.ts";
import { goRule } from "./go-value.ts";
import type { Props, RuleProps } from "./props.ts";
import { costError, type RuleScope } from "./rule-scope.ts";
import { unsupportedFeature } from "./structural.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

const hasLineBreaks = (text: string): boolean => /[\n\r]/.test(text);

/** Paths walk the properties of a schema. */
export const propsPath: PathSchema<Props> = {
  property: (props, name) => props.properties?.get(name),
  hasProperties: (props) => props.properties !== undefined,
  additional: (props) =>
    props.additionalProperties === undefined ? undefined : (props.additionalProperties.schema ?? null),
};

/** What is wrong with the texts of the rules at `path`. */
export function ruleTextErrors(props: Props, path: string): FieldError[] {
  return (props.validations ?? []).flatMap((rule, i) =>
    oneRule(rule, props, `${path}.x-kubernetes-validations[${i}]`),
  );
}

function oneRule(rule: RuleProps, props: Props, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const text = trimSpace(rule.rule);
  const message = trimSpace(rule.message);
  if (text === "") errors.push(fieldRequired(`${path}.rule`, "rule is not specified"));
  else if (rule.message !== "" && message === "") {
    errors.push(fieldInvalid(`${path}.message`, rule.message, "must be non-empty if specified"));
  } else if (hasLineBreaks(message)) {
    errors.push(fieldInvalid(`${path}.message`, rule.message, "must not contain line breaks"));
  } else if (hasLineBreaks(text) && message === "") {
    errors.push(fieldRequired(`${path}.message`, "message must be specified if rule contains line breaks"));
  }
  if (rule.messageExpression !== "" && trimSpace(rule.messageExpression) === "") {
    const detail = "messageExpression must be non-empty if specified";
    errors.push(fieldRequired(`${path}.messageExpression`, detail));
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    errors.push(fieldNotSupported(`${path}.reason`, rule.reason, reasons));
  }
  errors.push(...fieldPathErrors(rule.fieldPath, props, `${path}.fieldPath`));
  return errors;
}

function fieldPathErrors(fieldPath: string, props: Props, path: string): FieldError[] {
  if (fieldPath === "") return [];
  const errors: FieldError[] = [];
  const invalid = (detail: string): void => {
    errors.push(fieldInvalid(path, fieldPath, detail));
  };
  if (trimSpace(fieldPath) === "") invalid("must be non-empty if specified");
  if (hasLineBreaks(fieldPath)) invalid("must not contain line breaks");
  const isReadable = unsupportedFeature(props) === undefined;
  if (isReadable && followFieldPath(fieldPath, props, propsPath, true) instanceof Error) {
    invalid("must be a valid path");
  }
  return errors;
}

export interface RuleCheckOptions {
  /** The schema is as it was: what its rules may cost has been decided before. */
  readonly costsWereAccepted: boolean;
  readonly isRoot: boolean;
  /** The part of the schema inside which values cannot be matched with old ones. */
  readonly uncorrelatable: string | undefined;
}

/** What is wrong with the rules themselves. */
export function ruleErrors(
  props: Props,
  scope: RuleScope,
  path: string,
  options: RuleCheckOptions,
): FieldError[] {
  const rules = props.validations ?? [];
  const base = `${path}.x-kubernetes-validations`;
  const type = scope.typeOf(options.isRoot);
  if (type === undefined) {
    const detail =
      "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
    return [fieldInternalError(base, detail)];
  }
  const errors: FieldError[] = [];
  compileRules(rules, type).forEach((compiled, i) => {
    const rule = rules[i]!;
    const at = `${base}[${i}]`;
    const limit = (name: string, key: string, cost: number): void => {
      if (!options.costsWereAccepted && cost > staticCostLimit) {
        errors.push(
          fieldForbidden(`${at}.${key}`, costError(`estimated ${name} cost`, cost, staticCostLimit)),
        );
      }
      scope.costs.add(`${at}.${key}`, cost);
    };
    limit("rule", "rule", compiled.maxCost * (scope.maxCardinality ?? compiled.maxCardinality));
    if (compiled.error !== undefined) errors.push(fieldInvalid(`${at}.rule`, goRule(rule), compiled.error));
    if (compiled.messageError !== undefined) {
      errors.push(fieldInvalid(`${at}.messageExpression`, goRule(rule), compiled.messageError));
    } else if (compiled.message !== undefined) {
      limit("messageExpression", "messageExpression", compiled.messageMaxCost);
    }
    if (compiled.usesOldSelf) {
      if (options.uncorrelatable !== undefined) {
        const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${options.uncorrelatable}`;
        errors.push(fieldInvalid(`${at}.rule`, rule.rule, detail));
      }
    } else if (rule.optionalOldSelf !== undefined) {
      const detail = "may not be set if oldSelf is not used in rule";
      errors.push(fieldInvalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, detail));
    }
  });
  return errors;
}
