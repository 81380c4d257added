import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Turn, Turns } from "./turns.ts";

const limits = { serving: 2, servingEach: 2, waiting: 6, waitingEach: 4 };

/** Notes in `log` when a turn begins, ends unbegun or is refused. */
function enter(turns: Turns, log: string[], name: string): Turn {
  const turn = turns.enter(name.slice(0, 1));
  if (turn.begun === undefined) log.push(name);
  else
    turn.begun.then(
      () => log.push(name),
      (error: { code: number; status: { details?: { retryAfterSeconds?: number } } }) =>
        log.push(`${name} ${error.code} ${error.status.details?.retryAfterSeconds}`),
    );
  return turn;
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("workspaces have their turns one after the other, however many of one wait", async () => {
  const turns = new Turns(limits);
  const log: string[] = [];
  const all = ["a1", "a2", "a3", "a4", "a5", "b1", "c1"].map((name) => enter(turns, log, name));
  assert.deepEqual(log, ["a1", "a2"]);
  for (const turn of all) {
    turn.end();
    await settled();
  }
  assert.deepEqual(log, ["a1", "a2", "a3", "b1", "c1", "a4", "a5"]);
  assert.equal(turns.isIdle, true);
});

test("a workspace is served so many at once, and others are served meanwhile", async () => {
  const turns = new Turns({ ...limits, serving: 3 });
  const log: string[] = [];
  const all = ["a1", "a2", "a3", "b1"].map((name) => enter(turns, log, name));
  assert.deepEqual(log, ["a1", "a2", "b1"]);
  all[3]!.end();
  await settled();
  assert.deepEqual(log, ["a1", "a2", "b1"]);
  all[0]!.end();
  await settled();
  assert.deepEqual(log, ["a1", "a2", "b1", "a3"]);
});

test("who has too many waiting is told so, and gives way to others", async () => {
  const turns = new Turns(limits);
  const log: string[] = [];
  for (const name of ["a1", "a2", "a3", "a4", "a5", "a6"]) enter(turns, log, name);
  assert.throws(() => turns.enter("a"), { code: 429 });
  for (const name of ["b1", "b2", "b3"]) enter(turns, log, name);
  await settled();
  assert.deepEqual(log, ["a1", "a2", "a6 429 1"]);
  // Three each: the place of one is no more another's.
  assert.throws(() => turns.enter("b"), { code: 429 });
  enter(turns, log, "c1");
  await settled();
  assert.deepEqual(log.slice(3), ["a5 429 1"]);
});

test("who goes away leaves its place", async () => {
  const turns = new Turns(limits);
  const log: string[] = [];
  const [first, , third] = ["a1", "a2", "a3", "a4"].map((name) => enter(turns, log, name));
  third!.cancel();
  await settled();
  assert.deepEqual(log, ["a1", "a2", "a3"]);
  first!.cancel();
  await settled();
  assert.deepEqual(log, ["a1", "a2", "a3"], "it has begun");
  first!.end();
  first!.end();
  third!.end();
  await settled();
  assert.deepEqual(log, ["a1", "a2", "a3", "a4"]);
  assert.equal(turns.isIdle, false);
});

test("nobody is forgotten, and no limit is passed", async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ enter: fc.constantFrom("a", "b", "c", "d") }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat() }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const turns = new Turns(limits);
      const open = new Set<{ readonly workspace: string; isServed: boolean; turn: Turn }>();
      const served = (workspace?: string) =>
        [...open].filter((one) => one.isServed && (workspace ?? one.workspace) === one.workspace).length;
      for (const one of steps) {
        if ("end" in one) {
          const ending = [...open][one.end % Math.max(1, open.size)];
          ending?.turn.end();
          if (ending !== undefined) open.delete(ending);
        } else {
          try {
            const turn = turns.enter(one.enter);
            const entry = { workspace: one.enter, isServed: turn.begun === undefined, turn };
            open.add(entry);
            turn.begun?.then(
              () => {
                entry.isServed = true;
              },
              () => open.delete(entry),
            );
          } catch {
            assert.ok(open.size - served() >= 4);
          }
        }
        await settled();
        assert.ok(served() <= 2 && open.size - served() <= 6);
        // Nobody waits while a place is free that he may have.
        if (served() < 2) assert.equal(open.size, served());
      }
      for (const { turn } of open) turn.end();
      assert.equal(turns.isIdle, true);
    }),
    { numRuns: 200 },
  );
});
