/** The scale subresource: an autoscaling/v1 Scale as a view of some fields of another object. */
import { getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { get, number, present, text } from "./columns/define.ts";
import { labelsText, selectorText } from "./columns/selector.ts";

export const scaleType: TypeName = "io.k8s.api.autoscaling.v1.Scale";

/** Where a kind keeps what a Scale shows, as `subresources.scale` of a CustomResourceDefinition says. */
export interface ScaleDescription {
  readonly specReplicasPath: readonly string[];
  readonly statusReplicasPath: readonly string[];
  /** Without it the Scale has no selector. */
  readonly labelSelectorPath?: readonly string[];
  /** What stands there: a selector's text, a meta/v1 LabelSelector, or a map of labels. */
  readonly selectorForm: "text" | "labelSelector" | "labels";
}

/** The built-in kinds that scale keep everything in the same places. */
export const builtinScale = (group: string, resource: string): ScaleDescription => ({
  specReplicasPath: ["spec", "replicas"],
  statusReplicasPath: ["status", "replicas"],
  labelSelectorPath: ["spec", "selector"],
  selectorForm: group === "" && resource === "replicationcontrollers" ? "labels" : "labelSelector",
});

/** Whether the object says how many replicas it wants. Built-in kinds always do, by their defaults. */
export const hasReplicas = (object: KubeObject, description: ScaleDescription): boolean =>
  present(object as unknown as JsonValue, ...description.specReplicasPath);

/**
 * The Scale of an object (pkg/registry/apps/deployment/storage/storage.go), with members as Go prints them. Undefined when
 * the object's selector cannot be told as a text.
 */
export function scaleOf(object: KubeObject, description: ScaleDescription): KubeObject | undefined {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const from = object as unknown as JsonValue;
  const selector = selectorOf(from, description);
  if (selector === undefined) return undefined;
  const replicas = number(from, ...description.specReplicasPath);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: number(from, ...description.statusReplicasPath),
      ...(selector !== "" && { selector }),
    },
  };
}

function selectorOf(object: JsonValue, { labelSelectorPath, selectorForm }: ScaleDescription) {
  if (labelSelectorPath === undefined) return "";
  const found = get(object, ...labelSelectorPath);
  if (selectorForm === "text") return text(found);
  if (selectorForm === "labelSelector") return selectorText(found);
  return isJsonObject(found) && Object.keys(found).length > 0 ? labelsText(found) : "";
}

/** What a Scale wants; Go's zero value where it does not say. */
export const replicasOf = (scale: KubeObject): number =>
  number(scale as unknown as JsonValue, "spec", "replicas");

/** The object with another number of replicas; nothing of the given one is changed. */
export const withReplicas = (
  object: KubeObject,
  description: ScaleDescription,
  replicas: number,
): KubeObject =>
  replaced(object as unknown as JsonObject, description.specReplicasPath, replicas) as unknown as KubeObject;

function replaced(value: JsonObject, path: readonly string[], leaf: JsonValue): JsonObject {
  const [member, ...rest] = path;
  if (member === undefined) throw new Error("a path of a Scale has no members");
  const inner = getOwn(value, member);
  const copy = { ...value };
  setOwn(copy, member, rest.length === 0 ? leaf : replaced(isJsonObject(inner) ? inner : {}, rest, leaf));
  return copy;
}
