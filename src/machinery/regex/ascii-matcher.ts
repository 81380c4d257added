/**
 * Patterns as tables: a deterministic automaton reads each character once, so it is linear whatever the pattern. It knows ASCII
 * texts and the syntax of `syntax.ts`; most patterns of schemas are such, and a table of some hundred bytes answers them many times
 * faster than the general engine.
 */
import { type Branch, type CharSet, parseBranches, type Regex } from "./syntax.ts";

/** Whether a pattern matches anywhere in a text; undefined for a text with characters beyond ASCII. */
export type AsciiMatcher = (text: string) => boolean | undefined;

/** Steps of the automaton before it is made deterministic; also how often a part may be repeated. */
const maxNodes = 512;
const maxStates = 250;
/** Visits of steps while states are made: a few milliseconds. */
const maxWork = 100_000;

/** Undefined for a pattern that is left to the general engine; so are all that are wrong. */
export function asciiMatcher(pattern: string): AsciiMatcher | undefined {
  const branches = parseBranches(pattern);
  if (branches === undefined) return undefined;
  try {
    const table = new Determinizer(branches).run();
    return (text) => run(table, text);
  } catch (error) {
    if (error === tooLarge) return undefined;
    throw error;
  }
}

const tooLarge = new Error("the automaton is too large");

interface Table {
  /** The class of each ASCII character. */
  readonly classes: Uint8Array;
  readonly width: number;
  /** `next[state * width + class]` */
  readonly next: Uint8Array;
  /** States in which a text may end. */
  readonly accepting: Uint8Array;
  readonly start: number;
}

/** Nothing matches any more; something has matched, whatever follows. */
const dead = 0;
const matched = 1;

function run({ classes, width, next, accepting, start }: Table, text: string): boolean | undefined {
  let state = start;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 128) return undefined;
    state = next[state * width + classes[code]!]!;
    if (state <= matched) return isAscii(text, i + 1) ? state === matched : undefined;
  }
  return accepting[state] === 1;
}

/** The general engine decides about every text that is not ASCII, also where the beginning has decided already. */
function isAscii(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) if (text.charCodeAt(i) >= 128) return false;
  return true;
}

/** A step: reads a character of `set` and goes to `out`, or goes to all of `ways` without reading. */
interface Node {
  readonly set: CharSet | undefined;
  out: number;
  readonly ways: number[];
}

/** The last two nodes: what has reached `toEnd` matches at the end of the text, what has reached `anywhere` matches. */
const toEnd = 0;
const anywhere = 1;

class Determinizer {
  readonly #nodes: Node[] = [
    { set: undefined, out: -1, ways: [] },
    { set: undefined, out: -1, ways: [] },
  ];
  readonly #starts: number[] = [];
  readonly #classes = new Uint8Array(128);
  /** A character of each class. */
  readonly #representatives: number[] = [];
  #work = 0;

  constructor(branches: readonly Branch[]) {
    for (const { regex, fromStart, toEnd: ends } of branches) {
      const start = this.#build(regex, ends ? toEnd : anywhere);
      this.#starts.push(fromStart ? start : this.#anyStart(start));
    }
    this.#classify();
  }

  #add(set: CharSet | undefined, out: number, ways: number[]): number {
    if (this.#nodes.length >= maxNodes) throw tooLarge;
    return this.#nodes.push({ set, out, ways }) - 1;
  }

  /** A match may begin behind any character. */
  #anyStart(start: number): number {
    const ways = [start];
    const node = this.#add(undefined, -1, ways);
    ways.push(this.#add(new Uint8Array(128).fill(1), node, []));
    return node;
  }

  /** The node at which `regex`, followed by `next`, begins. */
  #build(regex: Regex, next: number): number {
    switch (regex.kind) {
      case "set":
        return this.#add(regex.set, next, []);
      case "sequence": {
        let start = next;
        for (const part of regex.parts.toReversed()) start = this.#build(part, start);
        return start;
      }
      case "choice":
        return this.#add(
          undefined,
          -1,
          regex.parts.map((part) => this.#build(part, next)),
        );
      case "repeat":
        return this.#repeat(regex.part, regex.min, regex.max, next);
    }
  }

  #repeat(part: Regex, min: number, max: number, next: number): number {
    let start = next;
    if (max === Number.POSITIVE_INFINITY) {
      const ways = [next];
      start = this.#add(undefined, -1, ways);
      ways.push(this.#build(part, start));
    } else {
      for (let i = min; i < max; i++) {
        const ways = [next];
        const node = this.#add(undefined, -1, ways);
        ways.push(this.#build(part, start));
        start = node;
      }
    }
    // A node for each, so that parts that read nothing count.
    for (let i = 0; i < min; i++) start = this.#add(undefined, -1, [this.#build(part, start)]);
    return start;
  }

  /** Characters that no set tells apart are one class. */
  #classify(): void {
    const classes = this.#classes;
    for (const { set } of this.#nodes) {
      if (set === undefined) continue;
      const known = new Map<number, number>();
      for (let code = 0; code < 128; code++) {
        const split = classes[code]! * 2 + set[code]!;
        const found = known.get(split) ?? known.size;
        known.set(split, found);
        classes[code] = found;
      }
    }
    classes.forEach((one, code) => {
      if (one === this.#representatives.length) this.#representatives.push(code);
    });
  }

  run(): Table {
    const width = this.#representatives.length;
    // The two fixed states have no nodes.
    const states: number[][] = [[], []];
    const known = new Map<string, number>();
    const stateOf = (from: readonly number[]): number => {
      const nodes = this.#reached(from);
      if (nodes === undefined) return matched;
      if (nodes.length === 0) return dead;
      const key = nodes.join();
      let state = known.get(key);
      if (state === undefined) {
        if (states.length >= maxStates) throw tooLarge;
        state = states.push(nodes) - 1;
        known.set(key, state);
      }
      return state;
    };
    const start = stateOf(this.#starts);
    const next: number[] = [];
    for (let state = 0; state < states.length; state++) {
      for (const code of this.#representatives)
        next.push(state <= matched ? state : stateOf(this.#after(states[state]!, code)));
    }
    const accepting = Uint8Array.from(states, (nodes, state) =>
      state === matched || nodes[0] === toEnd ? 1 : 0,
    );
    return { classes: this.#classes, width, next: Uint8Array.from(next), accepting, start };
  }

  #after(nodes: readonly number[], code: number): number[] {
    const reached: number[] = [];
    for (const node of nodes) {
      const { set, out } = this.#nodes[node]!;
      if (set?.[code] === 1) reached.push(out);
    }
    return reached;
  }

  /** The reading nodes (and {@link toEnd}) that are reached without reading, in order; undefined when that is a match. */
  #reached(from: readonly number[]): number[] | undefined {
    const seen = new Set<number>();
    const open = [...from];
    const reading: number[] = [];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (++this.#work > maxWork) throw tooLarge;
      if (seen.has(node)) continue;
      seen.add(node);
      if (node === anywhere) return undefined;
      const { set, ways } = this.#nodes[node]!;
      if (set !== undefined || node === toEnd) reading.push(node);
      open.push(...ways);
    }
    return reading.sort((a, b) => a - b);
  }
}
