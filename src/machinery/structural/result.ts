/** The outcome of validating one value against one schema, with what is needed to pick the telling errors of an anyOf. */
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
  fieldTypeInvalid,
} from "#machinery/errors/field-error.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { goJson } from "#machinery/json/write.ts";
import { shownValue } from "./numbers.ts";

/** An error before it has a place in an object: `at` is the path from where the validation started, `""` for its root. */
export interface Finding {
  readonly kind: "required" | "enum" | "too-long" | "too-many" | "type" | "invalid" | "composite";
  readonly at: string;
  /** Upstream's text; equal texts are told once. */
  readonly text: string;
  readonly value?: unknown;
  readonly limit?: number;
  readonly allowed?: readonly JsonValue[];
}

/** More errors of one object are not collected: the answer would be larger than the request. */
const maxFindings = 1_000;

export class Result {
  readonly findings: Finding[] = [];
  /** Checks that passed or were made, as upstream counts them: the best branch of an anyOf or oneOf has the most. */
  matches = 0;
  #texts: Set<string> | undefined;

  get isValid(): boolean {
    return this.findings.length === 0;
  }

  add(finding: Finding): void {
    const { findings } = this;
    if (findings.length >= maxFindings) return;
    if (findings.length < 8) {
      if (findings.some((known) => known.text === finding.text)) return;
    } else {
      this.#texts ??= new Set(findings.map((known) => known.text));
      if (this.#texts.has(finding.text)) return;
      this.#texts.add(finding.text);
    }
    findings.push(finding);
  }

  merge(other: Result): void {
    for (const finding of other.findings) this.add(finding);
    this.matches += other.matches;
  }

  /** The same without its errors: they concern what has not changed. */
  ratcheted(): Result {
    const result = new Result();
    result.matches = this.matches;
    return result;
  }
}

/** `base` is put before every path. */
export function toFieldErrors(result: Result, base: string | undefined): FieldError[] {
  return result.findings.map((finding) => {
    const { kind, text } = finding;
    if (kind === "composite") return fieldInvalid(base, "", text);
    const name = finding.at.startsWith(".") ? finding.at.slice(1) : finding.at;
    const where =
      finding.at === "" || finding.at === "." ? base : base === undefined ? name : `${base}.${name}`;
    const value = finding.value ?? "";
    switch (kind) {
      case "required":
        return fieldRequired(where);
      case "enum":
        return fieldNotSupported(
          where,
          shownValue((finding.value ?? null) as JsonValue),
          (finding.allowed ?? []).map(enumText),
        );
      case "too-long":
        return fieldTooLong(where, finding.limit ?? -1);
      case "too-many":
        return fieldTooMany(where, Number(value), finding.limit ?? -1);
      case "type":
        return fieldTypeInvalid(where, value, text);
      default:
        return fieldInvalid(where, typeof value === "bigint" ? value : shownValue(value as JsonValue), text);
    }
  });
}

const enumText = (value: JsonValue): string => (typeof value === "string" ? value : goJson(value));
