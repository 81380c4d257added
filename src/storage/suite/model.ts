/** The model-based test: random histories on a store and on a trivial model, which must never differ. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareBytes } from "#base/bytes.ts";
import {
  type Change,
  CompactedError,
  type Key,
  type KeyRange,
  noRevision,
  type Operation,
  prefixRange,
  type Revision,
  type Store,
  type TxnResult,
} from "../port.ts";
import { testKeySpace } from "../test-key-space.ts";
import type { StoreSuiteOptions, StoreUnderTest } from "./store-suite.ts";
import { changesSeen, entriesOf, type SeenChanges, wrongRevision } from "./tools.ts";

const collections = ["/registry/core/secrets/", "/registry/apps/deployments/"];
const tenants = ["a", "ab", "b"];
const names = ["x", "y", "ns/x"];
const keys = collections.flatMap((collection) =>
  tenants.flatMap((tenant) => names.map((name) => `${collection}${tenant}/${name}` as Key)),
);
const prefixes = [
  "",
  "/registry/",
  ...collections,
  ...collections.flatMap((collection) =>
    tenants.flatMap((tenant) => [`${collection}${tenant}/`, `${collection}${tenant}/ns/`]),
  ),
  "/registry/core/secrets/a",
];

/** All changes there ever were. */
class Model {
  readonly changes: Change[] = [];
  compacted = noRevision;

  get current(): Revision {
    return this.changes.at(-1)?.revision ?? noRevision;
  }

  at(revision: number): Map<Key, { value: Buffer; revision: Revision }> {
    const state = new Map<Key, { value: Buffer; revision: Revision }>();
    for (const change of this.changes) {
      if (change.revision > revision) break;
      if (change.value === undefined) state.delete(change.key);
      else state.set(change.key, { value: change.value, revision: change.revision });
    }
    return state;
  }

  range(range: KeyRange, revision: number): [Key, string, Revision][] {
    return [...this.at(revision)]
      .filter(([key]) => compareBytes(key, range.start) >= 0 && compareBytes(key, range.end) < 0)
      .sort(([a], [b]) => compareBytes(a, b))
      .map(([key, entry]) => [key, entry.value.toString(), entry.revision]);
  }
}

type Command =
  | { readonly type: "commit"; readonly txns: readonly RandomTxn[] }
  | { readonly type: "read"; readonly prefix: number; readonly back: number }
  | { readonly type: "watch"; readonly prefix: number; readonly back: number }
  | { readonly type: "compact"; readonly back: number }
  | { readonly type: "restart" };

interface RandomTxn {
  readonly operations: readonly { readonly key: number; readonly put: boolean; readonly term: number }[];
  /** Compared keys; `right` = with the revision they have in the model when the command begins. */
  readonly compare: readonly { readonly key: number; readonly right: boolean }[];
}

const keyIndex = fc.nat({ max: keys.length - 1 });
const txn: fc.Arbitrary<RandomTxn> = fc.record({
  operations: fc.uniqueArray(fc.record({ key: keyIndex, put: fc.boolean(), term: fc.nat({ max: 3 }) }), {
    minLength: 1,
    maxLength: 5,
    selector: (operation) => operation.key,
  }),
  compare: fc.array(fc.record({ key: keyIndex, right: fc.boolean() }), { maxLength: 1 }),
});
const prefix = fc.nat({ max: prefixes.length - 1 });
const back = fc.nat({ max: 30 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant("commit" as const),
      txns: fc.array(txn, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("read" as const), prefix, back }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("watch" as const), prefix, back }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("compact" as const), back }) },
  { weight: 1, arbitrary: fc.constant({ type: "restart" as const }) },
);

export function modelTest(options: StoreSuiteOptions): void {
  describe(`${options.name} store against the model`, () => {
    it("never differs", async () => {
      const property = fc.asyncProperty(
        fc.array(command, { minLength: 5, maxLength: 40 }),
        async (commands) => {
          const run = new Run(await options.open());
          try {
            for (const next of commands) await run.execute(next);
            await run.finish();
          } finally {
            await run.dispose();
          }
        },
      );
      await fc.assert(property, { numRuns: options.modelRuns ?? 30 });
    });
  });
}

interface OpenWatch {
  readonly prefix: string;
  readonly after: Revision;
  readonly seen: SeenChanges;
}

class Run {
  #under: StoreUnderTest;
  readonly #model = new Model();
  #watches: OpenWatch[] = [];
  #value = 0;
  /** The store's first revision: engines may begin above 0. */
  readonly #start: Revision;

  constructor(under: StoreUnderTest) {
    this.#under = under;
    this.#start = under.store.current();
    this.#model.compacted = under.store.compacted();
  }

