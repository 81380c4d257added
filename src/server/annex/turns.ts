/** Whose turn it is: so many are served at once, and of those that wait, one of each workspace after the other. */
import { tooManyRequests } from "#machinery/errors/errors.ts";

export interface TurnLimits {
  /** Served at once: in all, and of one workspace. */
  readonly serving: number;
  readonly servingEach: number;
  /** Waiting: in all, and of one workspace. */
  readonly waiting: number;
  readonly waitingEach: number;
}

export interface Turn {
  /** Undefined: it has begun already. Resolves as well when it is over; rejects with 429 when its place is given to another. */
  readonly begun: Promise<void> | undefined;
  /** Ends it if it has not begun. */
  cancel(): void;
  /** Ends it; a second call does nothing. */
  end(): void;
}

interface Waiter extends PromiseWithResolvers<void> {
  state: "waiting" | "serving" | "over";
}

const tooMany = (): Error => tooManyRequests("too many large requests wait to be served", 1);

/** Nothing is kept of a workspace that is not being served and has none waiting. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #serving = new Map<string, number>();
  /** The workspace whose turn is next comes first. None of the queues is empty. */
  readonly #waiting = new Map<string, Waiter[]>();
  #served = 0;
  #waiters = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  get isIdle(): boolean {
    return this.#served === 0 && this.#waiters === 0;
  }

  /** @throws StatusError 429 when its workspace has too many waiting */
  enter(workspace: string): Turn {
    const waiter: Waiter = { ...Promise.withResolvers<void>(), state: "waiting" };
    // Where one could be served, those that wait have enough of their own already.
    if (this.#mayBegin(workspace)) this.#begin(workspace, waiter);
    else this.#queue(workspace, waiter);
    const cancel = (): void => {
      if (waiter.state === "waiting") this.#end(workspace, waiter);
    };
    const begun = waiter.state === "waiting" ? waiter.promise : undefined;
    return { begun, cancel, end: () => this.#end(workspace, waiter) };
  }

  #mayBegin(workspace: string): boolean {
    const { serving, servingEach } = this.#limits;
    return this.#served < serving && (this.#serving.get(workspace) ?? 0) < servingEach;
  }

  #begin(workspace: string, waiter: Waiter): void {
    this.#served++;
    this.#serving.set(workspace, (this.#serving.get(workspace) ?? 0) + 1);
    waiter.state = "serving";
    waiter.resolve();
  }

  #queue(workspace: string, waiter: Waiter): void {
    this.#makePlace(workspace);
    const queue = this.#waiting.get(workspace);
    if (queue === undefined) this.#waiting.set(workspace, [waiter]);
    else queue.push(waiter);
    this.#waiters++;
  }

  #end(workspace: string, waiter: Waiter): void {
    const { state } = waiter;
    waiter.state = "over";
    if (state === "waiting") {
      const queue = this.#waiting.get(workspace) ?? [];
      this.#remove(workspace, queue, queue.indexOf(waiter));
      waiter.resolve();
    } else if (state === "serving") {
      this.#served--;
      const left = (this.#serving.get(workspace) ?? 1) - 1;
      if (left === 0) this.#serving.delete(workspace);
      else this.#serving.set(workspace, left);
      this.#next();
    }
  }

  #remove(workspace: string, queue: Waiter[], at: number): Waiter {
    const [waiter] = queue.splice(at, 1);
    if (queue.length === 0) this.#waiting.delete(workspace);
    this.#waiters--;
    return waiter!;
  }

  #next(): void {
    for (const [workspace, queue] of this.#waiting) {
      if (this.#served >= this.#limits.serving) return;
      if (!this.#mayBegin(workspace)) continue;
      const waiter = this.#remove(workspace, queue, 0);
      // Its next one comes behind those of the others; the loop will come to it again.
      if (queue.length > 0) {
        this.#waiting.delete(workspace);
        this.#waiting.set(workspace, queue);
      }
      this.#begin(workspace, waiter);
    }
  }

  /** Where all places are taken, whoever has most of them gives back its newest. */
  #makePlace(workspace: string): void {
    const own = this.#waiting.get(workspace)?.length ?? 0;
    if (own >= this.#limits.waitingEach) throw tooMany();
    if (this.#waiters < this.#limits.waiting) return;
    let longest: { readonly workspace: string; readonly queue: Waiter[] } | undefined;
    for (const [other, queue] of this.#waiting)
      if (queue.length > (longest?.queue.length ?? own + 1)) longest = { workspace: other, queue };
    if (longest === undefined) throw tooMany();
    const refused = this.#remove(longest.workspace, longest.queue, longest.queue.length - 1);
    refused.state = "over";
    refused.reject(tooMany());
  }
}
