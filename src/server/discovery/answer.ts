import type { DiscoveryDocuments } from "./documents.ts";

/** Repeats the parameters: clients tell aggregated answers by them (spec 4.1). */
export const aggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export interface DiscoveryAnswer {
  readonly status: 200 | 304 | 404 | 406;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface DiscoveryRequest {
  /** `/api`, `/apis`, `/apis/{group}`, `/api/{version}` or `/apis/{group}/{version}`, without the cluster prefix. */
  readonly path: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** `host:port` as the client reached the server. */
  readonly serverAddress: string;
}

const nothing = Buffer.alloc(0);

/** Answers a discovery path; undefined when the path is none. 404 means that the group or version is not served. */
export function answerDiscovery(
  documents: DiscoveryDocuments,
  request: DiscoveryRequest,
): DiscoveryAnswer | Promise<DiscoveryAnswer> | undefined {
  const [root, ...rest] = request.path.replace(/^\//, "").replace(/\/$/, "").split("/");
  if (root !== "api" && root !== "apis") return undefined;
  if (rest.length > (root === "api" ? 1 : 2) || rest.includes("")) return undefined;
  const form = discoveryForm(request.accept, rest.length === 0);
  if (form === undefined) return { status: 406, headers: {}, body: nothing };

  if (form === "aggregated") return answerAggregated(documents, root, request.ifNoneMatch);
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
  const headers = { ...vary, "content-type": "application/json" };
  return body instanceof Promise
    ? body.then((made) => ({ status: 200, headers, body: made }))
    : { status: 200, headers, body };
}

async function answerAggregated(
  documents: DiscoveryDocuments,
  root: "api" | "apis",
  ifNoneMatch: string | undefined,
): Promise<DiscoveryAnswer> {
  const { body, etag } = await (root === "api" ? documents.aggregatedCore() : documents.aggregatedGroups());
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  if (ifNoneMatch === etag) return { status: 304, headers, body: nothing };
  return { status: 200, headers: { ...headers, "content-type": aggregatedContentType }, body };
}

/** The first clause that can be answered, by weight; aggregation exists on the two roots only. */
function discoveryForm(accept: string | undefined, isRoot: boolean): "plain" | "aggregated" | undefined {
  if (accept === undefined || accept.trim() === "") return "plain";
  const clauses = accept.split(",").map((clause) => {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim().toLowerCase());
    const value = (name: string) =>
      parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    return { type, as: value("as"), group: value("g"), version: value("v"), weight: Number(value("q") ?? 1) };
  });
  clauses.sort((a, b) => b.weight - a.weight);
  for (const { type, as, group, version, weight } of clauses) {
    if (!(weight > 0) || (type !== "application/json" && type !== "application/*" && type !== "*/*"))
      continue;
    if (as === undefined) return "plain";
    if (isRoot && as === "apigroupdiscoverylist" && group === "apidiscovery.k8s.io" && version === "v2")
      return "aggregated";
  }
  return undefined;
}
