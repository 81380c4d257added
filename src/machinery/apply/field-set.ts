/**
 * A set of field paths (structured-merge-diff, fieldpath.Set): a tree of path elements, each of which may be owned itself, have
 * owned fields below it, or both. Immutable; operations share what they do not change.
 */

import { type FieldPath, fieldName, type PathElement, sortElements } from "./path-element.ts";
import type { MapAtom, TypedNode } from "./typed-node.ts";

/** One element of a set: at least one of both holds. */
export interface FieldNode {
  readonly owned: boolean;
  readonly children: FieldSet | undefined;
}

/** An element that is owned and has nothing below it. */
export const ownedLeaf: FieldNode = { owned: true, children: undefined };

export class FieldSet {
  static readonly empty: FieldSet = new FieldSet(new Map());

  readonly nodes: ReadonlyMap<PathElement, FieldNode>;
  #sorted: readonly PathElement[] | undefined;
  /** The stored form and the length of its JSON, once they were made; see `compact.ts`. */
  compact: string | undefined;
  jsonLength: number | undefined;
  /** Set where a level like this is found again; see `shared-level.ts`. */
  sharedHash: number | undefined;

  constructor(nodes: ReadonlyMap<PathElement, FieldNode>) {
    this.nodes = nodes;
  }

  /** A set of some paths; none of them may be empty. */
  static of(...paths: readonly FieldPath[]): FieldSet {
    return paths.reduce((set: FieldSet, path) => set.union(single(path)), FieldSet.empty);
  }

  get isEmpty(): boolean {
    return this.nodes.size === 0;
  }

  /** Upstream's order. */
  get elements(): readonly PathElement[] {
    this.#sorted ??= sortElements([...this.nodes.keys()]);
    return this.#sorted;
  }

  has(path: FieldPath): boolean {
    let set: FieldSet | undefined = this;
    for (let i = 0; i < path.length; i++) {
      const node: FieldNode | undefined = set?.nodes.get(path[i]!);
      if (node === undefined) return false;
      if (i === path.length - 1) return node.owned;
      set = node.children;
    }
    return false;
  }

  /** What lies below an element, without the element. */
  below(element: PathElement): FieldSet | undefined {
    return this.nodes.get(element)?.children;
  }

  equals(other: FieldSet): boolean {
    if (this === other) return true;
    if (this.nodes.size !== other.nodes.size) return false;
    for (const [element, node] of this.nodes) {
      const twin = other.nodes.get(element);
      if (twin === undefined || twin.owned !== node.owned) return false;
      if (node.children === undefined || twin.children === undefined) {
        if (node.children !== twin.children) return false;
      } else if (!node.children.equals(twin.children)) return false;
    }
    return true;
  }

  union(other: FieldSet): FieldSet {
    if (this === other || other.isEmpty) return this;
    if (this.isEmpty) return other;
    let nodes: Map<PathElement, FieldNode> | undefined;
    for (const [element, node] of other.nodes) {
      const mine = this.nodes.get(element);
      const joined = mine === undefined ? node : joinNodes(mine, node);
      if (joined === mine) continue;
      nodes ??= new Map(this.nodes);
      nodes.set(element, joined);
    }
    return nodes === undefined ? this : new FieldSet(nodes);
  }

  /** What both own. */
  intersection(other: FieldSet): FieldSet {
    if (this === other) return this;
    let nodes: Map<PathElement, FieldNode> | undefined;
    const [fewer, more] = this.nodes.size <= other.nodes.size ? [this, other] : [other, this];
    for (const [element, node] of fewer.nodes) {
      const twin = more.nodes.get(element);
      if (twin === undefined) continue;
      const owned = node.owned && twin.owned;
      const children =
        node.children === undefined || twin.children === undefined
          ? undefined
          : nonEmpty(node.children.intersection(twin.children));
      if (!owned && children === undefined) continue;
      nodes ??= new Map();
      nodes.set(element, makeNode(owned, children));
    }
    return nodes === undefined ? FieldSet.empty : new FieldSet(nodes);
  }

  /** What this owns and the other does not. A child of what the other owns stays; see {@link recursiveDifference}. */
  difference(other: FieldSet): FieldSet {
    return this.#minus(other, false);
  }

  /** The same, and everything below what the other owns goes, too. */
  recursiveDifference(other: FieldSet): FieldSet {
    return this.#minus(other, true);
  }

