/** The grammar of label selectors, with upstream's error texts (apimachinery pkg/labels: Parser). */
import { compareBytes } from "#base/bytes.ts";
import { fieldErrorText, fieldInvalid } from "#machinery/errors/field-error.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { type Token, type TokenType, tokens } from "#machinery/selectors/label-lexer.ts";
import {
  type LabelOperator,
  type LabelRequirement,
  requirementErrorText,
} from "#machinery/selectors/label-requirement.ts";

export class SelectorSyntaxError extends Error {
  override readonly name = "SelectorSyntaxError";
}

const operators: ReadonlyMap<TokenType, LabelOperator> = new Map<TokenType, LabelOperator>([
  ["in", "in"],
  ["=", "="],
  ["==", "=="],
  [">", "gt"],
  ["<", "lt"],
  ["notin", "notin"],
  ["!=", "!="],
]);
const operatorNames = "in, notin, =, ==, !=, gt, lt";

/** The requirements in the order written. Throws {@link SelectorSyntaxError}. */
export function parseLabelSelector(text: string): LabelRequirement[] {
  return new Parser(tokens(text)).parse();
}

const fail = (message: string): never => {
  throw new SelectorSyntaxError(message);
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { type, text } = this.#peek();
      if (type === "end") return requirements;
      if (type !== "identifier" && type !== "!")
        fail(`found '${text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#wrapped());
      const next = this.#take();
      if (next.type === "end") return requirements;
      if (next.type !== ",") fail(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.type !== "identifier" && after.type !== "!") {
        fail(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  #wrapped(): LabelRequirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (error instanceof SelectorSyntaxError) fail(`unable to parse requirement: ${error.message}`);
      throw error;
    }
  }

  #requirement(): LabelRequirement {
    let token = this.#take();
    const negated = token.type === "!";
    if (negated) token = this.#take();
    if (token.type !== "identifier") fail(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const keyErrors = qualifiedNameErrors(key);
    if (keyErrors.length > 0) fail(fieldErrorText(fieldInvalid(undefined, key, keyErrors.join("; "))));
    const next = this.#peek().type;
    // After `!key` upstream also takes whatever follows for the end; the caller then refuses it.
    if (negated) return checked({ key, operator: "!", values: [] });
    if (next === "end" || next === ",") return checked({ key, operator: "exists", values: [] });
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#valueList() : [this.#exactValue()];
    return checked({ key, operator, values: [...new Set(values)].sort(compareBytes) });
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#at++]!;
    return operators.get(token.type) ?? fail(`found '${token.text}', expected: ${operatorNames}`);
  }

  #exactValue(): string {
    const next = this.#peek().type;
    if (next === "end" || next === ",") return "";
    const token = this.#take();
    if (token.type !== "identifier") fail(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  /** `(a,b)`; empty places mean the empty value. */
  #valueList(): string[] {
    const open = this.#take();
    if (open.type !== "(") fail(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.type === ")") {
      this.#take();
      return [""];
    }
    if (first.type !== "identifier" && first.type !== ",") {
      fail(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token.type === "identifier") {
        values.push(token.text);
        const after = this.#peek();
        if (after.type === ")") break;
        if (after.type !== ",") fail(`found '${after.text}', expected: ',' or ')'`);
      } else if (token.type === ",") {
        if (values.length === 0) values.push("");
        const after = this.#peek().type;
        if (after === ")" || after === ",") values.push("");
        if (after === ")") break;
      } else fail(`found '${token.text}', expected: ',', or identifier`);
    }
    this.#take();
    return values;
  }

  /** Where a value or key may stand, `in` and `notin` are words like others. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
    return token.type === "in" || token.type === "notin" ? { type: "identifier", text: token.text } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }
}

function checked(requirement: LabelRequirement): LabelRequirement {
  const error = requirementErrorText(requirement);
  return error === undefined ? requirement : fail(error);
}
