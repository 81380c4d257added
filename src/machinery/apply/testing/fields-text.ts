import type { FieldSet } from "../field-set.ts";
import { goString } from "../go-text.ts";

/** FieldsV1 as the text that upstream writes. */
export const fieldsText = (set: FieldSet): string => `{${nodesText(set)}}`;

const nodesText = (set: FieldSet): string =>
  set.elements
    .map((element) => {
      const { owned, children } = set.nodes.get(element)!;
      const inner = children === undefined ? "" : `${owned ? '".":{},' : ""}${nodesText(children)}`;
      return `${goString(element, false)}:{${inner}}`;
    })
    .join(",");
