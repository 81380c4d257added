import { documentURL, type OpenApiDocument, type OpenApiDocuments } from "./documents.ts";
import type { Form } from "./forms.ts";

export interface OpenApiAnswer {
  readonly status: 200 | 301 | 304 | 404 | 406;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | AsyncIterable<Buffer>;
}

export interface OpenApiRequest {
  /** `/openapi/v2`, `/openapi/v3` or `/openapi/v3/{path}`, without the cluster prefix. */
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
const v2Path = "/openapi/v2";
const v3Path = "/openapi/v3";

export const isOpenApiPath = (path: string): boolean =>
  path === v2Path || path === v3Path || path.startsWith(`${v3Path}/`);

/** What the server answers to {@link isOpenApiPath} (k8s.io/kube-openapi pkg/handler and pkg/handler3). */
export async function answerOpenApi(
  documents: OpenApiDocuments,
  request: OpenApiRequest,
): Promise<OpenApiAnswer> {
  if (request.path === v2Path) return answerDocument(documents.v2, 2, request, {});
  const name = request.path.slice(v3Path.length + 1).replace(/\/$/, "");
  if (name === "") {
    const { body, hash } = await documents.index();
    const headers = { etag: `"${hash}"` };
    if (isKnown(request, hash)) return { status: 304, headers, body: nothing };
    return { status: 200, headers: { ...headers, "content-type": "application/json" }, body };
  }
  const document = documents.document(name);
  if (document === undefined) return { status: 404, headers: {}, body: nothing };
  if (request.hash === undefined || request.hash === "") return answerDocument(document, 3, request, {});
  const hash = await document.hash();
  if (request.hash !== hash) {
    const location = request.clusterPrefix + documentURL(name, hash);
    return { status: 301, headers: { location, vary: "Accept" }, body: nothing };
  }
  return answerDocument(document, 3, request, {
    "cache-control": "public, immutable",
    expires: new Date(request.nowMs + yearMs).toUTCString(),
  });
}

async function answerDocument(
  document: OpenApiDocument,
  specification: 2 | 3,
  request: OpenApiRequest,
  more: Readonly<Record<string, string>>,
): Promise<OpenApiAnswer> {
  const protobuf = `application/com.github.proto-openapi.spec.v${specification}.v1.0+protobuf`;
  const form = formOf(request.accept, specification);
  if (form === undefined) return { status: 406, headers: { vary: "Accept" }, body: nothing };
  const hash = await document.hash();
  const headers = { etag: `"${hash}"`, vary: "Accept", ...more };
  if (isKnown(request, hash)) return { status: 304, headers, body: nothing };
  const contentType = form === "json" ? "application/json" : protobuf;
  return {
    status: 200,
    headers: { ...headers, "content-type": contentType },
    body: await document.read(form),
  };
}

/** `If-None-Match` as net/http reads it: one of several, weak or not, or any. */
const isKnown = ({ ifNoneMatch }: OpenApiRequest, hash: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((tag) => {
    const one = tag.trim().replace(/^W\//, "");
    return one === `"${hash}"` || one === "*";
  });

/** The form of the clause with the most weight that can be answered. client-go spells protobuf in the old way. */
function formOf(accept: string | undefined, specification: 2 | 3): Form | undefined {
  if (accept === undefined || accept.trim() === "") return "json";
  const stem = `application/com.github.proto-openapi.spec.v${specification}`;
  const clauses = accept.split(",").map((clause) => {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((one) => one.startsWith("q="))?.slice(2);
    return { type, weight: weight === undefined ? 1 : Number(weight) };
  });
  clauses.sort((a, b) => b.weight - a.weight);
  for (const { type, weight } of clauses) {
    if (!(weight > 0)) continue;
    if (type === "application/json" || type === "application/*" || type === "*/*") return "json";
    if (type === `${stem}.v1.0+protobuf` || type === `${stem}@v1.0+protobuf`) return "protobuf";
  }
  return undefined;
}
