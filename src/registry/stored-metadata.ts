/** What stands in the metadata of a stored value, without parsing the rest of it. */

import { readOwnJson } from "#machinery/json/read.ts";
import { withoutMembers } from "#machinery/json/skim.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

const start = Buffer.from('"metadata":{');
const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;

/** What users write as much of as they like, and nobody here asks for. */
const unread = ["labels", "annotations", "managedFields"] as const;
/** Shorter metadata is parsed as a whole. */
const shortBytes = 4_096;

type ReadMetadata = Omit<KubeObject["metadata"], (typeof unread)[number]>;

/**
 * The stored metadata (no name, namespace, resourceVersion and what is {@link unread}); undefined when the bytes are no stored object. Only
 * apiVersion and kind stand before it, and quotes within strings are escaped, so its start cannot be mistaken.
 */
export function storedMetadata(value: Buffer): ReadMetadata | undefined {
  const at = value.indexOf(start);
  if (at < 0) return undefined;
  const first = at + start.length - 1;
  let depth = 0;
  for (let i = first; i < value.length; i++) {
    const byte = value[i];
    if (byte === quote) {
      for (i++; i < value.length && value[i] !== quote; i++) if (value[i] === backslash) i++;
    } else if (byte === open) depth++;
    else if (byte === close && --depth === 0) return read(value.subarray(first, i + 1));
    // One pass is enough.
    if (i - first > shortBytes) return read(withoutMembers(value.subarray(first), unread));
  }
  return undefined;
}

function read(bytes: Buffer): ReadMetadata {
  const {
    managedFields: _m,
    labels: _l,
    annotations: _a,
    ...metadata
  } = readOwnJson(bytes) as unknown as KubeObject["metadata"];
  return metadata;
}
