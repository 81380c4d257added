/** What a client reads when its apply meets other owners (apimachinery managedfields/internal/conflict.go). */
import { applyConflict } from "#machinery/errors/errors.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import { managerText } from "./managed.ts";
import { type FieldPath, freshPathText, pathText } from "./path-element.ts";
import type { Conflict } from "./updater.ts";

/**
 * 409 with one cause for each conflict.
 * @param fresh the sets of the other owners were made from the live object, and not read from its managed fields
 */
export function conflictStatus(conflicts: readonly Conflict[], fresh: boolean): StatusError {
  const textOf = fresh ? freshPathText : pathText;
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(manager)}`,
    field: textOf(path),
  }));
  return applyConflict(causes, message(conflicts, textOf));
}

function message(conflicts: readonly Conflict[], textOf: (path: FieldPath) => string): string {
  const [only] = conflicts;
  if (only !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${textOf(only.path)}`;
  }
  const byManager = new Map<string, string[]>();
  for (const { manager, path } of conflicts) {
    const lines = byManager.get(manager) ?? [];
    lines.push(`- ${textOf(path)}`);
    byManager.set(manager, lines);
  }
  const lines = [...byManager].flatMap(([manager, paths]) => [
    `conflicts with ${managerText(manager)}:`,
    ...paths,
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
