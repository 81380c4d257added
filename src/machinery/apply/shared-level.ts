/**
 * Levels of field sets that were made before are found again: objects of a kind mostly have the same fields, and a set that is
 * the same one has its stored text already.
 */
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";

interface Slot {
  readonly elements: readonly PathElement[];
  readonly unowned: readonly PathElement[] | undefined;
  readonly children: readonly (FieldSet | undefined)[];
  readonly set: FieldSet;
}

/** At most so many levels are kept, each of at most so many elements of at most so many characters. */
const slotCount = 1_024;
const maxElements = 64;
const maxElementLength = 128;
const slots: (Slot | undefined)[] = new Array<Slot | undefined>(slotCount);

/** Collects the elements of one level, which differ from each other. */
export class SharedLevel {
  readonly #elements: PathElement[] = [];
  #unowned: PathElement[] | undefined;
  readonly #children: (FieldSet | undefined)[] = [];
  #hash = 17;
  #shared = true;

  /** @param children what is owned below the element, too */
  own(element: PathElement, children: FieldSet | undefined): void {
    this.#elements.push(element);
    this.#children.push(children);
    const { length } = element;
    if (length > maxElementLength || (children !== undefined && children.sharedHash === undefined))
      this.#shared = false;
    // A few characters tell fields apart well enough: what is found is compared as a whole.
    const mixed = (length << 16) ^ (element.charCodeAt(length - 1) << 8) ^ element.charCodeAt(length >> 1);
    this.#hash = (Math.imul(this.#hash, 31) + mixed + (children?.sharedHash ?? 0)) | 0;
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
    const { length } = this.#elements;
    if (length === 0) return undefined;
    if (!this.#shared || length > maxElements) return this.#make();
    const index = (this.#hash ^ (this.#hash >>> 15)) & (slotCount - 1);
    const slot = slots[index];
    if (slot !== undefined && this.#is(slot)) return slot.set;
    const set = this.#make();
    set.sharedHash = this.#hash;
    slots[index] = { elements: this.#elements, unowned: this.#unowned, children: this.#children, set };
    return set;
  }

  #is({ elements, unowned, children }: Slot): boolean {
    if (elements.length !== this.#elements.length || unowned?.length !== this.#unowned?.length) return false;
    if (unowned?.some((element, i) => element !== this.#unowned![i]) === true) return false;
    for (let i = 0; i < elements.length; i++)
      if (elements[i] !== this.#elements[i] || children[i] !== this.#children[i]) return false;
    return true;
  }

  #make(): FieldSet {
    const nodes = new Map<PathElement, FieldNode>();
    for (let i = 0; i < this.#elements.length; i++) {
      const children = this.#children[i];
      nodes.set(this.#elements[i]!, children === undefined ? ownedLeaf : makeNode(true, children));
    }
    for (const element of this.#unowned ?? [])
      nodes.set(element, makeNode(false, nodes.get(element)!.children));
    return new FieldSet(nodes);
  }
}
