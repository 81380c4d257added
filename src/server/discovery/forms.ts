/** Discovery documents in the other forms that kube-apiserver has them in. */
import { Pacer } from "#base/pacer.ts";
import { encodeList, encodeListItem, encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { writeYaml } from "#machinery/codecs/yaml.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";

export type DiscoveryFormat = "json" | "yaml" | "protobuf";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const aggregated = "io.k8s.api.apidiscovery.v2";
const aggregatedKind = "APIGroupDiscoveryList";

/** A larger document stays the JSON that it is (JSON is YAML, too): writing it takes longer than others can wait. */
const maxYamlBytes = 1_048_576;

/** The document in a form; `json` is one that {@link DiscoveryDocuments} made. */
export async function discoveryIn(
  format: DiscoveryFormat,
  json: Buffer,
  codec: ProtobufCodec,
): Promise<Buffer> {
  if (format === "json" || (format === "yaml" && json.length > maxYamlBytes)) return json;
  const document = readOwnJson(json) as JsonObject;
  if (format === "yaml") return Buffer.from(writeYaml(document), "utf8");
  const { kind } = document;
  if (kind !== aggregatedKind) return encodeObjectProtobuf(codec, `${meta}.${String(kind)}`, document);
  const pacer = new Pacer();
  const items: Uint8Array[] = [];
  for (const group of document.items as JsonObject[]) {
    items.push(encodeListItem(codec, `${aggregated}.APIGroupDiscovery`, group));
    await pacer.turn();
  }
  return encodeList(codec, String(document.apiVersion), aggregatedKind, {}, items);
}
