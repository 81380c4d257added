import type { Clock } from "#base/clock.ts";
import type { Revision } from "../port.ts";

/** Samples of the current revision in one retention time: history is kept so long, and at most a tenth longer. */
const samples = 10;
const minPauseMs = 1_000;
const maxPauseMs = 30_000;

export interface RetentionOptions {
  readonly clock: Clock;
  /** History younger than this is kept. */
  readonly retentionMs: number;
  /** So much history is kept whatever its age, as a distance of revisions. */
  readonly minDistance: number;
  current(): Revision;
  compacted(): Revision;
  compact(revision: Revision): Promise<void>;
}

/** Compacts again and again, by age, until the result is called. A failed round is made up for by the next. */
export function startRetention(options: RetentionOptions): () => void {
  const { clock, retentionMs } = options;
  const pause = Math.min(maxPauseMs, Math.max(minPauseMs, retentionMs / samples));
  let seen: { readonly time: number; readonly revision: Revision }[] = [];
  let cancel = () => {};
  let stopped = false;
  const round = async () => {
    const now = clock.now();
    seen.push({ time: now, revision: options.current() });
    const old = seen.filter((sample) => sample.time <= now - retentionMs);
    const newest = old.at(-1);
    if (newest !== undefined) {
      seen = seen.slice(old.length - 1);
      const target = Math.min(newest.revision, options.current() - options.minDistance) as Revision;
      if (target > options.compacted()) await options.compact(target).catch(() => undefined);
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    cancel = clock.after(pause, () => void round());
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}
