/**
 * The parser: cel-go's grammar by recursive descent, with its limits and its texts.
 *
 * It stops at the first syntax error, where upstream's generated parser goes on to guess; the first issue is the same.
 */
import {
  expectedExpression,
  messageName,
  parseList,
  parseMap,
  parseMessage,
  startsExpression,
} from "./aggregates.ts";
import { call, type Expr, ident, literal, select } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { numberLiteral, textLiteral } from "./literals.ts";
import { expandMacro, MacroError } from "./macros.ts";
import { balanced, products, relations, sums } from "./operators.ts";
import { countCodePoints, noOffset, type Source } from "./source.ts";
import { Recover, type Rule, Stop, TokenStream } from "./token-stream.ts";

/** Code points of the longest expression (cel-go). */
const maxCodePoints = 100_000;

const reservedWords = new Set(
  "as break const continue else false for function if import in let loop package namespace null return true var void while".split(
    " ",
  ),
);

const expressionStart = expectedExpression();

const nothing: ReadonlySet<string> = new Set();
/** What may come after an operand, and after a part of one that can be selected from. */
const operators = new Set("== != in < <= >= > && || ? - + * / %".split(" "));
const operandFollowers = new Set("== != in < <= >= > && || [ . ? - + * / %".split(" "));

/** The tree of an expression, or undefined when issues were reported. */
export function parse(source: Source): Expr | undefined {
  const size = countCodePoints(source.text);
  if (size > maxCodePoints) {
    source.report(
      noOffset,
      `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}`,
    );
    return undefined;
  }
  try {
    const expr = new Parser(source).parse();
    return source.hasIssues ? undefined : expr;
  } catch (error) {
    if (error instanceof Stop) return undefined;
    throw error;
  }
}

class Parser {
  readonly #tokens: TokenStream;

  readonly #parseExpr = (): Expr => this.#expr();

  constructor(source: Source) {
    this.#tokens = new TokenStream(source);
  }

  parse(): Expr {
    const expr = this.#expr();
    const token = this.#tokens.peek();
    if (token.kind !== "end") {
      const problem = this.#tokens.peek(1).kind === "end" ? "extraneous" : "mismatched";
      this.#tokens.problem(token, `${problem} input '${token.text}' expecting <EOF>`);
    }
    return expr;
  }

