import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

/**
 * Which webhooks or policies of a plugin are asked again, because others changed the object after them
 * (k8s.io/apiserver plugin/webhook/mutating/reinvocationcontext.go; policies do the same).
 */
export class Reinvocation {
  readonly #due = new Set<string>();
  #asked = new Set<string>();
  #last: KubeObject | undefined;

  /** The second pass begins: when somebody else changed the object, all that were asked are due. */
  begin(object: KubeObject | undefined): void {
    if (!jsonEqual(this.#last as unknown as JsonValue, object as unknown as JsonValue)) this.require();
  }

  /** Has asked to be asked again. */
  add(uid: string): void {
    this.#asked.add(uid);
  }

  /** The object has changed: who was asked before is due. */
  require(): void {
    for (const uid of this.#asked) this.#due.add(uid);
    this.#asked = new Set();
  }

  isDue(uid: string): boolean {
    return this.#due.has(uid);
  }

  end(object: KubeObject | undefined): void {
    this.#last = object;
  }
}
