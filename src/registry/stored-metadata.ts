/** What stands in the metadata of a stored value, without parsing the rest of it. */
import type { KubeObject } from "#machinery/meta/object.ts";
import { readStoredManaged } from "./stored-object.ts";

const start = Buffer.from('"metadata":{');
const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;

/**
 * The stored metadata (no name, namespace and resourceVersion); undefined when the bytes are no stored object. Only apiVersion and
 * kind stand before it, and quotes within strings are escaped, so its start cannot be mistaken.
 */
export function storedMetadata(value: Buffer): KubeObject["metadata"] | undefined {
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
      const metadata = JSON.parse(value.toString("utf8", first, i + 1)) as KubeObject["metadata"];
      readStoredManaged(metadata, apiVersionOf(value));
      return metadata;
    }
  }
  return undefined;
}

const versionStart = '{"apiVersion":'.length;

function apiVersionOf(value: Buffer): string {
  const end = value.indexOf(quote, versionStart + 1);
  return JSON.parse(value.toString("utf8", versionStart, end + 1)) as string;
}