  #minus(other: FieldSet, recursive: boolean): FieldSet {
    if (other.isEmpty) return this;
    if (this === other) return FieldSet.empty;
    let nodes: Map<PathElement, FieldNode> | undefined;
    const change = (element: PathElement, node: FieldNode | undefined): void => {
      nodes ??= new Map(this.nodes);
      if (node === undefined) nodes.delete(element);
      else nodes.set(element, node);
    };
    const reduce = (element: PathElement, node: FieldNode, taken: FieldNode): void => {
      const owned = node.owned && !taken.owned;
      let { children } = node;
      if (children !== undefined) {
        if (recursive && taken.owned) children = undefined;
        else if (taken.children !== undefined)
          children = nonEmpty(children.#minus(taken.children, recursive));
      }
      if (owned === node.owned && children === node.children) return;
      change(element, owned || children !== undefined ? makeNode(owned, children) : undefined);
    };
    if (other.nodes.size < this.nodes.size) {
      for (const [element, taken] of other.nodes) {
        const node = this.nodes.get(element);
        if (node !== undefined) reduce(element, node, taken);
      }
    } else {
      for (const [element, node] of this.nodes) {
        const taken = other.nodes.get(element);
        if (taken !== undefined) reduce(element, node, taken);
      }
    }
    if (nodes === undefined) return this;
    return nodes.size === 0 ? FieldSet.empty : new FieldSet(nodes);
  }

  /** Calls back for every owned path, in upstream's order: of each level first the owned elements, then what is below. */
  forEachPath(visit: (path: FieldPath) => void, prefix: FieldPath = []): void {
    for (const element of this.elements) {
      if (this.nodes.get(element)!.owned) visit([...prefix, element]);
    }
    for (const element of this.elements) {
      this.nodes.get(element)!.children?.forEachPath(visit, [...prefix, element]);
    }
  }

  /** With all struct fields owned that have something owned below them (EnsureNamedFieldsAreMembers). */
  withNamedFields(type: TypedNode | undefined): FieldSet {
    let nodes: Map<PathElement, FieldNode> | undefined;
    const map = type?.map;
    for (const [element, node] of this.nodes) {
      if (node.children === undefined) continue;
      const name = fieldName(element);
      const inner = name === undefined ? keyedItems(type, element) : memberType(map, name);
      const children = node.children.withNamedFields(inner);
      const owned = node.owned || (name !== undefined && map?.fields.has(name) === true);
      if (owned === node.owned && children === node.children) continue;
      nodes ??= new Map(this.nodes);
      nodes.set(element, makeNode(owned, children));
    }
    return nodes === undefined ? this : new FieldSet(nodes);
  }
}

const memberType = (map: MapAtom | undefined, name: string): TypedNode | undefined =>
  map?.fields.get(name)?.type ?? map?.element;

const keyedItems = (type: TypedNode | undefined, element: PathElement): TypedNode | undefined =>
  element.startsWith("k:") ? type?.list?.items : undefined;

export const makeNode = (owned: boolean, children: FieldSet | undefined): FieldNode =>
  children === undefined && owned ? ownedLeaf : { owned, children };

const nonEmpty = (set: FieldSet): FieldSet | undefined => (set.isEmpty ? undefined : set);

function joinNodes(a: FieldNode, b: FieldNode): FieldNode {
  const owned = a.owned || b.owned;
  const children =
    a.children === undefined
      ? b.children
      : b.children === undefined
        ? a.children
        : a.children.union(b.children);
  if (owned === a.owned && children === a.children) return a;
  return makeNode(owned, children);
}

function single(path: FieldPath): FieldSet {
  let set: FieldSet | undefined;
  for (let i = path.length - 1; i >= 0; i--) {
    set = new FieldSet(new Map([[path[i]!, makeNode(i === path.length - 1, set)]]));
  }
  return set ?? FieldSet.empty;
}

/** Collects a level of a set. */
export class FieldSetBuilder {
  #nodes: Map<PathElement, FieldNode> | undefined;

  own(element: PathElement): void {
    this.#nodes ??= new Map();
    const node = this.#nodes.get(element);
    if (node === undefined) this.#nodes.set(element, ownedLeaf);
    else if (!node.owned) this.#nodes.set(element, makeNode(true, node.children));
  }

  /** Adds what lies below an element. */
  under(element: PathElement, children: FieldSet | undefined): void {
    if (children === undefined) return;
    this.#nodes ??= new Map();
    const node = this.#nodes.get(element);
    if (node === undefined) this.#nodes.set(element, makeNode(false, children));
    else
      this.#nodes.set(
        element,
        makeNode(node.owned, node.children === undefined ? children : node.children.union(children)),
      );
  }

  /** Undefined when nothing was added. */
  build(): FieldSet | undefined {
    return this.#nodes === undefined ? undefined : new FieldSet(this.#nodes);
  }
}