  get #store(): Store {
    return this.#under.store;
  }

  async execute(command: Command): Promise<void> {
    switch (command.type) {
      case "commit":
        return this.#commit(command.txns);
      case "read":
        return this.#read(prefixes[command.prefix]!, this.#back(command.back));
      case "watch":
        return this.#watch(prefixes[command.prefix]!, this.#back(command.back));
      case "compact":
        return this.#compact(this.#back(command.back));
      case "restart":
        return this.#restart();
    }
  }

  async finish(): Promise<void> {
    await this.#checkWatches();
    const now = this.#model.at(Number.POSITIVE_INFINITY);
    assert.deepEqual(
      entriesOf(this.#store, prefixRange("/registry/")),
      this.#model.range(prefixRange("/registry/"), this.#model.current),
    );
    for (const tenant of tenants) {
      const expected = collections
        .map((collection) => {
          const own = `${collection}${tenant}/`;
          const lastRevision = this.#model.changes.findLast(({ key }) => key.startsWith(own))?.revision;
          return {
            collection,
            count: [...now.keys()].filter((key) => key.startsWith(own)).length,
            lastRevision,
          };
        })
        .filter(({ count }) => count > 0)
        .sort((a, b) => compareBytes(a.collection, b.collection));
      assert.deepEqual(this.#store.tenantCounts(tenant), expected);
    }
    const terms = [...now].flatMap(([key, { value }]) =>
      testKeySpace()
        .terms(key, value)
        .map((term) => ({ term, key })),
    );
    terms.sort((a, b) => compareBytes(a.term, b.term) || compareBytes(a.key, b.key));
    assert.deepEqual(this.#store.indexEntries("t/", "t0", 1_000), terms);
  }

  async dispose(): Promise<void> {
    for (const { seen } of this.#watches) seen.close();
    await this.#under.dispose();
  }

  /** All at once: they are decided in the order of their calls. */
  async #commit(txns: readonly RandomTxn[]): Promise<void> {
    const before = this.#model.at(Number.POSITIVE_INFINITY);
    const requests = txns.map(({ operations, compare }) => ({
      compare: compare.map(({ key, right }) => {
        const revision = before.get(keys[key]!)?.revision ?? noRevision;
        return { key: keys[key]!, revision: right ? revision : wrongRevision(revision) };
      }),
      operations: operations.map(({ key, put, term }): Operation => {
        const value = Buffer.from(`${++this.#value}${term > 0 ? `@t=${term};` : ""}`);
        return put ? { type: "put", key: keys[key]!, value } : { type: "delete", key: keys[key]! };
      }),
    }));
    // Engines that ask another machine may decide concurrent calls in another order: these are asked one by one.
    const results: TxnResult[] = [];
    if (this.#store.fresh() instanceof Promise) {
      for (const request of requests) results.push(await this.#store.commit(request));
    } else {
      results.push(...(await Promise.all(requests.map((request) => this.#store.commit(request)))));
    }
    for (const [i, { compare, operations }] of requests.entries()) {
      const state = this.#model.at(Number.POSITIVE_INFINITY);
      const failed = compare.findIndex(
        ({ key, revision }) => (state.get(key)?.revision ?? noRevision) !== revision,
      );
      const result: TxnResult = results[i]!;
      assert.equal(result.ok, failed < 0);
      if (!result.ok) {
        assert.equal(result.failed, failed);
        continue;
      }
      for (const [j, operation] of operations.entries()) {
        const previous = state.get(operation.key);
        const revision: Revision = result.revisions[j]!;
        const value = operation.type === "put" ? operation.value : undefined;
        if (value === undefined && previous === undefined) {
          assert.equal(revision, noRevision);
          continue;
        }
        assert.ok(revision > this.#model.current && revision > this.#start, "revisions ascend");
        this.#model.changes.push({ revision, key: operation.key, value, previous });
      }
    }
    assert.ok((await this.#store.fresh()) >= this.#model.current, "an answered write is visible");
  }

  #read(prefix: string, at: Revision): void {
    const range = prefixRange(prefix === "" ? "/" : prefix);
    if (at < this.#store.compacted()) {
      assert.throws(() => this.#store.visit(range, at, () => true), CompactedError);
      assert.throws(() => this.#store.get(keys[0]!, at), CompactedError);
      return;
    }
    assert.deepEqual(entriesOf(this.#store, range, at), this.#model.range(range, at));
    const state = this.#model.at(at);
    for (const key of keys) {
      const entry = this.#store.get(key, at);
      assert.deepEqual(entry && { value: entry.value, revision: entry.revision }, state.get(key));
    }
  }

  #watch(prefix: string, after: Revision): void {
    if (after < this.#store.compacted()) {
      assert.throws(() => changesSeen(this.#store, prefix, after), CompactedError);
      return;
    }
    this.#watches.push({ prefix, after, seen: changesSeen(this.#store, prefix, after) });
  }

  async #compact(revision: Revision): Promise<void> {
    await this.#checkWatches();
    if (revision <= this.#store.compacted()) return;
    await this.#store.compact(revision);
    assert.ok(this.#store.compacted() >= revision);
  }

  async #restart(): Promise<void> {
    if (this.#under.reopen === undefined) return;
    await this.#checkWatches();
    const compacted = this.#store.compacted();
    this.#under = await this.#under.reopen();
    assert.ok(this.#store.compacted() >= compacted);
    // As a client does: watch on from the last change that was seen.
    this.#watches = this.#watches.map(({ prefix }) => {
      const after = this.#model.changes.length === 0 ? this.#start : this.#model.current;
      return { prefix, after, seen: changesSeen(this.#store, prefix, after) };
    });
  }

  async #checkWatches(): Promise<void> {
    for (const { prefix, after, seen } of this.#watches) {
      const changes = await seen.settled();
      assert.equal(seen.ended, undefined);
      const expected = this.#model.changes.filter(
        ({ key, revision }) => revision > after && key.startsWith(prefix),
      );
      assert.deepEqual(changes, expected);
    }
  }

  /** The revision `steps` changes ago. */
  #back(steps: number): Revision {
    return this.#model.changes.at(-1 - steps)?.revision ?? this.#start;
  }
}
