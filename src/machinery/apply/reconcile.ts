/**
 * Field sets outlive schemas (structured-merge-diff typed/reconcile_schema.go): where a map or list became atomic, whoever owned
 * something inside now owns it as a whole. The other way round needs nothing.
 */
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import { fieldName, type PathElement } from "./path-element.ts";
import type { TypedNode } from "./typed-node.ts";

export function reconcileFieldSet(type: TypedNode, set: FieldSet): FieldSet {
  const fitting = fittingSets.get(type);
  if (fitting?.has(set) === true) return set;
  const reconciled = below(type, set, (element) => memberType(type, element));
  if (fitting !== undefined) fitting.add(reconciled);
  else fittingSets.set(type, new WeakSet([reconciled]));
  return reconciled;
}

/** Sets that need nothing: the same one comes again with every write. Neither side is kept alive. */
const fittingSets = new WeakMap<TypedNode, WeakSet<FieldSet>>();

function below(
  type: TypedNode,
  set: FieldSet,
  typeOf: (element: PathElement) => TypedNode | undefined,
): FieldSet {
  if (type.map?.free === true) return set;
  let nodes: Map<PathElement, FieldNode> | undefined;
  for (const [element, node] of set.nodes) {
    const inner = typeOf(element);
    if (inner === undefined) continue;
    const reconciled = reconcileNode(inner, node);
    if (reconciled === node) continue;
    nodes ??= new Map(set.nodes);
    nodes.set(element, reconciled);
  }
  return nodes === undefined ? set : new FieldSet(nodes);
}

/** Fields that the schema does not know are left alone. */
const memberType = ({ map }: TypedNode, element: PathElement): TypedNode | undefined => {
  const name = fieldName(element);
  return (name === undefined ? undefined : map?.fields.get(name)?.type) ?? map?.element;
};

function reconcileNode(type: TypedNode, node: FieldNode): FieldNode {
  const whole = node.owned && node.children === undefined;
  const { children } = node;
  const { map, list } = type;
  let reconciled = children;
  if (map !== undefined) {
    if (map.free) return node;
    if (map.atomic) return whole || children === undefined ? node : ownedLeaf;
    if (children !== undefined) reconciled = below(type, children, (element) => memberType(type, element));
  } else if (type.scalar === undefined && list !== undefined) {
    if (list.atomic) return whole ? node : ownedLeaf;
    if (children !== undefined) reconciled = below(type, children, () => list.items);
  }
  return reconciled === children ? node : makeNode(node.owned, reconciled);
}
