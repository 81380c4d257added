/** The process that is killed: writes in several lanes at once, compacts, and says what was answered and shown. */
import { writeSync } from "node:fs";
import type { Operation, Revision, Store } from "../../port.ts";
import { testKeySpace } from "../../test-key-space.ts";
import { openEmbeddedStore } from "../embedded-store.ts";
import { keysPerLane, laneKey, lanes, markKey } from "./protocol.ts";

/** Every so many transactions of a lane, its last key is deleted instead of set. */
const deleteEvery = 3;
const sizes = [20, 300, 900, 9_000];

// Synchronous, so that a line is out before anything else happens.
const say = (line: string): void => void writeSync(1, line);

async function runLane(store: Store, lane: number): Promise<void> {
  const first = store.get(laneKey(lane, 0));
  for (let n = first === undefined ? 1 : numberIn(first.value) + 1; ; n++) {
    const value = Buffer.from(`${n} ${"x".repeat(sizes[n % sizes.length]!)}`);
    const operations: Operation[] = [];
    for (let i = 0; i < keysPerLane; i++) {
      const gone = i === keysPerLane - 1 && n % deleteEvery === 0;
      operations.push(
        gone ? { type: "delete", key: laneKey(lane, i) } : { type: "put", key: laneKey(lane, i), value },
      );
    }
    operations.push({ type: "put", key: markKey(lane, n), value });
    const compare = [
      { key: laneKey(lane, 0), revision: store.revisionOf(laneKey(lane, 0)) },
      { key: markKey(lane, n), revision: 0 as Revision },
    ];
    const result = await store.commit({ compare, operations });
    if (!result.ok) throw new Error(`lane ${lane}: comparison ${result.failed} failed`);
    say(`A ${lane} ${n} ${result.revisions.join(",")} ;\n`);
  }
}

export const numberIn = (value: Buffer): number => Number.parseInt(value.toString("latin1", 0, 16), 10);

async function main(directory: string): Promise<void> {
  const store = await openEmbeddedStore({
    directory,
    keySpace: testKeySpace(),
    retention: false,
    minFreeBytes: 0,
  });
  const start = store.current();
  store.watch({
    prefix: "",
    after: start,
    onChanges: (changes) => say(changes.map(({ revision, key }) => `S ${revision} ${key} . ;\n`).join("")),
    onEnd: () => {},
  });
  // The judge has seen everything up to `start`: that history may go, so kills also fall into compaction.
  void store.compact(start);
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(store, lane)));
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2]!);
