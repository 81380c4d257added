/** Content negotiation (k8s.io/apiserver pkg/endpoints/handlers/negotiation). */
import { Lru } from "#base/lru.ts";

export type Format = "json" | "yaml" | "protobuf";

/** What the client wants to see instead of the object itself. */
export type Shape = "object" | "Table" | "PartialObjectMetadata";

/** One accepted way of answering. */
export interface MediaType {
  readonly format: Format;
  readonly shape: Shape;
  /** Version of meta.k8s.io for the two other shapes: `v1` or `v1beta1`. */
  readonly metaVersion: string;
  /** `pretty=1` in the Accept clause. */
  readonly pretty: boolean;
}

export interface Offer {
  /** The answer is a list: partial metadata is asked for as `PartialObjectMetadataList`. */
  readonly list: boolean;
  /** The answer is a watch: YAML cannot be streamed. */
  readonly stream: boolean;
  /** Table and partial metadata can be had. */
  readonly transforms: boolean;
  /** The object itself has a protobuf form; those that workspaces define have none. */
  readonly protobuf: boolean;
}

export const contentTypes: Readonly<Record<Format, string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
};

/** What a 406 lists. */
export const acceptedAnswers = (offer: Offer): string[] =>
  offer.stream
    ? [contentTypes.json, `${contentTypes.protobuf};stream=watch`]
    : [contentTypes.json, contentTypes.yaml, contentTypes.protobuf];

/** What upstream's router names when nothing of `Accept` exists: all that a path can answer in, streams too. */
export const availableAnswers = (streams: boolean): string[] => [
  ...Object.values(contentTypes),
  ...(streams ? [`${contentTypes.json};stream=watch`, `${contentTypes.protobuf};stream=watch`] : []),
];

/** Whether any clause names a type that there is, whatever its parameters. */
export const namesKnownType = (accept: string | undefined): boolean =>
  accept === undefined ||
  accept === "" ||
  (accept.length <= maxHeaderLength && parseAccept(accept).some(({ type }) => formatOf(type) !== undefined));

interface Clause {
  readonly type: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Clients send a handful of different headers; hostile ones cannot fill memory. */
const cachedHeaders = 256;
const maxHeaderLength = 4_096;
const maxClauses = 64;

/** Reads Accept headers; answers for headers seen before come from a small cache. */
export class Negotiator {
  readonly #cache = new Lru<string, MediaType | "none">(cachedHeaders);

  /** The first acceptable clause by quality, then by order; undefined = 406. */
  negotiate(accept: string | undefined, offer: Offer): MediaType | undefined {
    const header = accept === undefined || accept === "" ? "application/json" : accept;
    if (header.length > maxHeaderLength) return undefined;
    const cacheKey = `${offer.list ? "l" : ""}${offer.stream ? "s" : ""}${offer.transforms ? "t" : ""}${offer.protobuf ? "p" : ""}|${header}`;
    const cached = this.#cache.get(cacheKey);
    if (cached !== undefined) return cached === "none" ? undefined : cached;
    const found = choose(parseAccept(header), offer);
    this.#cache.set(cacheKey, found ?? "none");
    return found;
  }
}

function choose(clauses: readonly Clause[], offer: Offer): MediaType | undefined {
  for (const clause of clauses) {
    const format = formatOf(clause.type);
    if (format === undefined || (format === "yaml" && offer.stream)) continue;
    const as = clause.parameters.get("as");
    const pretty = clause.parameters.get("pretty") === "1";
    if (as === undefined && format === "protobuf" && !offer.protobuf) continue;
    if (as === undefined) return { format, shape: "object", metaVersion: "v1", pretty };
    const metaVersion = clause.parameters.get("v") ?? "";
    if (!offer.transforms || clause.parameters.get("g") !== "meta.k8s.io") continue;
    if (metaVersion !== "v1" && metaVersion !== "v1beta1") continue;
    if (as === "Table" && format !== "protobuf") return { format, shape: "Table", metaVersion, pretty };
    if (as === (offer.list ? "PartialObjectMetadataList" : "PartialObjectMetadata")) {
      return { format, shape: "PartialObjectMetadata", metaVersion, pretty };
    }
  }
  return undefined;
}

function formatOf(type: string): Format | undefined {
  switch (type) {
    case "application/json":
    case "application/*":
    case "*/*":
      return "json";
    case "application/yaml":
      return "yaml";
    case "application/vnd.kubernetes.protobuf":
      return "protobuf";
    default:
      return undefined;
  }
}

function parseAccept(header: string): Clause[] {
  const clauses = header
    .split(",", maxClauses)
    .map((text): Clause => {
      const [type = "", ...rest] = text.split(";").map((part) => part.trim());
      const parameters = new Map<string, string>();
      for (const parameter of rest) {
        const equals = parameter.indexOf("=");
        if (equals > 0)
          parameters.set(parameter.slice(0, equals), parameter.slice(equals + 1).replaceAll('"', ""));
      }
      const quality = Number(parameters.get("q") ?? "1");
      return { type: type.toLowerCase(), quality: Number.isFinite(quality) ? quality : 0, parameters };
    })
    .filter((clause) => clause.quality > 0);
  return clauses.sort((a, b) => b.quality - a.quality);
}

/** The bare media type of a Content-Type header: parameters such as `charset` are tolerated and dropped. */
export function bareType(contentType: string | undefined): string {
  if (contentType === undefined) return "";
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
