/** Problems of a value against its type, with structured-merge-diff's texts (typed.ValidationErrors). */

export interface TypedError {
  /** Such as `.spec.containers[name="a"]`; "" at the root. */
  readonly path: string;
  readonly text: string;
}

/** Most problems that are told: a hostile object must not make a text of megabytes. */
const maxErrors = 100;

export class TypedErrors extends Error {
  override readonly name = "TypedErrors";

  constructor(errors: readonly TypedError[]) {
    const texts = errors
      .slice(0, maxErrors)
      .map(({ path, text }) => (path === "" ? text : `${path}: ${text}`));
    super(texts.length === 1 ? texts[0]! : ["errors:", ...texts.map((text) => `  ${text}`)].join("\n"));
  }
}

/** An apply cannot be done; upstream's text, which clients see with status 500 and without a reason. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
}
