/** What a client reads when its apply meets other owners (apimachinery managedfields/internal/conflict.go). */
import { applyConflict } from "#machinery/errors/errors.ts";
import type { StatusError } from "#machinery/errors/status-error.ts";
import { managerText } from "./managed.ts";
import { pathText } from "./path-element.ts";
import type { Conflict } from "./updater.ts";

/** 409 with one cause for each conflict. */
export function conflictStatus(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }));
  return applyConflict(causes, message(conflicts));
}

function message(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${pathText(only.path)}`;
  }
  const byManager = new Map<string, string[]>();
  for (const { manager, path } of conflicts) {
    const lines = byManager.get(manager) ?? [];
    lines.push(`- ${pathText(path)}`);
    byManager.set(manager, lines);
  }
  const lines = [...byManager].flatMap(([manager, paths]) => [
    `conflicts with ${managerText(manager)}:`,
    ...paths,
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
