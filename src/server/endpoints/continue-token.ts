/** Continue tokens: URL-safe base64 of `{"v":"meta.k8s.io/v1","rv":N,"start":"ns/name\0"}` (apiserver pkg/storage/continue.go). */
import { badRequest } from "#machinery/errors/errors.ts";
import type { Key, Revision } from "#storage/port.ts";

/** Where a list goes on. */
export interface Continuation {
  /** Undefined = at the newest revision (the client gave up consistency after its token had expired). */
  readonly revision: Revision | undefined;
  /** The last key of the page before. */
  readonly after: Key;
  /** How many objects the pages before had; 0 when nobody needs to know. */
  readonly seen: number;
}

const inconsistent = -1;
const maxTokenLength = 4_096;

/** `revision` undefined makes an inconsistent token. */
export function encodeContinue(prefix: string, { revision, after, seen }: Continuation): string {
  const token = {
    v: "meta.k8s.io/v1",
    rv: revision ?? inconsistent,
    start: `${after.slice(prefix.length)}\0`,
    ...(seen === 0 ? {} : { seen }),
  };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** @throws StatusError 400. A token cannot reach outside `prefix`. */
export function decodeContinue(prefix: string, text: string): Continuation {
  const token = parse(text);
  const { v, rv, start, seen = 0 } = token;
  if (v !== "meta.k8s.io/v1") {
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version ${JSON.stringify(v)}`,
    );
  }
  if (typeof start !== "string" || start.length < 2 || !start.endsWith("\0")) {
    throw badRequest(
      "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
    );
  }
  const path = start.slice(0, -1);
  if (
    path.includes("\0") ||
    path.split("/").some((segment) => segment === "" || segment === "." || segment === "..")
  ) {
    throw badRequest(`invalid continue token: continue key is not valid: ${JSON.stringify(path)}`);
  }
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv < inconsistent || rv === 0) {
    throw badRequest(
      "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
    );
  }
  return {
    revision: rv === inconsistent ? undefined : (rv as Revision),
    after: (prefix + path) as Key,
    seen: typeof seen === "number" && Number.isSafeInteger(seen) && seen > 0 ? seen : 0,
  };
}

function parse(text: string): { v?: unknown; rv?: unknown; start?: unknown; seen?: unknown } {
  if (text.length <= maxTokenLength) {
    try {
      const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
      if (typeof value === "object" && value !== null) return value;
    } catch {
      // Answered below.
    }
  }
  const illegal = text.search(/[^A-Za-z0-9_-]/);
  const at = illegal >= 0 ? illegal : text.length % 4 === 1 ? text.length - 1 : undefined;
  const why = at === undefined ? "malformed token" : `illegal base64 data at input byte ${at}`;
  throw badRequest(`invalid continue token: continue key is not valid: ${why}`);
}
