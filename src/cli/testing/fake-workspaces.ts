import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Just enough of the tenancy API, in memory: a tree of workspaces by path. */
export interface FakeWorkspaces {
  readonly url: string;
  readonly paths: Set<string>;
  /** Paths whose APIs answer 403. */
  readonly closed: Set<string>;
  /** What each request was: `GET /clusters/root/apis`. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startFakeWorkspaces(...initial: string[]): Promise<FakeWorkspaces> {
  const paths = new Set(["root", ...initial]);
  const closed = new Set<string>();
  const requests: string[] = [];
  let url = "";
  const workspace = (path: string) => ({
    metadata: { name: path.slice(path.lastIndexOf(":") + 1) },
    spec: { URL: `${url}/clusters/${path}`, type: { name: "universal", path: "root" } },
    status: { phase: "Ready" },
  });
  const answer = (method: string, target: URL, body: string): [number, unknown] => {
    const [, cluster = "", rest = ""] = /^\/clusters\/([^/]+)(.*)$/.exec(target.pathname) ?? [];
    const failure = (code: number, reason: string): [number, unknown] => [
      code,
      { kind: "Status", code, reason, message: `${cluster}: ${reason}` },
    ];
    if (!paths.has(cluster) || closed.has(cluster)) return failure(403, "Forbidden");
    if (rest === "/apis") return [200, { groups: [{ name: "tenancy.kcp.io" }] }];
    const [, name] = /^\/apis\/tenancy\.kcp\.io\/v1alpha1\/workspaces(?:\/([^/]+))?$/.exec(rest) ?? [
      undefined,
      undefined,
    ];
    if (method === "POST") {
      const path = `${cluster}:${(JSON.parse(body) as { metadata: { name: string } }).metadata.name}`;
      if (paths.has(path)) return failure(409, "AlreadyExists");
      paths.add(path);
      return [201, workspace(path)];
    }
    if (name !== undefined) {
      const path = `${cluster}:${name}`;
      return paths.has(path) ? [200, workspace(path)] : failure(404, "NotFound");
    }
    // One item a page, so that every list pages.
    const children = [...paths]
      .filter((path) => path.startsWith(`${cluster}:`) && !path.slice(cluster.length + 1).includes(":"))
      .sort();
    const from = Number(target.searchParams.get("continue") ?? 0);
    const more = from + 1 < children.length ? String(from + 1) : "";
    return [200, { items: children.slice(from, from + 1).map(workspace), metadata: { continue: more } }];
  };
  const server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", () => {
      requests.push(`${incoming.method} ${incoming.url}`);
      const isKnown = incoming.headers.authorization === "Bearer secret";
      const [code, content] = isKnown
        ? answer(incoming.method ?? "", new URL(incoming.url ?? "", url), body)
        : [401, { reason: "Unauthorized" }];
      outgoing
        .writeHead(code, { "content-type": "application/json", connection: "close" })
        .end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    paths,
    closed,
    requests,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
