import type { Requester } from "#registry/strategy.ts";
import type { Change } from "#storage/port.ts";

/**
 * A loop over the whole server: it looks at changes, names what has to be brought to rest, and does it. No state per
 * workspace: everything it needs to know is read from the registry when an item is processed.
 */
export interface Controller {
  readonly name: string;
  /** Items processed side by side. */
  readonly concurrency: number;
  /** Collections whose changes `observe` wants to see; undefined = all of them. */
  readonly collections: readonly string[] | undefined;
  /** Names the items that a change concerns. Cheap and synchronous: it is called for every change. */
  observe(change: Change, collection: string, enqueue: (item: string) => void): void;
  /**
   * Brings one item to rest; may be called for things that are at rest already, and after a crash in the middle. Rejects with
   * ElsewhereError where that is too much for the thread that serves everybody: then it is called in another.
   */
  process(item: string): Promise<void>;
  /** Names all items that may not be at rest, when the change log no longer reaches back to the stored position. */
  resync(enqueue: (item: string) => void): void;
}

/** Who controllers are when they call the registry. */
export const controllerRequester = (name: string): Requester => ({
  user: { name: `system:controller:${name}`, uid: "", groups: ["system:masters"], extra: {} },
});

/** Several parts of an item's name; none of them holds a slash. */
export const itemName = (...parts: readonly string[]): string => parts.join("/");
export const itemParts = (item: string): string[] => item.split("/");
