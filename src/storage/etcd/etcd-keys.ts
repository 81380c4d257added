import { isUtf8 } from "node:buffer";
import { type Key, type KeySpace, maxKeyBytes, prefixRange } from "../port.ts";

const maxPrefixBytes = 128;

/** Where the store's keys live in etcd. */
export interface EtcdKeys {
  /** The range that is replicated: `<prefix>/` and everything below. */
  readonly start: Buffer;
  readonly end: Buffer;
  /** Begin of the watched range, which also holds the three keys below: one watch tells the order of all. */
  readonly watchStart: Buffer;
  /** Says which store this is; written once. */
  readonly identity: Buffer;
  /** Agrees between servers who compacts, and to which revision. */
  readonly compaction: Buffer;
  /** Written to see how far the watch has come, at etcd versions whose progress notifications cannot be trusted. */
  readonly tick: Buffer;
  encode(key: Key): Buffer;
  /** The key, or undefined for one that the store does not take: outside the range, no UTF-8, too long, with a zero byte. */
  decode(bytes: Uint8Array): Key | undefined;
}

/**
 * `etcdPrefix` (kube-apiserver's `--etcd-prefix`, for example `/registry`) stands in etcd for the key space's own prefix.
 * The store's own records are its neighbours: `/registry.myriad/...` sorts directly before `/registry/...`.
 */
export function etcdKeys(keySpace: KeySpace, etcdPrefix: string | undefined): EtcdKeys {
  if (!keySpace.prefix.endsWith("/")) throw new RangeError("the key space's prefix must end in /");
  const stem = etcdPrefix === undefined ? keySpace.prefix.slice(0, -1) : etcdPrefix.replace(/\/$/, "");
  if (
    stem === "" ||
    Buffer.byteLength(stem) > maxPrefixBytes ||
    !stem.isWellFormed() ||
    stem.includes("\0")
  ) {
    throw new RangeError(`unusable etcd prefix ${JSON.stringify(etcdPrefix)}`);
  }
  const prefix = `${stem}/`;
  const start = Buffer.from(prefix);
  const end = Buffer.from(prefixRange(prefix).end);
  const own = `${stem}.myriad/`;
  const skipped = keySpace.prefix.length;
  const maxBytes = maxKeyBytes - Buffer.byteLength(keySpace.prefix) + start.length;
  return {
    start,
    end,
    watchStart: Buffer.from(own),
    identity: Buffer.from(`${own}identity`),
    compaction: Buffer.from(`${own}compaction`),
    tick: Buffer.from(`${own}tick`),
    encode: (key) => Buffer.from(prefix + key.slice(skipped)),
    decode(bytes) {
      if (bytes.length > maxBytes || bytes.length < start.length || !isUtf8(bytes)) return undefined;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      if (!text.startsWith(prefix) || text.includes("\0")) return undefined;
      return (keySpace.prefix + text.slice(prefix.length)) as Key;
    },
  };
}
