/** The parser's place among the tokens, and its limits. */
import { type Expr, errorExpr } from "./ast.ts";
import { type Token, tokenize } from "./lexer.ts";
import { noOffset, type Source } from "./source.ts";

/** Nesting of each grammar rule, and of the tree (cel-go). */
const maxDepth = 250;

/** Guesses after syntax errors (cel-go); then the parser gives up. */
const maxRecoveries = 30;

/** Thrown to leave the parser; what is wrong has been reported. */
export class Stop {}

/** Thrown to leave a grammar rule; what is wrong has been reported, and the rule's caller goes on. */
export class Recover {}

export type Rule = "expr" | "or" | "and" | "relation" | "calc" | "unary" | "member" | "primary";

export class TokenStream {
  /** How deep each rule is in itself. */
  readonly depths: Record<Rule, number> = {
    expr: 0,
    or: 0,
    and: 0,
    relation: 0,
    calc: 0,
    unary: 0,
    member: 0,
    primary: 0,
  };
  /** Nested operators, selections and calls in the expression parsed last. */
  height = 0;
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** After an error nothing is reported before another token was taken. */
  #silent = false;
  /** What may close the constructs that are open. */
  readonly #closers: (readonly string[])[] = [];
  #recoveries = 0;
  #lastRecovery = -1;

  constructor(source: Source) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  /** The token `ahead` of the next one; the end stays the end. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  skip(count = 1): void {
    this.#at += count;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    this.#silent = false;
    return token;
  }

  /** Parses what one of these symbols closes. */
  within<T>(closers: readonly string[], inner: () => T): T {
    this.#closers.push(closers);
    try {
      return inner();
    } finally {
      this.#closers.pop();
    }
  }

  is(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "symbol" && token.text === symbol;
  }

  accept(symbol: string): Token | undefined {
    return this.is(symbol) ? this.next() : undefined;
  }

  /**
   * Takes a symbol. As upstream, one token too many is skipped and one that is missing is assumed, so that more can be said
   * about the rest; `expected` is what could stand here as upstream lists it, `follows` whether a token may come after.
   */
  expect(symbol: string, expected: string, follows: (token: Token) => boolean = () => false): Token {
    const token = this.accept(symbol);
    if (token !== undefined) return token;
    const found = this.peek();
    if (this.is(symbol, 1)) {
      this.problem(found, `extraneous input '${found.text}' expecting ${expected}`);
      this.skip();
      return this.next();
    }
    if (!follows(found)) return this.fail(found, `mismatched input '${found.text}' expecting ${expected}`);
    this.problem(found, `missing '${symbol}' at '${found.text}'`);
    return { kind: "symbol", text: symbol, offset: found.offset };
  }

  /** Reports a syntax error, unless one was just reported. */
  problem(token: Token, text: string): void {
    if (!this.#silent) this.#source.report(token.offset, `Syntax error: ${text}`);
    this.#silent = true;
  }

  /** Reports a syntax error and leaves the rule. */
  fail(token: Token, text: string): never {
    this.problem(token, text);
    throw new Recover();
  }

  /** Skips to what may follow: one of these symbols, what closes an open construct, or the end. */
  recover(follow: ReadonlySet<string>): Expr {
    if (++this.#recoveries > maxRecoveries) {
      this.#source.report(noOffset, `Syntax error: error recovery attempt limit exceeded: ${maxRecoveries}`);
      throw new Stop();
    }
    if (this.#lastRecovery === this.#at) this.#at++;
    while (!this.#mayResume(this.peek(), follow)) this.#at++;
    this.#lastRecovery = this.#at;
    return errorExpr(this.peek().offset);
  }

  #mayResume({ kind, text }: Token, follow: ReadonlySet<string>): boolean {
    if (kind === "end") return true;
    if (kind !== "symbol") return false;
    const nested = this.#closers.length > 0 && (text === "." || text === "[");
    return nested || follow.has(text) || this.#closers.some((closers) => closers.includes(text));
  }

  /** Reports what upstream goes on after. */
  report(offset: number, text: string): Expr {
    this.#source.report(offset, text);
    return errorExpr(offset);
  }

  enter(rule: Rule): void {
    if (++this.depths[rule] > maxDepth) {
      this.#source.report(noOffset, `expression recursion limit exceeded: ${maxDepth}`);
      throw new Stop();
    }
  }

  /** Notes a node of the tree one above the highest of its parts. */
  grow(height: number): void {
    this.height = height + 1;
    if (this.height > maxDepth) {
      this.#source.report(noOffset, "max recursion depth exceeded");
      throw new Stop();
    }
  }
}
