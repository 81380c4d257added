/** What upstream's strategies set on kinds of workspace type `kubernetes` before they are stored (k8s.io/kubernetes pkg/registry). */
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { Strategy, StrategyContext } from "#registry/strategy.ts";
import { timestamp } from "../system-fields.ts";
import { templateGenerationAnnotation } from "./defaults-workloads.ts";
import { type Draft, draftOf, given } from "./draft.ts";
import { jsonOf, textAt, valueAt } from "./members.ts";

/** `dataSource` and `dataSourceRef` tell the same, unless the latter is in another namespace. */
export function normalizeDataSources(object: KubeObject, old?: KubeObject): void {
  const spec = draftOf(object, "spec");
  const had = valueAt(old, "spec", "dataSource") !== undefined;
  if (!had && given(spec, "dataSourceRef") === undefined && !isKnownSource(given(spec, "dataSource")))
    delete spec.dataSource;
  const source = given(spec, "dataSource");
  const ref = given(spec, "dataSourceRef");
  if (source !== undefined && ref === undefined) {
    const { apiGroup = null, kind = "", name = "" } = source;
    spec.dataSourceRef = { apiGroup, kind, name };
  } else if (ref !== undefined && source === undefined && (ref.namespace ?? "") === "") {
    const { apiGroup = null, kind = "", name = "" } = ref;
    spec.dataSource = { apiGroup, kind, name };
  }
}

/** Any other source can be told by reference only; clients of before that were not refused. */
function isKnownSource(source: Draft | undefined): boolean {
  const { apiGroup, kind } = source ?? {};
  if (kind === "PersistentVolumeClaim") return (apiGroup ?? "") === "";
  return kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io";
}

/** A new volume's phase begins now. */
export function startPhase(object: KubeObject, { nowMs }: StrategyContext): void {
  object.status = { phase: "Pending", lastPhaseTransitionTime: timestamp(nowMs) };
}

/** The time stays with the phase, and begins anew with another one, unless the writer tells it. */
export function notePhase(
  object: KubeObject,
  old: KubeObject,
  { nowMs, subresource }: StrategyContext,
): void {
  if (subresource !== "status") return;
  const was = valueAt(old, "status", "lastPhaseTransitionTime");
  const told = valueAt(object, "status", "lastPhaseTransitionTime");
  const same = textAt(object, "status", "phase") === textAt(old, "status", "phase");
  if (same && told === undefined && was !== undefined)
    draftOf(object, "status").lastPhaseTransitionTime = was;
  else if (!same && (told === undefined || told === was))
    draftOf(object, "status").lastPhaseTransitionTime = timestamp(nowMs);
}

/** One more for each change of a DaemonSet's template; nobody else can set it. */
export const templateGeneration: Strategy = {
  prepareForCreate(object) {
    if (generationOf(object) < 1) setGeneration(object, 1);
  },
  prepareForUpdate(object, old, { subresource }) {
    const template = (of: KubeObject) => jsonOf(valueAt(of, "spec", "template"));
    const changed = subresource === "" && !jsonEqual(template(object), template(old));
    setGeneration(object, generationOf(old) + (changed ? 1 : 0));
  },
};

const generationOf = ({ metadata }: KubeObject): number => {
  const told = Number(metadata.annotations?.[templateGenerationAnnotation] ?? 0);
  return Number.isSafeInteger(told) ? told : 0;
};

function setGeneration(object: KubeObject, generation: number): void {
  const { annotations } = object.metadata;
  object.metadata.annotations = { ...annotations, [templateGenerationAnnotation]: String(generation) };
}
