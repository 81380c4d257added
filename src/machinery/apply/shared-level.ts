/**
 * Levels of field sets that were made before are found again: objects of a kind mostly have the same fields, and a set that is
 * the same one has its stored text already.
 */
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";

interface Slot {
  readonly elements: readonly PathElement[];
  readonly children: readonly (FieldSet | undefined)[];
  readonly unowned: readonly PathElement[];
  readonly set: FieldSet;
}

/** At most so many levels are kept, each of at most so many elements of at most so many characters. */
const slotCount = 1_024;
const maxElements = 64;
const maxElementLength = 128;
const slots: (Slot | undefined)[] = new Array<Slot | undefined>(slotCount);
const none: readonly PathElement[] = [];

/** Where the last level of a type lies, which the next one probably equals. A guess only: something else may lie there now. */
export interface LevelHint {
  slot: number;
}

/** Collects the elements of one level, which differ from each other. While it equals a level that is kept, it costs no memory. */
export class SharedLevel {
  readonly #hint: LevelHint | undefined;
  readonly #guess: Slot | undefined;
  #count = 0;
  /** Made when the guess turns out to be wrong. */
  #elements: PathElement[] | undefined;
  #children: (FieldSet | undefined)[] = [];
  #unowned: PathElement[] | undefined;

  constructor(hint?: LevelHint) {
    this.#hint = hint;
    this.#guess = hint && slots[hint.slot];
  }

  /** @param children what is owned below the element, too */
  own(element: PathElement, children: FieldSet | undefined): void {
    const index = this.#count++;
    if (this.#elements === undefined) {
      const guess = this.#guess;
      if (guess !== undefined && guess.elements[index] === element && guess.children[index] === children)
        return;
      this.#elements = this.#startLike(index);
    }
    this.#elements.push(element);
    this.#children.push(children);
  }

  /** The same where only what is below the element is owned. */
  under(element: PathElement, children: FieldSet | undefined): void {
    if (children === undefined) return;
    this.own(element, children);
    this.#unowned ??= [];
    this.#unowned.push(element);
  }

  /** Undefined when nothing was added. */
  build(): FieldSet | undefined {
    if (this.#count === 0) return undefined;
    const guess = this.#guess;
    if (this.#elements === undefined) {
      if (guess!.elements.length === this.#count && this.#hasUnowned(guess!)) return guess!.set;
      this.#elements = this.#startLike(this.#count);
    }
    return this.#find(this.#elements);
  }

  /** The first elements of the guess, which were right. */
  #startLike(count: number): PathElement[] {
    this.#children = this.#guess?.children.slice(0, count) ?? [];
    return this.#guess?.elements.slice(0, count) ?? [];
  }

  #find(elements: readonly PathElement[]): FieldSet {
    const hash = elements.length > maxElements ? undefined : hashOf(elements, this.#children);
    if (hash === undefined) return this.#make(elements);
    const index = (hash ^ (hash >>> 15)) & (slotCount - 1);
    if (this.#hint !== undefined) this.#hint.slot = index;
    const slot = slots[index];
    if (slot !== undefined && this.#is(slot, elements)) return slot.set;
    const set = this.#make(elements);
    set.sharedHash = hash;
    slots[index] = { elements, children: this.#children, unowned: this.#unowned ?? none, set };
    return set;
  }

  #is(slot: Slot, elements: readonly PathElement[]): boolean {
    if (slot.elements.length !== elements.length) return false;
    for (let i = 0; i < elements.length; i++)
      if (slot.elements[i] !== elements[i] || slot.children[i] !== this.#children[i]) return false;
    return this.#hasUnowned(slot);
  }

  #hasUnowned({ unowned }: Slot): boolean {
    const own = this.#unowned ?? none;
    return unowned.length === own.length && unowned.every((element, i) => element === own[i]);
  }

  #make(elements: readonly PathElement[]): FieldSet {
    const nodes = new Map<PathElement, FieldNode>();
    for (let i = 0; i < elements.length; i++) {
      const children = this.#children[i];
      nodes.set(elements[i]!, children === undefined ? ownedLeaf : makeNode(true, children));
    }
    for (const element of this.#unowned ?? none)
      nodes.set(element, makeNode(false, nodes.get(element)!.children));
    return new FieldSet(nodes);
  }
}

/** Undefined for levels that are not kept. */
function hashOf(
  elements: readonly PathElement[],
  children: readonly (FieldSet | undefined)[],
): number | undefined {
  let hash = 17;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]!;
    const below = children[i];
    const { length } = element;
    if (length > maxElementLength || (below !== undefined && below.sharedHash === undefined))
      return undefined;
    // A few characters tell fields apart well enough: what is found is compared as a whole.
    const mixed = (length << 16) ^ (element.charCodeAt(length - 1) << 8) ^ element.charCodeAt(length >> 1);
    hash = (Math.imul(hash, 31) + mixed + (below?.sharedHash ?? 0)) | 0;
  }
  return hash;
}
