/** Rebuilds the tables that follow from `state`, `log` and the key space: index, counts and terms. */
import type { Key, KeySpace, Revision } from "../port.ts";
import { noRevision } from "../port.ts";
import { checkTerm, writeIndex } from "./apply.ts";
import { countKey, decodeCount, decodeLogRecord, encodeCount, termKey } from "./encoding.ts";
import { type Environment, emptyValue } from "./environment.ts";
import { metaKeys } from "./meta.ts";
import { lastRevision } from "./reader.ts";

/** Entries handled in one write transaction of a rebuild. */
const rebuildStep = 5_000;
/** Above every key: no UTF-8 text begins with U+10FFFF twice in practice, and keys are at most 1,536 bytes. */
const endOfText = "\u{10ffff}".repeat(4);

/** Brings derived tables to `keySpace.version`. A rebuild cut short by a crash starts again at the next open. */
export async function ensureDerived(env: Environment, keySpace: KeySpace): Promise<void> {
  if (env.meta.find(metaKeys.keySpace) >= 0 && env.meta.copy().toString() === keySpace.version) return;
  await env.write(() => {
    env.meta.put(metaKeys.keySpace, emptyValue);
    env.index.clear();
    env.counts.clear();
    env.terms.clear();
  });
  await fromState(env, keySpace);
  await fromLog(env, keySpace);
  await env.write(() => env.meta.put(metaKeys.keySpace, Buffer.from(keySpace.version)));
}

/** Adds a (tenant, collection) step to a bounded set of tallies that is written with each step. */
class Tallies {
  readonly #env: Environment;
  readonly #open = new Map<string, { count: number; last: Revision }>();

  constructor(env: Environment) {
    this.#env = env;
  }

  add(keySpace: KeySpace, key: Key, step: number, revision: Revision): void {
    const partition = keySpace.partition(key);
    if (partition === undefined) return;
    for (const name of [
      countKey(partition.tenant, partition.collection),
      countKey("", partition.collection),
    ]) {
      let tally = this.#open.get(name);
      if (tally === undefined) {
        const found = this.#env.counts.find(name) >= 0;
        const record = found ? decodeCount(this.#env.counts.bytes) : { count: 0, lastRevision: noRevision };
        tally = { count: record.count, last: record.lastRevision };
        this.#open.set(name, tally);
      }
      tally.count += step;
      if (revision > tally.last) tally.last = revision;
    }
  }

  write(): void {
    for (const [name, tally] of this.#open) this.#env.counts.put(name, encodeCount(tally.count, tally.last));
  }
}

async function fromState(env: Environment, keySpace: KeySpace): Promise<void> {
  for (let start: string | undefined = "\u0001"; start !== undefined; ) {
    const tallies = new Tallies(env);
    const rows: { key: Key; terms: readonly string[]; revision: Revision }[] = [];
    for (const { key, version } of env.state.scan(start, endOfText, { limit: rebuildStep })) {
      rows.push({
        key: key as Key,
        terms: keySpace.terms(key as Key, env.state.copy()),
        revision: version as Revision,
      });
    }
    for (const row of rows) {
      tallies.add(keySpace, row.key, 1, row.revision);
      row.terms.forEach(checkTerm);
    }
    await env.write(() => {
      for (const row of rows) {
        for (const term of row.terms) env.terms.put(termKey(term, row.key), emptyValue);
      }
      tallies.write();
    });
    start = rows.length < rebuildStep ? undefined : `${rows.at(-1)!.key}\u0001`;
  }
}

async function fromLog(env: Environment, keySpace: KeySpace): Promise<void> {
  for (let start: Revision | undefined = noRevision; start !== undefined; ) {
    const tallies = new Tallies(env);
    const rows: { key: Key; revision: Revision }[] = [];
    for (const { key } of env.log.scan(start, lastRevision, { limit: rebuildStep })) {
      rows.push({ key: decodeLogRecord(env.log.bytes, env.log.size).key, revision: key });
    }
    // The count itself comes from `state`; the log knows later deletions.
    for (const row of rows) tallies.add(keySpace, row.key, 0, row.revision);
    await env.write(() => {
      for (const row of rows) writeIndex(env, keySpace, row.key, row.revision);
      tallies.write();
    });
    start = rows.length < rebuildStep ? undefined : ((rows.at(-1)!.revision + 1) as Revision);
  }
}
