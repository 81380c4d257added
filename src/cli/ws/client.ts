/** The few API calls of the plugin, over HTTPS (or HTTP, where the kubeconfig says so) with the kubeconfig's credentials. */
import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { CommandError } from "../terminal.ts";
import type { Fields } from "./kubeconfig-file.ts";

export interface Workspace {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec?: {
    readonly type?: { readonly name?: string; readonly path?: string };
    readonly URL?: string;
    readonly cluster?: string;
    readonly mount?: unknown;
  };
  readonly status?: { readonly phase?: string };
}

/** The server answered with a failure; `reason` is the Status object's. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** Where and as whom to call: kubeconfig entries, with overrides applied. */
export interface Connection {
  readonly cluster: Fields;
  readonly user: Fields;
}

const maxAnswerBytes = 64 << 20;
const timeoutMs = 30_000;
/** Workspaces of one page of a list. */
const pageSize = 500;

export interface Client {
  /** GET or POST below the server's base address; answers the JSON body. Throws {@link ApiError}. */
  call(method: "GET" | "POST", url: string, body?: unknown): Promise<unknown>;
  close(): void;
}

export async function connect({ cluster, user }: Connection): Promise<Client> {
  const text = (fields: Fields, name: string): string | undefined => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const material = async (fields: Fields, name: string): Promise<Buffer | undefined> => {
    const data = text(fields, `${name}-data`);
    if (data !== undefined) return Buffer.from(data, "base64");
    const path = text(fields, name);
    return path === undefined ? undefined : readFile(path);
  };
  if (user.exec !== undefined || user["auth-provider"] !== undefined) {
    throw new CommandError(
      "the kubeconfig's user gets credentials from a plugin, which kubectl ws cannot run: give --token",
    );
  }
  const [ca, cert, key] = await Promise.all([
    material(cluster, "certificate-authority"),
    material(user, "client-certificate"),
    material(user, "client-key"),
  ]);
  const tokenFile = text(user, "tokenFile");
  const token =
    text(user, "token") ?? (tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim());
  const servername = text(cluster, "tls-server-name");
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 4,
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  });
  const username = text(user, "username");
  const authorization =
    token !== undefined
      ? `Bearer ${token}`
      : username !== undefined
        ? `Basic ${Buffer.from(`${username}:${text(user, "password") ?? ""}`).toString("base64")}`
        : undefined;
  const headers = { accept: "application/json", ...(authorization !== undefined && { authorization }) };
  return {
    call: (method, url, body) => send(agent, headers, method, url, body),
    close: () => agent.destroy(),
  };
}

function send(
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  method: string,
  url: string,
  body: unknown,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const content = body === undefined ? undefined : JSON.stringify(body);
  const options = {
    method,
    timeout: timeoutMs,
    headers: content === undefined ? headers : { ...headers, "content-type": "application/json" },
  };
  const outgoing = url.startsWith("http:")
    ? httpRequest(url, options)
    : httpsRequest(url, { ...options, agent });
  const fail = (error: Error): void =>
    reject(new CommandError(`cannot reach ${new URL(url).origin}: ${error.message}`));
  outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)));
  outgoing.on("error", fail);
  outgoing.on("response", (incoming) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes)
        outgoing.destroy(new Error(`the answer is larger than ${maxAnswerBytes} bytes`));
      else chunks.push(chunk);
    });
    incoming.on("error", fail);
    incoming.on("end", () => {
      try {
        resolve(readAnswer(incoming.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")));
      } catch (error) {
        reject(error);
      }
    });
  });
  outgoing.end(content);
  return promise;
}

function readAnswer(code: number, text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    if (code >= 200 && code < 300) throw new ApiError(code, "Unknown", "the answer is not JSON");
  }
  if (code >= 200 && code < 300) return body;
  const status = (body ?? {}) as { message?: string; reason?: string };
  throw new ApiError(code, status.reason ?? String(code), status.message ?? text.slice(0, 1_000).trim());
}

const workspacesUrl = (cluster: string): string => `${cluster}/apis/tenancy.kcp.io/v1alpha1/workspaces`;

/** `cluster` is a server address with `/clusters/<path>`. */
export async function getWorkspace(client: Client, cluster: string, name: string): Promise<Workspace> {
  return (await client.call("GET", `${workspacesUrl(cluster)}/${encodeURIComponent(name)}`)) as Workspace;
}

export async function createWorkspace(
  client: Client,
  cluster: string,
  workspace: unknown,
): Promise<Workspace> {
  return (await client.call("POST", workspacesUrl(cluster), workspace)) as Workspace;
}

/** All children, page by page. */
export async function* listWorkspaces(client: Client, cluster: string): AsyncGenerator<Workspace> {
  let token = "";
  do {
    const query = `limit=${pageSize}${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`;
    const page = (await client.call("GET", `${workspacesUrl(cluster)}?${query}`)) as {
      items?: Workspace[];
      metadata?: { continue?: string };
    };
    yield* page.items ?? [];
    token = page.metadata?.continue ?? "";
  } while (token !== "");
}

/** Whether the caller may see any API of the workspace; 403 means no. Other failures are thrown. */
export async function hasAccess(client: Client, cluster: string): Promise<boolean> {
  try {
    const groups = (await client.call("GET", `${cluster}/apis`)) as { groups?: unknown[] };
    return (groups.groups ?? []).length > 0;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return false;
    throw error;
  }
}
