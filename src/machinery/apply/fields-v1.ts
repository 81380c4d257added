/** Field sets as JSON: the FieldsV1 of `metadata.managedFields` (structured-merge-diff fieldpath/serialize.go). */
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { type FieldNode, FieldSet, makeNode, ownedLeaf } from "./field-set.ts";
import { FieldSetError, type PathElement, readElement } from "./path-element.ts";

/** Marks an element that is owned itself although more is owned below it. */
const self = ".";

export function fieldsOf(set: FieldSet): JsonObject {
  const out: JsonObject = {};
  addNodes(set, out);
  return out;
}

function addNodes(set: FieldSet, out: JsonObject): void {
  for (const element of set.elements) {
    const { owned, children } = set.nodes.get(element)!;
    const inner: JsonObject = {};
    if (children !== undefined) {
      if (owned) inner[self] = {};
      addNodes(children, inner);
    }
    setOwn(out, element, inner);
  }
}

/**
 * Reads FieldsV1. Elements of kinds that a later version may have are ignored.
 * @throws FieldSetError
 */
export function readFields(value: JsonValue | undefined): FieldSet {
  if (value === undefined || value === null) return FieldSet.empty;
  return read(value).children ?? FieldSet.empty;
}

/** `owned`: the element is a member of its level; so is every element without content. */
function read(value: JsonValue): FieldNode {
  if (value === null) return ownedLeaf;
  if (!isJsonObject(value)) throw new FieldSetError("ReadMapCB: expect { or n");
  let owned = false;
  let nodes: Map<PathElement, FieldNode> | undefined;
  for (const key of Object.keys(value)) {
    if (key === self) {
      owned = true;
      continue;
    }
    const element = readElement(key);
    if (element === undefined) continue;
    nodes ??= new Map();
    const node = read(value[key]!);
    // The same element in two spellings.
    const before = nodes.get(element);
    nodes.set(
      element,
      before === undefined ? node : makeNode(before.owned || node.owned, node.children ?? before.children),
    );
  }
  if (nodes === undefined) return ownedLeaf;
  return makeNode(owned, new FieldSet(nodes));
}
