/** Label selectors: `app=web,tier in (a,b),!old` (apimachinery pkg/labels). */
import { compareBytes } from "#base/bytes.ts";
import { badRequest } from "#machinery/errors/errors.ts";
import { parseLabelSelector, SelectorSyntaxError } from "#machinery/selectors/label-parser.ts";
import {
  holds,
  type LabelRequirement,
  type Labels,
  neededBytes,
  requirementText,
} from "#machinery/selectors/label-requirement.ts";

/** All requirements must hold. Requirements are ordered by key. */
export class LabelSelector {
  readonly requirements: readonly LabelRequirement[];
  /** Bytes without which a stored object cannot match: the quoted keys of requirements that need their key. */
  readonly #needed: readonly Buffer[];

  constructor(requirements: readonly LabelRequirement[]) {
    this.requirements = [...requirements].sort((a, b) => compareBytes(a.key, b.key));
    this.#needed = this.requirements.flatMap(neededBytes);
  }

  /** Throws a 400 StatusError with upstream's text. */
  static parse(text: string): LabelSelector {
    try {
      return new LabelSelector(parseLabelSelector(text));
    } catch (error) {
      if (error instanceof SelectorSyntaxError) throw badRequest(error.message);
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    return this.requirements.every((requirement) => holds(requirement, labels));
  }

  /**
   * A cheap look at the stored JSON: false only if the object certainly does not match. Label keys and values are ASCII
   * without quotes and backslashes, so JSON writes them as they are.
   */
  mayMatchBytes(value: Buffer): boolean {
    for (const bytes of this.#needed) if (!value.includes(bytes)) return false;
    return true;
  }

  /** The one value that the label must have, if the first requirement on it says so. */
  requiresExactMatch(label: string): string | undefined {
    const first = this.requirements.find(({ key }) => key === label);
    if (first === undefined || first.values.length !== 1) return undefined;
    return ["=", "==", "in"].includes(first.operator) ? first.values[0] : undefined;
  }

  toString(): string {
    return this.requirements.map(requirementText).join(",");
  }
}
