/**
 * The way back from the stored form (`canonical.ts`) to what clients see: name, namespace, resourceVersion and the annotation
 * `kcp.io/cluster` are inserted into the bytes, which are never parsed; the text of the managed fields becomes JSON again.
 */
import { clusterAnnotation } from "./canonical.ts";
import { isManagedText, ManagedExpander, managedJsonBytes } from "./splice-managed.ts";

/** What the key and the revision say about an object. */
export interface StoredIdentity {
  readonly name: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly cluster: string;
  /** 0 = never stored (dry runs): no resourceVersion is shown. */
  readonly revision: number;
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;
const metadataKey = Buffer.from('"metadata":{');
const annotationsKey = Buffer.from('"annotations":{');

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const ascii = /^[\x20-\x7e]*$/;
const string = (text: string): string =>
  plain.test(text) ? `"${text}"` : JSON.stringify(text.toWellFormed());

/** The members to insert, up to and including the cluster annotation, with the annotations left open. */
function insertion({ name, namespace, cluster, revision }: StoredIdentity): string {
  const space = namespace === "" ? "" : `,"namespace":${string(namespace)}`;
  const version = revision === 0 ? "" : `,"resourceVersion":"${revision}"`;
  return `"name":${string(name)}${space}${version},"annotations":{"${clusterAnnotation}":${string(cluster)}`;
}

/** An upper bound of what {@link spliceInto} writes, in bytes; it is too large by a few bytes only. */
export function maxSplicedBytes(value: Buffer, identity: StoredIdentity): number {
  return bound(value, insertion(identity));
}

function bound(value: Buffer, text: string): number {
  const inside = metadataStart(value);
  const managed = isManagedText(value, inside) ? managedJsonBytes(value, inside) : 0;
  return value.length + 2 + managed + (ascii.test(text) ? text.length : Buffer.byteLength(text, "utf8"));
}

export interface SpliceOptions {
  /** Leave out apiVersion and kind, as the items of a list of a built-in kind have none. */
  readonly omitTypeMeta?: boolean;
}

/**
 * Writes the object as clients see it into `target` at `offset` and answers the offset behind it. `value` may be a view that is valid
 * only now: it is copied once. `target` must have room for {@link maxSplicedBytes}.
 * Throws when `value` is not in the stored form.
 */
export function spliceInto(
  target: Buffer,
  offset: number,
  value: Buffer,
  identity: StoredIdentity,
  options: SpliceOptions = {},
): number {
  return insert(target, offset, value, insertion(identity), options);
}

function insert(target: Buffer, offset: number, value: Buffer, text: string, options: SpliceOptions): number {
  const inside = metadataStart(value);
  let at = offset;
  let from = 0;
  if (options.omitTypeMeta === true) {
    target[at++] = openBrace;
    from = inside - metadataKey.length;
  }
  at += value.copy(target, at, from, inside);
  let rest = inside;
  if (isManagedText(value, inside)) {
    const expander = new ManagedExpander(value, target);
    at = expander.expand(inside, at);
    rest = expander.end;
    target[at++] = comma;
    if (value[rest] === comma) rest++;
  }
  at += ascii.test(text) ? target.write(text, at, "latin1") : target.write(text, at, "utf8");
  if (startsAt(value, rest, annotationsKey)) {
    rest += annotationsKey.length;
    if (value[rest] !== closeBrace) target[at++] = comma;
  } else {
    target[at++] = closeBrace;
    if (value[rest] !== closeBrace) target[at++] = comma;
  }
  return at + value.copy(target, at, rest, value.length);
}

/** The object as clients see it, in a buffer of its own. */
export function spliceStored(value: Buffer, identity: StoredIdentity, options: SpliceOptions = {}): Buffer {
  const text = insertion(identity);
  const target = Buffer.allocUnsafeSlow(bound(value, text));
  return target.subarray(0, insert(target, 0, value, text, options));
}

/** The offset behind `"metadata":{`. The first such bytes are the right ones: before them stand only apiVersion and kind. */
function metadataStart(value: Buffer): number {
  for (let brace = value.indexOf(openBrace, 1); brace > 0; brace = value.indexOf(openBrace, brace + 1)) {
    const inside = brace + 1;
    if (startsAt(value, inside - metadataKey.length, metadataKey)) return inside;
  }
  throw new Error("splice: the value is not in the stored form");
}

function startsAt(value: Buffer, offset: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (value[offset + i] !== bytes[i]) return false;
  return true;
}
