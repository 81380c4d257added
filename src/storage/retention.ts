/** How much history is kept: a pure policy, and the loop that applies it to a store. */
import type { Clock } from "#base/clock.ts";
import type { Revision, Store } from "./port.ts";

export interface Retention {
  /** History is kept at least so long, in milliseconds. */
  readonly keepMs: number;
  /** At least so many of the newest revisions are kept, however old. */
  readonly keepRevisions: number;
}

/** Five minutes, as kube-apiserver has etcd keep it. */
export const defaultRetention: Retention = { keepMs: 5 * 60_000, keepRevisions: 1_000 };

/** Samples within `keepMs`; history is kept up to this fraction longer than asked. */
const samplesKept = 10;

/** Decides from samples of (time, revision) what may be forgotten. */
class RetentionPolicy {
  readonly #retention: Retention;
  #samples: { readonly time: number; readonly revision: Revision }[] = [];

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  /** Milliseconds between samples. */
  get intervalMs(): number {
    return Math.max(1, Math.ceil(this.#retention.keepMs / samplesKept));
  }

  /** Takes a sample; answers the revision up to which history may go, 0 = none yet. */
  sample(time: number, revision: Revision): Revision {
    this.#samples.push({ time, revision });
    const last = this.#samples.findLastIndex((sample) => sample.time <= time - this.#retention.keepMs);
    if (last < 0) return 0 as Revision;
    this.#samples = this.#samples.slice(last);
    return Math.max(
      0,
      Math.min(this.#samples[0]!.revision, revision - this.#retention.keepRevisions),
    ) as Revision;
  }
}

/** Compacts `store` by the policy until the result is called. A round that fails is made up for by the next. */
export function startRetention(store: Store, retention: Retention, clock: Clock): () => void {
  const policy = new RetentionPolicy(retention);
  let stopped = false;
  let cancel = () => {};
  const round = async (): Promise<void> => {
    const target = policy.sample(clock.now(), store.current());
    if (target > store.compacted()) await store.compact(target).catch(() => {});
    if (!stopped) cancel = clock.after(policy.intervalMs, () => void round());
  };
  cancel = clock.after(policy.intervalMs, () => void round());
  policy.sample(clock.now(), store.current());
  return () => {
    stopped = true;
    cancel();
  };
}
