import { documentURL, type OpenApiDocuments } from "./documents.ts";

export interface OpenApiAnswer {
  readonly status: 200 | 301 | 304 | 404 | 406;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface OpenApiRequest {
  /** `/openapi/v3` or `/openapi/v3/{path}`, without the cluster prefix. */
  readonly path: string;
  /** `/clusters/{name}` as the client wrote it, or empty: redirects need it. */
  readonly clusterPrefix: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** The `hash` query parameter. */
  readonly hash: string | undefined;
  readonly nowMs: number;
}

const nothing = Buffer.alloc(0);
const yearMs = 365 * 24 * 3_600_000;
const prefix = "/openapi/v3";

/**
 * Answers OpenAPI v3 paths (k8s.io/kube-openapi pkg/handler3); undefined when the path is none. JSON only: a client that
 * takes nothing but protobuf gets 406. client-go and kubectl ask for JSON.
 */
export function answerOpenApi(
  documents: OpenApiDocuments,
  request: OpenApiRequest,
): OpenApiAnswer | undefined {
  const { path } = request;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
  const name = path.slice(prefix.length + 1).replace(/\/$/, "");
  if (name === "") {
    const { body, hash } = documents.index();
    const headers = { etag: `"${hash}"` };
    if (request.ifNoneMatch === headers.etag) return { status: 304, headers, body: nothing };
    return { status: 200, headers: { ...headers, "content-type": "application/json" }, body };
  }
  if (!acceptsJson(request.accept)) return { status: 406, headers: { vary: "Accept" }, body: nothing };
  const document = documents.document(name);
  if (document === undefined) return { status: 404, headers: {}, body: nothing };
  const { body, hash } = document;
  if (request.hash !== undefined && request.hash !== "" && request.hash !== hash) {
    const location = request.clusterPrefix + documentURL(name, hash);
    return { status: 301, headers: { location, vary: "Accept" }, body: nothing };
  }
  const headers = {
    etag: `"${hash}"`,
    vary: "Accept",
    ...(request.hash === hash && {
      "cache-control": "public, immutable",
      expires: new Date(request.nowMs + yearMs).toUTCString(),
    }),
  };
  if (request.ifNoneMatch === headers.etag) return { status: 304, headers, body: nothing };
  return { status: 200, headers: { ...headers, "content-type": "application/json" }, body };
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  return accept.split(",").some((clause) => {
    const type = clause.split(";", 1)[0]!.trim().toLowerCase();
    return type === "application/json" || type === "application/*" || type === "*/*";
  });
}
