/** Answers what the annex asks: the store, and what the operator decides. */

import type { EgressPolicy } from "#admission/egress.ts";
import type { Authorizer } from "#authz/authorizer.ts";
import { bufferOf } from "#base/buffer-of.ts";
import type { TokenAuthenticator } from "#server/endpoints/reviews.ts";
import type { Key, KeyRange, Revision, Store, Txn } from "#storage/port.ts";
import type { EntryData, LaterQuestion, Outcome, PageData, Question } from "./protocol.ts";
import { storeErrorData } from "./store-errors.ts";

export interface DeskOptions {
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly authenticateToken: TokenAuthenticator;
  readonly egress: EgressPolicy;
}

/** A page of a range: one turn of this thread. */
const pageEntries = 256;
const pageBytes = 1_024 * 1_024;

export async function outcomeOf(answer: () => unknown): Promise<Outcome> {
  try {
    return { value: await answer() };
  } catch (error) {
    const storeError = storeErrorData(error);
    if (storeError !== undefined) return { storeError };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws errors of the store */
export function answerNow({ store, authorizer, egress }: DeskOptions, { name, args }: Question): unknown {
  switch (name) {
    case "current":
      return store.current();
    case "compacted":
      return store.compacted();
    case "get": {
      const entry = store.get(...args);
      return entry && { ...entry, value: copied(entry.value) };
    }
    case "revisionOf":
      return store.revisionOf(...args);
    case "page":
      return pageOf(store, ...args);
    case "count":
      return store.count(...args);
    case "tenantCounts":
      return store.tenantCounts(...args);
    case "indexEntries":
      return store.indexEntries(...args);
    case "authorize":
      return authorizer.authorize(...args);
    case "egressAllows":
      return egress.allows(...args);
  }
}

/** Rejects with errors of the store. */
export async function answerLater(
  { store, authenticateToken }: DeskOptions,
  { name, args }: LaterQuestion,
): Promise<unknown> {
  switch (name) {
    case "fresh":
      return store.fresh();
    case "waitFor":
      return store.waitFor(...args);
    case "commit":
      return store.commit(withBuffers(...args));
    case "authenticate":
      return authenticateToken(...args);
  }
}

/** Exactly these bytes: a small view would take the pool along that it lies in. */
const copied = (value: Buffer): Uint8Array => new Uint8Array(value);

function pageOf(store: Store, range: KeyRange, at: Revision | undefined): PageData {
  const current = at ?? store.current();
  const entries: EntryData[] = [];
  let bytes = 0;
  let more = false;
  store.visit(range, at, (key: Key, value, revision) => {
    if (entries.length >= pageEntries || bytes >= pageBytes) {
      more = true;
      return false;
    }
    entries.push({ key, value: copied(value), revision });
    bytes += value.length;
    return true;
  });
  return { entries, at: current, more };
}

function withBuffers({ compare, operations }: Txn): Txn {
  return {
    compare,
    operations: operations.map((operation) => {
      if (operation.type === "delete") return operation;
      return { ...operation, value: bufferOf(operation.value) };
    }),
  };
}
