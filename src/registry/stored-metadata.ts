/** What stands in the metadata of a stored value, without parsing the rest of it. */

import { readOwnJson } from "#machinery/json/read.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

const start = Buffer.from('"metadata":{');
const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;

/**
 * The stored metadata (no name, namespace, resourceVersion and managed fields); undefined when the bytes are no stored object. Only
 * apiVersion and kind stand before it, and quotes within strings are escaped, so its start cannot be mistaken.
 */
export function storedMetadata(value: Buffer): Omit<KubeObject["metadata"], "managedFields"> | undefined {
  const at = value.indexOf(start);
  if (at < 0) return undefined;
  const first = at + start.length - 1;
  let depth = 0;
  for (let i = first; i < value.length; i++) {
    const byte = value[i];
    if (byte === quote) {
      for (i++; i < value.length && value[i] !== quote; i++) if (value[i] === backslash) i++;
    } else if (byte === open) depth++;
    else if (byte === close && --depth === 0) {
      const { managedFields: _, ...metadata } = readOwnJson(
        value.subarray(first, i + 1),
      ) as unknown as KubeObject["metadata"];
      return metadata;
    }
  }
  return undefined;
}
