/**
 * The stored form of an object: compact JSON that starts exactly
 *
 *     {"apiVersion":"v1","kind":"ConfigMap","metadata":{
 *
 * with two members of metadata in front when the object has them: `"managedFields":"`, a text of their own (`apply/compact.ts`), and
 * `"annotations":{`. What the key and the revision say is left out: name, namespace, resourceVersion, the annotation
 * `kcp.io/cluster`. `splice.ts` puts it all back on read, without parsing.
 */
import { compactManaged } from "#machinery/apply/compact.ts";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { sortedKeys } from "./order.ts";

/** The annotation that names an object's workspace. It comes from the key and is never stored. */
export const clusterAnnotation = "kcp.io/cluster";

const derived = new Set(["annotations", "name", "namespace", "resourceVersion", "selfLink"]);

/** The order in which metadata is stored, whoever put the object together: equal objects have equal bytes. */
const metadataOrder = [
  "generateName",
  "uid",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "ownerReferences",
  "finalizers",
  "managedFields",
];
const ordered = new Set(metadataOrder);

/**
 * Stored bytes of an object as {@link CompiledType.decode} gives it (or as the server itself puts together); managed fields may be
 * in their stored text already. The object is not changed. Members whose value is undefined are left out. The buffer has its own memory.
 */
export function canonicalBytes(object: object): Buffer {
  const root = object as JsonObject;
  const metadata = isJsonObject(root.metadata) ? root.metadata : {};
  let text = `{"apiVersion":${member(root.apiVersion ?? "")},"kind":${member(root.kind ?? "")},"metadata":{`;
  text += metadataMembers(metadata, typeof root.apiVersion === "string" ? root.apiVersion : "");
  text += "}";
  for (const key of Object.keys(root)) {
    if (key === "apiVersion" || key === "kind" || key === "metadata") continue;
    const value = root[key];
    if (value !== undefined) text += `,${JSON.stringify(key.toWellFormed())}:${member(value)}`;
  }
  text += "}";
  // Not from the shared pool: stored values live long, and a pool lives as long as its longest view.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text, "utf8"));
  bytes.write(text, "utf8");
  return bytes;
}

function metadataMembers(metadata: JsonObject, apiVersion: string): string {
  const members: string[] = [];
  const { managedFields } = metadata;
  const managed =
    typeof managedFields === "string"
      ? managedFields
      : Array.isArray(managedFields)
        ? compactManaged(managedFields, apiVersion)
        : undefined;
  if (managed !== undefined) members.push(`"managedFields":${member(managed)}`);
  const annotations = metadata.annotations;
  if (isJsonObject(annotations)) {
    const kept = sortedKeys(annotations).filter(
      (key) => key !== clusterAnnotation && annotations[key] !== undefined,
    );
    if (kept.length > 0)
      members.push(`"annotations":{${kept.map((key) => pair(key, annotations[key]!)).join(",")}}`);
  }
  const told = managed !== undefined || isEmptyList(managedFields);
  const rest: JsonObject = {};
  for (const key of metadataOrder) {
    const value = metadata[key];
    if (value !== undefined && !(told && key === "managedFields")) rest[key] = value;
  }
  for (const key in metadata) {
    if (!derived.has(key) && !ordered.has(key) && metadata[key] !== undefined)
      setOwn(rest, key.toWellFormed(), metadata[key]!);
  }
  const text = writeJson(rest);
  if (text !== "{}") members.push(text.slice(1, -1));
  return members.join(",");
}

const isEmptyList = (value: JsonValue | undefined): boolean => Array.isArray(value) && value.length === 0;

const pair = (key: string, value: JsonValue): string =>
  `${JSON.stringify(key.toWellFormed())}:${member(value)}`;

const member = (value: JsonValue): string => writeJson(value);