  #expr(): Expr {
    this.#tokens.enter("expr");
    const depth = this.#tokens.depths.expr;
    try {
      return this.#conditional();
    } catch (error) {
      if (!(error instanceof Recover)) throw error;
      return this.#tokens.recover(nothing);
    } finally {
      this.#tokens.depths.expr = depth - 1;
    }
  }

  #conditional(): Expr {
    const condition = this.#or();
    const operator = this.#tokens.accept("?");
    if (operator === undefined) return condition;
    let { height } = this.#tokens;
    const whenTrue = this.#tokens.within([":"], () => this.#or());
    height = Math.max(height, this.#tokens.height);
    this.#tokens.expect(":", "':'", startsExpression);
    const whenFalse = this.#expr();
    this.#tokens.grow(Math.max(height, this.#tokens.height));
    return call(operator.offset, "_?_:_", [condition, whenTrue, whenFalse]);
  }

  #or(): Expr {
    return this.#logic("or", "||", "_||_", () => this.#and());
  }

  #and(): Expr {
    return this.#logic("and", "&&", "_&&_", () => this.#relation(0));
  }

  #logic(rule: Rule, symbol: string, fn: string, term: () => Expr): Expr {
    this.#tokens.enter(rule);
    const terms = [term()];
    const operators: number[] = [];
    let height = this.#tokens.height;
    for (let token = this.#tokens.accept(symbol); token !== undefined; token = this.#tokens.accept(symbol)) {
      operators.push(token.offset);
      terms.push(term());
      height = Math.max(height, this.#tokens.height);
    }
    this.#tokens.depths[rule]--;
    this.#tokens.height = height;
    return terms.length === 1 ? terms[0]! : balanced(fn, terms, operators, 0, operators.length - 1);
  }

  #relation(precedence: number): Expr {
    return this.#binary("relation", precedence, [relations], () => this.#calc(0));
  }

  #calc(precedence: number): Expr {
    return this.#binary("calc", precedence, [sums, products], () => this.#unary());
  }

  /** Operators of rising precedence, left-associative. Each operator nests its rule once more, as in upstream's parser. */
  #binary(
    rule: "relation" | "calc",
    precedence: number,
    levels: readonly ReadonlyMap<string, string>[],
    operand: () => Expr,
  ): Expr {
    const depth = this.#tokens.depths[rule];
    this.#tokens.enter(rule);
    let left = operand();
    for (;;) {
      const token = this.#tokens.peek();
      const level = token.kind === "symbol" ? levels.findIndex((names) => names.has(token.text)) : -1;
      if (level < 0 || level < precedence) break;
      const height = this.#tokens.height;
      this.#tokens.enter(rule);
      this.#tokens.next();
      const right = rule === "relation" ? this.#relation(level + 1) : this.#calc(level + 1);
      this.#tokens.grow(Math.max(height, this.#tokens.height));
      left = call(token.offset, levels[level]!.get(token.text)!, [left, right]);
    }
    this.#tokens.depths[rule] = depth;
    return left;
  }

  #unary(): Expr {
    this.#tokens.enter("unary");
    const expr = this.#negations("!", "!_") ?? this.#negations("-", "-_") ?? this.#member();
    this.#tokens.depths.unary--;
    return expr;
  }

  #negations(symbol: string, fn: string): Expr | undefined {
    const first = this.#tokens.peek();
    // The minus of a number belongs to the number.
    let count = 0;
    while (this.#tokens.is(symbol) && !(symbol === "-" && count === 0 && this.#startsNumber(1))) {
      this.#tokens.next();
      count++;
    }
    if (count === 0) return undefined;
    const operand = this.#member();
    return count % 2 === 0 ? operand : call(first.offset, fn, [operand]);
  }

  #startsNumber(ahead: number): boolean {
    const { kind } = this.#tokens.peek(ahead);
    return kind === "int" || kind === "float";
  }

  #member(): Expr {
    const depth = this.#tokens.depths.member;
    this.#tokens.enter("member");
    try {
      let expr = this.#primary();
      for (;;) {
        const operator = this.#tokens.accept(".") ?? this.#tokens.accept("[");
        if (operator === undefined) return expr;
        this.#tokens.enter("member");
        const optional = this.#tokens.accept("?") !== undefined;
        expr =
          operator.text === "[" ? this.#index(operator, expr, optional) : this.#dot(operator, expr, optional);
      }
    } catch (error) {
      if (!(error instanceof Recover)) throw error;
      return this.#tokens.recover(operandFollowers);
    } finally {
      this.#tokens.depths.member = depth;
    }
  }

  #index(operator: Token, target: Expr, optional: boolean): Expr {
    const height = this.#tokens.height;
    const index = this.#tokens.within(["]"], () => this.#expr());
    this.#tokens.expect("]", "']'", mayFollow);
    this.#tokens.grow(Math.max(height, this.#tokens.height));
    return call(operator.offset, optional ? "_[?_]" : "_[_]", [target, index]);
  }

  #dot(operator: Token, operand: Expr, optional: boolean): Expr {
    const name = this.#tokens.peek();
    if (name.kind !== "identifier" && name.kind !== "escaped") {
      if (optional)
        this.#tokens.fail(name, `mismatched input '${name.text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`);
      // Upstream reads true, false and null here as words that are taken.
      const taken = name.kind === "symbol" && /^(true|false|null)$/.test(name.text);
      this.#tokens.fail(
        name,
        taken
          ? `mismatched input '${name.text}' expecting IDENTIFIER`
          : `no viable alternative at input '.${shown(name)}'`,
      );
    }
    this.#tokens.next();
    const open = optional || name.kind === "escaped" ? undefined : this.#tokens.accept("(");
    if (open !== undefined) {
      const height = this.#tokens.height;
      const args = this.#arguments();
      this.#tokens.grow(Math.max(height, this.#tokens.height));
      return this.#callOrMacro(open.offset, name.text, operand, args);
    }
    if (name.kind === "escaped") this.#tokens.report(name.offset, "unsupported syntax: '`'");
    this.#tokens.grow(this.#tokens.height);
    if (optional) return call(operator.offset, "_?._", [operand, literal(name.offset, name.text)]);
    return select(operator.offset, operand, name.text);
  }

  /** Arguments up to the closing bracket, which it takes. */
  #arguments(): Expr[] {
    const args: Expr[] = [];
    let height = 0;
    const first = this.#tokens.peek();
    if (!this.#tokens.is(")") && !startsExpression(first)) {
      const expected = expectedExpression(")");
      if (!startsExpression(this.#tokens.peek(1)) && !this.#tokens.is(")", 1))
        this.#tokens.fail(first, `mismatched input '${first.text}' expecting ${expected}`);
      this.#tokens.problem(first, `extraneous input '${first.text}' expecting ${expected}`);
      this.#tokens.skip();
    }
    if (!this.#tokens.is(")")) {
      do {
        args.push(this.#tokens.within([")", ","], () => this.#expr()));
        height = Math.max(height, this.#tokens.height);
      } while (this.#tokens.accept(",") !== undefined);
    }
    this.#tokens.expect(")", "')'", mayFollow);
    this.#tokens.height = height;
    return args;
  }

  #callOrMacro(offset: number, fn: string, target: Expr | undefined, args: Expr[]): Expr {
    const expanded = expandMacro(offset, fn, target, args);
    if (expanded instanceof MacroError) return this.#tokens.report(expanded.offset, expanded.message);
    return expanded ?? call(offset, fn, args, target);
  }

  #primary(): Expr {
    this.#tokens.enter("primary");
    this.#tokens.height = 0;
    const depth = this.#tokens.depths.primary;
    try {
      return this.#primaryOf(this.#tokens.peek());
    } catch (error) {
      if (!(error instanceof Recover)) throw error;
      return this.#tokens.recover(operandFollowers);
    } finally {
      this.#tokens.depths.primary = depth - 1;
    }
  }

  #primaryOf(token: Token): Expr {
    switch (token.kind) {
      case "identifier":
        return this.#identifier(token);
      case "int":
      case "uint":
      case "float":
        this.#tokens.next();
        return numberLiteral(this.#tokens, token);
      case "string":
      case "bytes":
        this.#tokens.next();
        return textLiteral(this.#tokens, token);
      case "symbol":
        return this.#symbol(token);
      default:
        return this.#badOperand(token);
    }
  }

  /** What cannot begin an operand: it is skipped when the next token can, else the operand is. */
  #badOperand(token: Token): Expr {
    if (startsExpression(this.#tokens.peek(1))) {
      this.#tokens.problem(token, `extraneous input '${token.text}' expecting ${expressionStart}`);
      this.#tokens.skip();
      return this.#unary();
    }
    this.#tokens.problem(token, `mismatched input '${token.text}' expecting ${expressionStart}`);
    return this.#tokens.recover(operators);
  }

  #symbol(token: Token): Expr {
    switch (token.text) {
      case "true":
      case "false":
        this.#tokens.next();
        return literal(token.offset, token.text === "true");
      case "null":
        this.#tokens.next();
        return literal(token.offset, null);
      case "-":
        if (this.#startsNumber(1)) {
          this.#tokens.next();
          return numberLiteral(this.#tokens, this.#tokens.next(), token);
        }
        break;
      case "(": {
        this.#tokens.next();
        const expr = this.#tokens.within([")"], () => this.#expr());
        this.#tokens.expect(")", "')'", mayFollow);
        return expr;
      }
      case "[":
        this.#tokens.next();
        return parseList(this.#tokens, token, this.#parseExpr);
      case "{":
        this.#tokens.next();
        return parseMap(this.#tokens, token, this.#parseExpr);
      case ".":
        this.#tokens.next();
        if (this.#tokens.peek().kind === "identifier") return this.#identifier(token);
        return this.#tokens.fail(
          this.#tokens.peek(),
          `no viable alternative at input '.${shown(this.#tokens.peek())}'`,
        );
    }
    return this.#badOperand(token);
  }

  /** An identifier, a call of a function, or a message; `start` is a leading dot or the identifier itself. */
  #identifier(start: Token): Expr {
    const dot = start.text === "." ? "." : "";
    const message = messageName(this.#tokens);
    if (message !== undefined) {
      this.#tokens.skip(message.length);
      return parseMessage(this.#tokens, dot + message.name, this.#parseExpr);
    }
    const name = this.#tokens.next();
    const open = this.#tokens.accept("(");
    if (open === undefined) {
      if (reservedWords.has(name.text))
        return this.#tokens.report(start.offset, `reserved identifier: ${name.text}`);
      return ident(name.offset, dot + name.text);
    }
    const args = this.#arguments();
    if (reservedWords.has(name.text))
      return this.#tokens.report(start.offset, `reserved identifier: ${name.text}`);
    return this.#callOrMacro(open.offset, dot + name.text, undefined, args);
  }
}

/** Whether a token may come after a complete operand. */
const mayFollow = ({ kind, text }: Token): boolean =>
  kind === "end" || (kind === "symbol" && operandFollowers.has(text));

/** A token as upstream shows it after a dot. */
const shown = ({ kind, text }: Token): string => (kind === "end" ? "" : text);
