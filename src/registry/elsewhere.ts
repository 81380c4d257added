import type { GroupResource } from "#machinery/meta/object.ts";
import type { SelectionText } from "./selection.ts";
import type { PlainObject, ReadObject } from "./stored-object.ts";

/**
 * Thrown where a request turns out to be so much work that everybody else would wait: it is to be done once more, from its start, in
 * another thread, with what the request has got so far (`journal.ts`); the same of an item of a controller. Nothing has been written when it is thrown, but for what the
 * journal of a collection's deletion tells.
 */
export class ElsewhereError extends Error {
  override readonly name = "ElsewhereError";
}

/** What the registry has done in another thread. Absent where everything is done in this one. */
export interface Elsewhere {
  readonly limits: ObjectLimits;
  /** Answers in the order of the objects. Rejects with StatusError, DefinitionChangedError. */
  read(workspace: string, task: ReadingTask): Promise<readonly ReadObject[]>;
  /** Has an item of a controller processed. Rejects as the controller does. */
  process(controller: string, item: string): Promise<void>;
}

export interface ObjectLimits extends ReadingLimits {
  /** Bytes of the largest stored object that is changed here. */
  storedBytes(apiGroup: string): number;
}

/** Bytes of the largest stored objects that are read here. */
export interface ReadingLimits {
  readonly parsedBytes: number;
  /** The same of those that a webhook converts: together, where it is asked for many. */
  readonly convertedBytes: number;
}

/** Objects of one resource in one version, to be selected and read. */
export interface ReadingTask extends GroupResource {
  /** "" for a resource of all workspaces together. */
  readonly version: string;
  readonly selection: SelectionText;
  readonly objects: readonly PlainObject[];
}
