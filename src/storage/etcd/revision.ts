/**
 * How revisions of the store are made of etcd's.
 *
 * etcd gives all keys of a transaction one mod revision; the store gives each change its own:
 * `mod revision * 128 + position`. The position of a put is its index in the transaction and travels with the value
 * (see {@link sealValue}), so that every server knows it, also one that reads the key long after its neighbours are gone.
 * The position of a delete is one more than that of the change before it.
 */
import type { Revision } from "../port.ts";

/** Positions in one transaction; etcd's default `--max-txn-ops`. */
export const positions = 128;

/** The revision of the change at `position` of etcd's transaction `mod`. Throws RangeError beyond 2^53. */
export function toRevision(mod: number, position: number): Revision {
  const revision = mod * positions + position;
  if (!Number.isSafeInteger(revision)) throw new RangeError(`etcd's revision ${mod} is too large`);
  return revision as Revision;
}

/** The greatest revision that belongs to etcd's transaction `mod`. */
export function endOf(mod: number): Revision {
  return toRevision(mod, positions - 1);
}

/** etcd's mod revision. */
export function modOf(revision: Revision): number {
  return Math.floor(revision / positions);
}

/**
 * White space that JSON ignores, as digits. A stored value ends in one newline when its position is 0; otherwise in four
 * digits of the position and a tab. So values stay readable by etcdctl and any JSON parser.
 */
const digits = Buffer.from(" \t\r\n");
const [, tab, , newline] = digits;
const longSealBytes = 5;

/** Adds the position to a value. */
export function sealValue(value: Uint8Array, position: number): Buffer {
  const long = position > 0;
  const sealed = Buffer.allocUnsafe(value.length + (long ? longSealBytes : 1));
  sealed.set(value);
  if (long) {
    for (let i = 0; i < 4; i++) sealed[value.length + i] = digits[(position >> (6 - 2 * i)) & 3]!;
  }
  sealed[sealed.length - 1] = long ? tab! : newline!;
  return sealed;
}

/** Value and position; position undefined for a value that someone else wrote. */
export function openValue(sealed: Buffer): { readonly value: Buffer; readonly position: number | undefined } {
  const last = sealed.at(-1);
  if (last === newline) return { value: sealed.subarray(0, -1), position: 0 };
  if (last !== tab || sealed.length < longSealBytes) return { value: sealed, position: undefined };
  let position = 0;
  for (const byte of sealed.subarray(-longSealBytes, -1)) {
    const digit = digits.indexOf(byte);
    if (digit < 0) return { value: sealed, position: undefined };
    position = position * 4 + digit;
  }
  if (position === 0 || position >= positions) return { value: sealed, position: undefined };
  return { value: sealed.subarray(0, -longSealBytes), position };
}
