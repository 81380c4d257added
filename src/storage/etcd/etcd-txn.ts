/** A transaction of the store as one transaction of etcd, and etcd's answer as the store's. */

import { checkLimits } from "../limits.ts";
import { checkTerm } from "../local/apply.ts";
import {
  type Key,
  type KeySpace,
  maxTxnOperations,
  noRevision,
  type Revision,
  StoreLimitError,
  type Txn,
  type TxnResult,
} from "../port.ts";
import { type RequestOp, safeNumber, type TxnRequest, type TxnResponse } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { modOf, sealValue, toRevision } from "./revision.ts";

/** etcd's default `--max-request-bytes`; a larger transaction is not even sent. */
const maxRequestBytes = 1_536 * 1_024;
const equal = 0;
const target = { mod: 2, value: 3 } as const;

/** etcd answered from another store than the one this server belongs to: it was emptied, or replaced. */
export class ForeignStoreError extends Error {
  override readonly name = "ForeignStoreError";
}

/** Refuses what does not fit. Throws {@link StoreLimitError}; RangeError for keys outside the key space. */
export function checkTxn(txn: Txn, keySpace: KeySpace): void {
  const { prefix } = keySpace;
  checkLimits(txn);
  let bytes = 0;
  for (const operation of txn.operations) {
    checkKey(operation.key, prefix);
    bytes += operation.key.length;
    if (operation.type !== "put") continue;
    bytes += operation.value.length;
    keySpace.terms(operation.key, operation.value).forEach(checkTerm);
  }
  for (const comparison of txn.compare) checkKey(comparison.key, prefix);
  if (bytes > maxRequestBytes) {
    throw new StoreLimitError(`a transaction of ${bytes} bytes; etcd takes ${maxRequestBytes}`);
  }
}

function checkKey(key: Key, prefix: string): void {
  if (!key.startsWith(prefix)) throw new RangeError(`the key ${key} is not below ${prefix}`);
  if (key.includes("\0")) throw new StoreLimitError("a key has no zero byte");
}

/** No key has it: etcd's revisions end long before. */
const impossibleMod = Number.MAX_SAFE_INTEGER;

/**
 * The mod revisions to compare. etcd knows no positions, so a comparison with one that the key certainly does not have
 * gets a mod revision that never holds; `known` is the replica's revision of a key, 0 = unknown.
 */
export function comparedMods(txn: Txn, known: (key: Key) => Revision): number[] {
  return txn.compare.map(({ key, revision }) => {
    const mod = modOf(revision);
    if (mod === 0) return revision === noRevision ? 0 : impossibleMod;
    const current = known(key);
    return modOf(current) === mod && current !== revision ? impossibleMod : mod;
  });
}

/**
 * The request. Besides the caller's comparisons it compares the store's identity, so that nothing is ever written into
 * an etcd that was emptied or replaced while this server ran.
 */
export function encodeTxn(txn: Txn, mods: readonly number[], keys: EtcdKeys, identity: Buffer): TxnRequest {
  const compare = txn.compare.map(({ key }, index) => ({
    result: equal,
    target: target.mod,
    key: keys.encode(key),
    modRevision: mods[index]!,
  }));
  const failure: RequestOp[] = [];
  if (compare.length > 1) {
    // etcd does not say which comparison failed: look. The last one needs no look, it failed if no other did.
    for (const { key } of compare.slice(0, -1))
      failure.push({ requestRange: { key, keysOnly: true, limit: 1 } });
  }
  const guarded = compare.length < maxTxnOperations;
  if (guarded) failure.push({ requestRange: { key: keys.identity, limit: 1 } });
  return {
    compare: guarded
      ? [...compare, { result: equal, target: target.value, key: keys.identity, value: identity }]
      : compare,
    success: txn.operations.map((operation, index) =>
      operation.type === "put"
        ? { requestPut: { key: keys.encode(operation.key), value: sealValue(operation.value, index) } }
        : { requestDeleteRange: { key: keys.encode(operation.key) } },
    ),
    failure,
  };
}

/** Throws {@link ForeignStoreError}. */
export function decodeTxn(
  txn: Txn,
  mods: readonly number[],
  response: TxnResponse,
  identity: Buffer,
): TxnResult {
  if (!response.succeeded) return { ok: false, failed: failedIndex(mods, response, identity) };
  const mod = safeNumber(response.header.revision);
  let position = -1;
  const revisions = txn.operations.map((operation, index): Revision => {
    if (operation.type === "put") {
      position = index;
    } else {
      const deleted = response.responses[index]?.responseDeleteRange?.deleted ?? 0;
      if (safeNumber(deleted) === 0) return noRevision;
      position++;
    }
    return toRevision(mod, position);
  });
  return { ok: true, revisions };
}

function failedIndex(mods: readonly number[], response: TxnResponse, identity: Buffer): number {
  const looked = Math.max(0, mods.length - 1);
  if (mods.length < maxTxnOperations) {
    const found = response.responses[looked]?.responseRange?.kvs[0];
    if (found === undefined || !identity.equals(found.value)) {
      throw new ForeignStoreError("etcd holds another store than the one this server was started on");
    }
  }
  for (let i = 0; i < looked; i++) {
    const found = response.responses[i]?.responseRange?.kvs[0];
    const mod = found === undefined ? 0 : safeNumber(found.modRevision);
    if (mod !== mods[i]) return i;
  }
  return looked;
}
