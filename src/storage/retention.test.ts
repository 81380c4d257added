import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "#base/clock.ts";
import type { Revision, Store } from "./port.ts";
import { startRetention } from "./retention.ts";

test("history is kept for its time and its least number of revisions, then compacted", async () => {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after: (delay, run) => {
      const timer = { at: now + delay, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const step = async (ms: number) => {
    now += ms;
    const due = timers.filter((timer) => timer.at <= now);
    timers = timers.filter((timer) => timer.at > now);
    for (const timer of due) timer.run();
    await new Promise((resolve) => setImmediate(resolve));
  };
  let current = 0 as Revision;
  let compacted = 0 as Revision;
  const store = {
    current: () => current,
    compacted: () => compacted,
    compact: async (revision: Revision) => {
      compacted = revision;
    },
  };
  const stop = startRetention(store as Store, { keepMs: 100_000, keepRevisions: 500 }, clock);
  for (let i = 1; i <= 10; i++) {
    current = (i * 100) as Revision;
    await step(10_000);
    assert.equal(compacted, 0);
  }
  current = 2_000 as Revision;
  await step(10_000);
  assert.equal(compacted, 100);
  await step(10_000);
  assert.equal(compacted, 200);
  for (let i = 0; i < 30; i++) await step(10_000);
  assert.equal(compacted, 1_500);
  stop();
  assert.equal(timers.length, 0);
});
