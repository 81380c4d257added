import { randomBytes } from "node:crypto";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { unionAuthenticator } from "#authn/authenticator.ts";
import { parseTokenFile, tokenAuthenticator } from "#authn/token-file.ts";
import { x509Authenticator } from "#authn/x509.ts";
import { authorizerChain, privilegedGroupAuthorizer, publicInfoAuthorizer } from "#authz/chain.ts";
import { systemClock } from "#base/clock.ts";
import { patienceMs } from "#base/testing/until.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import type { Store } from "#storage/port.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../api-server.ts";
import { ensurePki } from "../pki/pki.ts";
import { memoryFiles } from "./tls-server.ts";

/** A JSON answer, as far as tests look into it without asking. */
export interface Json {
  readonly [member: string]: unknown;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: JsonMeta;
  readonly items: readonly Json[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Json }[];
  readonly data: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly reason: string;
  readonly code: number;
  readonly details: {
    readonly [member: string]: unknown;
    readonly causes: readonly Readonly<Record<string, string>>[];
  };
}

export interface JsonMeta {
  readonly [member: string]: unknown;
  readonly name: string;
  readonly resourceVersion: string;
  readonly continue: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  readonly json: Json;
}

export interface CallOptions {
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

/** A watch as a test reads it: bytes so far, and a wait for a condition on them. */
export interface LiveWatch {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
  readonly contentType: string;
  bytes(): Buffer;
  events(): WatchEvent[];
  /** Resolves with the events once there are `count`; rejects when the stream ends before. */
  until(count: number): Promise<WatchEvent[]>;
  /** Resolves when the server has ended the stream. */
  ended(): Promise<void>;
  close(): void;
}

/** For tests: a whole server on the memory engine, with its store in the open, and a client for it. */
export interface LiveServer {
  readonly api: ApiServer;
  readonly store: Store;
  /** What the server logged: bugs, with their stacks. */
  readonly bugs: string[];
  /** A request as the administrator; `path` begins with a slash and is sent as it is. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  watch(path: string, options?: { accept?: string }): Promise<LiveWatch>;
  /** Creates a workspace below `parent` and answers its logical cluster's name. */
  workspace(name: string, options?: { parent?: string; type?: string }): Promise<string>;
  /** Another connection; without credentials it is anonymous unless it sends a token. */
  connect(credentials?: "admin" | "nobody"): ClientHttp2Session;
  close(): Promise<void>;
}

const liveTokens = 'admin-token,admin,1,"system:masters,dev"\nalice-token,alice,2\n';

export type LiveOptions = Partial<
  Pick<ApiServerOptions, "authorizer" | "admissionPlugins" | "audit" | "serviceRanges">
>;

export async function startLiveServer(options: LiveOptions = {}): Promise<LiveServer> {
  const pki = ensurePki({ files: memoryFiles(), now: Date.now(), randomBytes, hosts: [] });
  const store = openMemoryStore({ keySpace: registryKeySpace });
  const bugs: string[] = [];
  const byToken = tokenAuthenticator(parseTokenFile(liveTokens));
  const api = await startApiServer({
    store,
    clock: systemClock,
    randomBytes: (size) => randomBytes(size),
    host: "127.0.0.1",
    port: 0,
    tls: { ...pki.serving, clientCas: [pki.ca] },
    caPem: pki.ca,
    authenticator: unionAuthenticator([x509Authenticator(systemClock), byToken]),
    authorizer: authorizerChain([privilegedGroupAuthorizer, publicInfoAuthorizer]),
    authenticateToken: () => undefined,
    version: "0.0.0",
    ...options,
    log: (message, error) => void bugs.push(error instanceof Error ? `${message}: ${error.stack}` : message),
  });
  const connectAs = (who: "admin" | "nobody" = "admin"): ClientHttp2Session => {
    const session = connect(api.url.replace("127.0.0.1", "localhost"), {
      ca: pki.ca,
      ...(who === "admin" ? pki.admin : {}),
    });
    session.on("error", () => {});
    return session;
  };
  const session = connectAs();
  const server: LiveServer = {
    api,
    store,
    bugs,
    call: (method, path, options) => callOn(session, method, path, options),
    watch: (path, options = {}) => openWatch(session, path, options.accept),
    async workspace(name, { parent = "root", type } = {}) {
      const answer = await server.call(
        "POST",
        `/clusters/${parent}/apis/tenancy.kcp.io/v1alpha1/workspaces`,
        {
          body: {
            apiVersion: "tenancy.kcp.io/v1alpha1",
            kind: "Workspace",
            metadata: { name },
            ...(type === undefined ? {} : { spec: { type: { name: type, path: "root" } } }),
          },
        },
      );
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json.spec.cluster as string;
    },
    connect: connectAs,
    async close() {
      session.destroy();
      await api.close(0);
    },
  };
  return server;
}

/** One request on a connection. Rejects when the stream breaks. */
export function callOn(
  session: ClientHttp2Session,
  method: string,
  path: string,
  { body, type, accept, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const bytes = body === undefined ? undefined : asBytes(body);
  return new Promise((resolve, reject) => {
    const stream = session.request(
      {
        ":method": method,
        ":path": path,
        ...(bytes === undefined ? {} : { "content-type": type ?? "application/json" }),
        ...(accept === undefined ? {} : { accept }),
        ...headers,
      },
      { endStream: bytes === undefined },
    );
    const timer = setTimeout(() => {
      stream.close();
      reject(new Error(`no answer to ${method} ${path.slice(0, 200)}`));
    }, patienceMs);
    const chunks: Buffer[] = [];
    let received: Record<string, string | string[] | undefined> = {};
    stream.on("response", (given) => {
      received = given as typeof received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      clearTimeout(timer);
      resolve(makeAnswer(received, Buffer.concat(chunks)));
    });
    stream.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    stream.on("close", () => {
      clearTimeout(timer);
      reject(new Error(`${method} ${path.slice(0, 200)}: closed without an answer`));
    });
    if (bytes !== undefined) stream.end(bytes);
  });
}

const asBytes = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

function makeAnswer(headers: Record<string, string | string[] | undefined>, bytes: Buffer): Answer {
  return {
    status: Number(headers[":status"]),
    headers,
    bytes,
    get text() {
      return bytes.toString("utf8");
    },
    get json() {
      return JSON.parse(bytes.toString("utf8")) as Json;
    },
  };
}

function openWatch(session: ClientHttp2Session, path: string, accept?: string): Promise<LiveWatch> {
  const stream = session.request({ ":path": path, ...(accept === undefined ? {} : { accept }) });
  const chunks: Buffer[] = [];
  let done = false;
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    changed();
  });
  stream.on("error", () => {});
  stream.on("close", () => {
    done = true;
    changed();
  });
  const wait = (what: string, holds: () => boolean, mayEnd: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        listeners.delete(check);
        if (error === undefined) resolve();
        else reject(error);
      };
      const check = (): void => {
        if (holds()) finish();
        else if (done && !mayEnd) finish(new Error(`watch ended while waiting for ${what}`));
      };
      const timer = setTimeout(() => finish(new Error(`watch: no ${what}`)), patienceMs);
      listeners.add(check);
      check();
    });
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("response", (headers) => {
      const bytes = (): Buffer => Buffer.concat(chunks);
      const events = (): WatchEvent[] =>
        bytes()
          .toString("utf8")
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as WatchEvent);
      resolve({
        stream,
        status: Number(headers[":status"]),
        contentType: String(headers["content-type"]),
        bytes,
        events,
        async until(count) {
          await wait(`${count} events`, () => events().length >= count, false);
          return events();
        },
        ended: () => wait("end", () => done, true),
        close: () => stream.close(),
      });
    });
  });
}
