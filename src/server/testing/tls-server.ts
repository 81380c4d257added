import { randomBytes } from "node:crypto";
import { type ClientHttp2Session, connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { unionAuthenticator } from "#authn/authenticator.ts";
import { parseTokenFile, tokenAuthenticator } from "#authn/token-file.ts";
import { x509Authenticator } from "#authn/x509.ts";
import { authorizerChain, privilegedGroupAuthorizer, publicInfoAuthorizer } from "#authz/chain.ts";
import { systemClock } from "#base/clock.ts";
import { createCertificate } from "#base/x509/certificate.ts";
import { type ClusterName, parseClusterName } from "#registry/cluster-name.ts";
import type { Endpoint } from "../context.ts";
import { createFilters } from "../filters.ts";
import { Pipeline, type PipelineOptions } from "../pipeline.ts";
import { ensurePki, type Pki } from "../pki/pki.ts";
import { writeJsonStatus } from "../respond-error.ts";
import type { TransportLimits } from "../transport/limits.ts";
import { createTransport, type Transport } from "../transport/transport.ts";

/** For tests: the whole way from the socket to one endpoint, with keys in memory and a random port. */
export interface TestServer {
  readonly pki: Pki;
  readonly port: number;
  readonly transport: Transport;
  readonly bugs: unknown[];
  shuttingDown: boolean;
  h2(credentials?: { key?: string; cert?: string }): ClientHttp2Session;
  close(graceMs?: number): Promise<void>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export function memoryFiles() {
  const files = new Map<string, string>();
  return {
    files,
    read: (name: string) => files.get(name),
    write: (name: string, text: string) => void files.set(name, text),
  };
}

const testTokens = 'admin-token,admin,1,"system:masters,dev"\nalice-token,alice,2\n';

export async function startTestServer(
  endpoint: Endpoint,
  options: Partial<PipelineOptions> & { limits?: Partial<TransportLimits> } = {},
): Promise<TestServer> {
  const pki = ensurePki({ files: memoryFiles(), now: Date.now(), randomBytes, hosts: [] });
  const bugs: unknown[] = [];
  const server = { shuttingDown: false };
  const pipeline = new Pipeline({
    filters: createFilters({
      authenticator: unionAuthenticator([
        x509Authenticator(systemClock),
        tokenAuthenticator(parseTokenFile(testTokens)),
      ]),
      authorizer: authorizerChain([privilegedGroupAuthorizer, publicInfoAuthorizer]),
      resolveWorkspacePath: (path) =>
        path === "root:org"
          ? ("org1" as ClusterName)
          : path === "late"
            ? Promise.resolve(undefined)
            : path === "nope"
              ? undefined
              : parseClusterName(path),
      isShuttingDown: () => server.shuttingDown,
    }),
    endpoint,
    clock: systemClock,
    writeStatus: writeJsonStatus,
    onBug: (error) => void bugs.push(error),
    ...options,
  });
  const transport = createTransport({
    tls: { ...pki.serving, clientCas: [pki.ca] },
    handle: pipeline.handle,
    clock: systemClock,
    onBug: (error) => void bugs.push(error),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const port = await transport.listen("127.0.0.1", 0);
  return Object.assign(server, {
    pki,
    port,
    transport,
    bugs,
    h2: (credentials: { key?: string; cert?: string } = pki.admin) => {
      const session = connect(`https://localhost:${port}`, { ca: pki.ca, ...credentials });
      session.on("error", () => {});
      return session;
    },
    close: (graceMs = 1000) => transport.close(graceMs),
  });
}

/** One request over HTTP/2. */
export function ask(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array,
): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ...headers }, { endStream: body === undefined });
    const chunks: Buffer[] = [];
    let received: Record<string, unknown> = {};
    stream.on("response", (given) => {
      received = given;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () =>
      resolve({ status: Number(received[":status"]), headers: received, body: Buffer.concat(chunks) }),
    );
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("closed without an answer")));
    if (body !== undefined) stream.end(body);
  });
}

/** One request over HTTP/1.1, on a connection of its own. */
export function askHttp1(
  server: TestServer,
  path: string,
  init: {
    method?: string;
    headers?: Record<string, string>;
    body?: Uint8Array;
    key?: string;
    cert?: string;
  } = {},
): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const { key, cert } = init;
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port: server.port,
        path,
        method: init.method ?? "GET",
        headers: init.headers ?? {},
        ca: server.pki.ca,
        agent: false,
        ...(key === undefined || cert === undefined ? {} : { key, cert }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(init.body);
  });
}

/** A client certificate of an authority that the server does not know. */
export const strangerCertificate = () => {
  const period = { notBefore: Date.now() - 1000, notAfter: Date.now() + 60_000 };
  const ca = createCertificate({ commonName: "stranger-ca", usage: "ca", ...period }, undefined, randomBytes);
  return createCertificate(
    { commonName: "mallory", organizations: ["system:masters"], usage: "client", ...period },
    ca,
    randomBytes,
  );
};
