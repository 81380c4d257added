/** Bounds the number of updaters of an object (apimachinery managedfields/internal/capmanagers.go). */
import { identifierOf, type Managed } from "./managed.ts";

const bucketName = "ancient-changes";

/** Puts the oldest updaters of each version together under one name until there are no more than `most`. */
export function capUpdaters(managed: Managed, most: number): Managed {
  const updaters = [...managed.sets.keys()].filter((id) => !managed.sets.get(id)!.applied);
  if (updaters.length <= most) return managed;
  const seconds = (id: string): number => {
    const time = managed.times.get(id);
    return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
  };
  updaters.sort((a, b) => seconds(a) - seconds(b) || (a < b ? -1 : 1));
  const sets = new Map(managed.sets);
  const times = new Map(managed.times);
  const firstOf = new Map<string, string>();
  let left = updaters.length;
  for (const id of updaters) {
    if (left <= most) break;
    const owned = sets.get(id)!;
    const { apiVersion } = owned;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, id);
      continue;
    }
    const bucket = identifierOf({ manager: bucketName, operation: "Update", apiVersion, subresource: "" });
    if (!sets.has(bucket)) {
      const oldest = sets.get(first)!;
      sets.delete(first);
      sets.set(bucket, oldest);
    }
    sets.set(bucket, { ...owned, set: owned.set.union(sets.get(bucket)!.set) });
    if (id !== bucket) sets.delete(id);
    left--;
    times.set(bucket, managed.times.get(id));
  }
  return { sets, times };
}
