import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import type { DiscoveryDocuments } from "./documents.ts";
import { type DiscoveryFormat, discoveryIn } from "./forms.ts";

const contentTypes: Readonly<Record<DiscoveryFormat, string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
};
/** What every 406 names. */
export const discoveryTypes: readonly string[] = Object.values(contentTypes);

/** Repeats the parameters: clients tell aggregated answers by them (spec 4.1). */
export const aggregatedContentType = (format: DiscoveryFormat): string =>
  `${contentTypes[format]};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;

export interface DiscoveryAnswer {
  readonly status: 200 | 304 | 404 | 406;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The document that is answered; absent where there is none. */
  readonly json?: Buffer;
  /** Of a 406: no type that was asked for exists here, whatever its parameters. */
  readonly unknownType?: boolean;
}

export interface DiscoveryRequest {
  /** `/api`, `/apis`, `/apis/{group}`, `/api/{version}` or `/apis/{group}/{version}`, without the cluster prefix. */
  readonly path: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** `host:port` as the client reached the server. */
  readonly serverAddress: string;
  readonly codec: ProtobufCodec;
}

const nothing = Buffer.alloc(0);

/** Paths of discovery, without a trailing slash: `/api`, `/api/v1`, `/apis`, `/apis/apps`, `/apis/apps/v1`; else undefined. */
export function discoveryPath(path: string): { root: "api" | "apis"; rest: readonly string[] } | undefined {
  const [root, ...rest] = path.replace(/^\//, "").replace(/\/$/, "").split("/");
  if (root !== "api" && root !== "apis") return undefined;
  if (rest.length > (root === "api" ? 1 : 2) || rest.includes("")) return undefined;
  return { root, rest };
}

/** Answers a discovery path; undefined when the path is none. 404 means that the group or version is not served. */
export async function answerDiscovery(
  documents: DiscoveryDocuments,
  request: DiscoveryRequest,
): Promise<DiscoveryAnswer | undefined> {
  const path = discoveryPath(request.path);
  if (path === undefined) return undefined;
  const { root, rest } = path;
  const form = discoveryForm(request.accept, rest.length === 0);
  if (form === "unknown" || form === "unfit")
    return { status: 406, headers: {}, body: nothing, unknownType: form === "unknown" };

  const { format } = form;
  if (form.aggregated) return answerAggregated(documents, root, format, request);
  const [first = "", second] = rest;
  const body =
    root === "api"
      ? rest.length === 0
        ? documents.coreVersions(request.serverAddress)
        : documents.resources("", first)
      : rest.length === 0
        ? documents.groups()
        : second === undefined
          ? documents.group(first)
          : documents.resources(first, second);
  if (body === undefined) return { status: 404, headers: {}, body: nothing };
  const vary: Record<string, string> = rest.length === 0 ? { vary: "Accept" } : {};
  const headers = { ...vary, "content-type": contentTypes[format] };
  const json = await body;
  return { status: 200, headers, json, body: await discoveryIn(format, json, request.codec) };
}

async function answerAggregated(
  documents: DiscoveryDocuments,
  root: "api" | "apis",
  format: DiscoveryFormat,
  { ifNoneMatch, codec }: DiscoveryRequest,
): Promise<DiscoveryAnswer> {
  const { body: json, etag } = await (root === "api"
    ? documents.aggregatedCore()
    : documents.aggregatedGroups());
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  if (ifNoneMatch === etag) return { status: 304, headers, body: nothing };
  return {
    status: 200,
    headers: { ...headers, "content-type": aggregatedContentType(format) },
    json,
    body: await discoveryIn(format, json, codec),
  };
}

const formats: ReadonlyMap<string, DiscoveryFormat> = new Map([
  ["application/json", "json"],
  ["application/*", "json"],
  ["*/*", "json"],
  ["application/yaml", "yaml"],
  ["application/vnd.kubernetes.protobuf", "protobuf"],
]);

type Form = { readonly format: DiscoveryFormat; readonly aggregated: boolean };

/**
 * The first clause that can be answered, by weight; aggregation exists on the two roots only. `unknown`: no clause names a type
 * that discovery has; `unfit`: only their parameters are wrong.
 */
function discoveryForm(accept: string | undefined, isRoot: boolean): Form | "unknown" | "unfit" {
  if (accept === undefined || accept.trim() === "") return { format: "json", aggregated: false };
  const clauses = accept.split(",").map((clause) => {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim().toLowerCase());
    const value = (name: string) =>
      parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    return {
      format: formats.get(type),
      as: value("as"),
      group: value("g"),
      version: value("v"),
      weight: Number(value("q") ?? 1),
    };
  });
  clauses.sort((a, b) => b.weight - a.weight);
  let known = false;
  for (const { format, as, group, version, weight } of clauses) {
    if (!(weight > 0) || format === undefined) continue;
    known = true;
    if (as === undefined) return { format, aggregated: false };
    if (isRoot && as === "apigroupdiscoverylist" && group === "apidiscovery.k8s.io" && version === "v2")
      return { format, aggregated: true };
  }
  return known ? "unfit" : "unknown";
}
