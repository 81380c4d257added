/**
 * Which of several servers on one store runs the controllers: the one that holds a lease, as client-go's leader election
 * does it (k8s.io/client-go/tools/leaderelection). Every step is an optimistic transaction on the lease's key.
 *
 * The lease only keeps servers from doing the same work twice. Two that work at once for a moment harm nothing: what
 * controllers write is compared, and a stored position is true whoever wrote it.
 */
import type { Clock } from "#base/clock.ts";
import { timestamp } from "#registry/system-fields.ts";
import { noRevision, type Revision, type Store } from "#storage/port.ts";
import { internalKey } from "./internal-key.ts";

/** In milliseconds. */
export interface LeaseDurations {
  /** Others take the lease when it has not changed for so long by their own clock. */
  readonly lease: number;
  /** The holder stops working when it could not renew for so long; less than `lease`. */
  readonly deadline: number;
  /** The holder renews this often. */
  readonly renew: number;
  /** The others, and a holder whose renewal failed, look again this often. */
  readonly retry: number;
}

export const defaultLeaseDurations: LeaseDurations = {
  lease: 15_000,
  deadline: 10_000,
  renew: 5_000,
  retry: 2_000,
};

/** Work that runs while the lease is held. */
export interface Leading {
  close(): Promise<void>;
}

export interface LeaderElectorOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Who this is: no two that take part at the same time share it. Whoever comes back under it has the lease still. */
  readonly identity: string;
  readonly durations?: LeaseDurations;
  /** Called when the lease was gained and everything started before has closed. */
  start(): Leading;
  /** A step that failed is tried again; called for the first of several in a row. */
  onError(error: unknown): void;
}

export const leaseKey = internalKey("leases", "controllers");

/** The spec of a coordination.k8s.io/v1 Lease. */
interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

type Outcome = "held" | "taken" | "failed";

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #durations: LeaseDurations;
  /** Our own record; undefined when we do not hold the lease. */
  #held: { readonly revision: Revision; readonly spec: LeaseSpec } | undefined;
  /** The lease as it was seen last, and since when it is so: clocks of other servers do not matter. */
  #seen = { revision: -1, at: 0 };
  #failing = false;
  #leading = false;
  #running: Leading | undefined;
  /** Starts and stops of the work, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #stepping: Promise<void> = Promise.resolve();
  #cancelNext = (): void => {};
  #cancelDeadline = (): void => {};
  #closed = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#durations = options.durations ?? defaultLeaseDurations;
  }

  /** Takes part from now on; a lease that is free is tried at once. */
  start(): void {
    this.#stepping = this.#step();
  }

  /** Stops the work, then gives the lease back, so that another server goes on at once. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelNext();
    await this.#stepping;
    this.#stop();
    await this.#changing;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const released = { ...held.spec, holderIdentity: "", leaseDurationSeconds: 1 };
    await this.#put(held.revision, released).catch((error: unknown) => this.#options.onError(error));
  }

  async #step(): Promise<void> {
    const { clock } = this.#options;
    const started = clock.now();
    const before = this.#failing;
    this.#failing = false;
    const outcome = await this.#attempt(started).catch((error: unknown): Outcome => {
      this.#failing = true;
      if (!before) this.#options.onError(error);
      return "failed";
    });
    if (this.#closed) return;
    // A renewal that failed leaves the lease ours until the deadline.
    if (outcome === "taken") this.#stop();
    const left = started + this.#durations.deadline - clock.now();
    if (outcome === "held" && left > 0) this.#lead(left);
    const wait = outcome === "held" ? this.#durations.renew : this.#durations.retry;
    this.#cancelNext = clock.after(wait, () => {
      this.#stepping = this.#step();
    });
  }

  /** Takes or renews the lease where that is right. */
  async #attempt(now: number): Promise<Outcome> {
    const { store, identity } = this.#options;
    // The holder must know of a lost lease, and of a renewal whose answer was lost; the others may learn late.
    if (this.#held !== undefined) await store.fresh();
    const entry = store.get(leaseKey);
    const found = entry === undefined ? undefined : parseSpec(entry.value);
    const revision = entry?.revision ?? noRevision;
    if (revision !== this.#seen.revision) this.#seen = { revision, at: now };
    const mine = found?.holderIdentity === identity;
    if (!mine) {
      this.#held = undefined;
      const lasts = (found?.leaseDurationSeconds ?? 0) * 1_000;
      if ((found?.holderIdentity ?? "") !== "" && now < this.#seen.at + lasts) return "taken";
    }
    const time = timestamp(now);
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#durations.lease / 1_000),
      acquireTime: mine ? found.acquireTime : time,
      renewTime: time,
      leaseTransitions: mine ? found.leaseTransitions : (found?.leaseTransitions ?? -1) + 1,
    };
    const next = await this.#put(revision, spec);
    // Somebody was faster; who, is seen at the next look.
    if (next === undefined) return "failed";
    this.#held = { revision: next, spec };
    return "held";
  }

  /** The record's new revision, or undefined when it was changed meanwhile. */
  async #put(revision: Revision, spec: LeaseSpec): Promise<Revision | undefined> {
    const object = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: {}, spec };
    const result = await this.#options.store.commit({
      compare: [{ key: leaseKey, revision }],
      operations: [{ type: "put", key: leaseKey, value: Buffer.from(JSON.stringify(object)) }],
    });
    return result.ok ? result.revisions[0] : undefined;
  }

  /** `left`: how long in milliseconds without another renewal. */
  #lead(left: number): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#options.clock.after(left, () => this.#stop());
    if (this.#leading) return;
    this.#leading = true;
    this.#change(async () => {
      if (!this.#leading) return;
      // Where it throws, the next renewal starts it again.
      this.#leading = false;
      this.#running ??= this.#options.start();
      this.#leading = true;
    });
  }

  #stop(): void {
    this.#cancelDeadline();
    if (!this.#leading) return;
    this.#leading = false;
    this.#change(async () => {
      const running = this.#running;
      this.#running = undefined;
      await running?.close();
    });
  }

  #change(change: () => Promise<void>): void {
    this.#changing = this.#changing.then(change).catch((error: unknown) => this.#options.onError(error));
  }
}

/** What cannot be read is nobody's lease. */
function parseSpec(value: Buffer): LeaseSpec | undefined {
  try {
    const { spec } = JSON.parse(value.toString("utf8")) as { spec?: LeaseSpec };
    const usable = typeof spec?.holderIdentity === "string" && Number.isFinite(spec.leaseDurationSeconds);
    return usable ? spec : undefined;
  } catch {
    return undefined;
  }
}
