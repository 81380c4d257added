/** Built-in kinds for comparisons with upstream, and what of their objects can be compared. */
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import type { ExpectedType } from "../decode-body.ts";

export const catalogue = loadCatalogue();
export const codecs = {
  protobuf: new ProtobufCodec(catalogue),
  compiler: new TypeCompiler(catalogue),
  yaml: { read: readYaml },
};

/** All that the oracle has Go types of. */
export const upstreamKinds: readonly ExpectedType[] = kubernetesResources()
  .flatMap(({ group, versions }) =>
    versions.map(({ version, kind, type }) => ({ group, version, kind, type })),
  )
  .filter(({ group }) => !/(^|\.)(kcp\.io|apiregistration\.k8s\.io)$/.test(group));

/** Without what is empty: what is always written is `null` here where upstream still tells `[]` from it (docs/differences.md). */
export function filled(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(filled);
  if (!isJsonObject(value)) return value;
  const isFilled = (member: JsonValue): boolean =>
    member !== null && (typeof member !== "object" || Object.keys(member).length > 0);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, filled(member)] as const)
      .filter(([, member]) => isFilled(member)),
  );
}
