/**
 * The crash campaign: a writer is killed with SIGKILL at random moments, again and again on one directory; after each
 * kill the store is opened and compared with what the writer had said. It shows that the store is consistent after the
 * death of its process. The page cache survives that: the promise about power loss rests on the flush before each
 * answer, see docs/storage.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Change, noRevision, prefixRange, type Revision, type Store } from "../../port.ts";
import { changesSeen } from "../../suite/tools.ts";
import { testKeySpace } from "../../test-key-space.ts";
import { openEmbeddedStore } from "../embedded-store.ts";
import { keysPerLane, type Line, laneKey, lanes, markKey, parseLine } from "./protocol.ts";
import { numberIn } from "./writer.ts";

export interface CampaignOptions {
  readonly directory: string;
  readonly kills: number;
  /** A number from 0 up to 1. */
  random(): number;
  onRound?(round: number, figures: CampaignFigures): void;
}

export interface CampaignFigures {
  kills: number;
  acknowledged: number;
  changes: number;
  lost: number;
  torn: number;
  reused: number;
  /** Changes that a resumed watch missed, repeated or brought out of order. */
  watchFaults: number;
  /** Changes shown by a watch before the kill and gone after it. */
  unshown: number;
}

/** The kill falls this long after the writer's first answer, in milliseconds. */
const longestLifeMs = 250;
/** A writer that says nothing for so long has failed, in milliseconds. */
const startTimeoutMs = 180_000;

export async function runCrashCampaign(options: CampaignOptions): Promise<CampaignFigures> {
  const judge = new Judge();
  for (let round = 1; round <= options.kills; round++) {
    const lines = await killOne(options.directory, options.random() * longestLifeMs);
    judge.figures.kills++;
    const store = await openEmbeddedStore({
      directory: options.directory,
      keySpace: testKeySpace(),
      retention: false,
      minFreeBytes: 0,
    });
    try {
      await judge.judge(store, lines);
    } finally {
      await store.close();
    }
    options.onRound?.(round, judge.figures);
  }
  return judge.figures;
}

async function killOne(directory: string, lifeMs: number): Promise<Line[]> {
  const writer = fileURLToPath(new URL("./writer.ts", import.meta.url));
  const child = spawn(process.execPath, [writer, directory], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const started = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the writer says nothing: ${errors}`)), startTimeoutMs);
    child.stdout.on("data", (chunk) => {
      output += chunk;
      clearTimeout(timer);
      resolve();
    });
  });
  const exited = once(child, "close");
  await Promise.race([started, exited]);
  const timer = setTimeout(() => child.kill("SIGKILL"), lifeMs);
  const [, signal] = await exited;
  clearTimeout(timer);
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself: ${errors}`);
  return output
    .split("\n")
    .map(parseLine)
    .filter((line) => line !== undefined);
}

/** Knows everything that was ever seen, and compares. */
class Judge {
  readonly figures: CampaignFigures = {
    kills: 0,
    acknowledged: 0,
    changes: 0,
    lost: 0,
    torn: 0,
    reused: 0,
    watchFaults: 0,
    unshown: 0,
  };
  #seenUpTo = noRevision;
  /** Highest transaction answered, per lane. */
  readonly #answered = new Map<number, number>();

  async judge(store: Store, lines: readonly Line[]): Promise<void> {
    const watch = changesSeen(store, "", this.#seenUpTo);
    const changes = await watch.settled();
    watch.close();
    const byRevision = this.#checkOrder(changes);
    this.#checkWatch(store, byRevision);
    for (const line of lines) this.#checkLine(line, byRevision);
    for (let lane = 0; lane < lanes; lane++) this.#checkLane(store, lane);
    this.#seenUpTo = store.current();
  }

  #checkOrder(changes: readonly Change[]): Map<number, Change> {
    const byRevision = new Map<number, Change>();
    let last: number = this.#seenUpTo;
    for (const change of changes) {
      if (change.revision <= last) this.figures.watchFaults++;
      last = change.revision;
      byRevision.set(change.revision, change);
    }
    this.figures.changes += changes.length;
    return byRevision;
  }

  /** What changed since the last round, by the state, must have come through the watch. */
  #checkWatch(store: Store, byRevision: ReadonlyMap<number, Change>): void {
    store.visit(prefixRange("/registry/"), undefined, (key, value, revision) => {
      if (revision <= this.#seenUpTo) return;
      const change = byRevision.get(revision);
      if (change?.key !== key || change.value?.equals(value) !== true) this.figures.watchFaults++;
    });
  }

  #checkLine(line: Line, byRevision: ReadonlyMap<number, Change>): void {
    if (line.type === "shown") {
      if (byRevision.get(line.revision)?.key !== line.key) this.figures.unshown++;
      return;
    }
    this.figures.acknowledged++;
    this.#answered.set(line.lane, Math.max(line.n, this.#answered.get(line.lane) ?? 0));
    for (const [index, revision] of line.revisions.entries()) {
      if (revision === noRevision) continue;
      const key = index < keysPerLane ? laneKey(line.lane, index) : markKey(line.lane, line.n);
      const change = byRevision.get(revision);
      if (revision <= this.#seenUpTo) this.figures.reused++;
      else if (change === undefined) this.figures.lost++;
      else if (change.key !== key || (change.value !== undefined && numberIn(change.value) !== line.n))
        this.figures.reused++;
    }
  }

  #checkLane(store: Store, lane: number): void {
    const numbers = new Set<number>();
    for (let i = 0; i < keysPerLane - 1; i++) {
      const entry = store.get(laneKey(lane, i));
      numbers.add(entry === undefined ? 0 : numberIn(entry.value));
    }
    const [n = 0] = numbers;
    const last = store.get(laneKey(lane, keysPerLane - 1));
    if (numbers.size !== 1 || (last !== undefined && numberIn(last.value) !== n)) this.figures.torn++;
    if (n < (this.#answered.get(lane) ?? 0)) this.figures.lost++;
    // Every transaction up to n left its mark, and none behind it did.
    const marks = store.count("/registry/core/marks/", `lane${lane}`);
    if (marks !== n || store.revisionOf(markKey(lane, n + 1)) !== noRevision) this.figures.torn++;
    if (n > 0 && (store.revisionOf(markKey(lane, n)) as Revision) === noRevision) this.figures.torn++;
  }
}

/** Whether nothing went wrong. */
export function isClean({ lost, torn, reused, watchFaults, unshown }: CampaignFigures): boolean {
  return lost + torn + reused + watchFaults + unshown === 0;
}
