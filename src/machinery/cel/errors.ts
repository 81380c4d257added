/** What compiling and evaluating expressions may throw: these three and nothing else, whatever the expression. */
import type { CelType } from "./types.ts";

/** One finding of the parser or the checker. */
export interface CelIssue {
  /** From 1; 0 or less when the finding has no place. */
  readonly line: number;
  /** In code points, from 0; -1 when the finding has no place. */
  readonly column: number;
  readonly text: string;
}

/** An expression that does not compile. The message is upstream's: each issue with its line and a caret below. */
export class CelCompileError extends Error {
  readonly issues: readonly CelIssue[];
  /** `check`: syntax or types. `program`: it compiles, but a constant part of it is wrong (`program instantiation failed`). */
  readonly phase: "check" | "program";
  /** Of the expression, which is known in phase `program`: who wants another type says that first. */
  readonly type: CelType | undefined;

  constructor(message: string, issues: readonly CelIssue[], type?: CelType) {
    super(message);
    this.name = "CelCompileError";
    this.issues = issues;
    this.phase = type === undefined ? "check" : "program";
    this.type = type;
  }
}

/** The evaluation came to an error that nothing absorbed, as `no such key: x`. */
export class CelRuntimeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CelRuntimeError";
  }
}

/**
 * The evaluation cost more than it may. `perCall`: a single evaluation exceeded its own limit; `total`: what was left of
 * the budget that several evaluations share was exceeded.
 */
export class CelBudgetError extends Error {
  readonly limit: "perCall" | "total";

  constructor(limit: "perCall" | "total") {
    super("operation cancelled: actual cost limit exceeded");
    this.name = "CelBudgetError";
    this.limit = limit;
  }
}
