import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "#base/clock.ts";
import type { Exchange } from "../exchange.ts";
import { BodyBudget } from "./body.ts";
import { TlsConnection } from "./connection.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import { Http2Exchange } from "./http2-exchange.ts";
import {
  defaultLimits,
  STREAM_RESET_BURST,
  STREAM_RESETS_PER_SECOND,
  type TransportLimits,
} from "./limits.ts";
import { TransportState } from "./state.ts";

export interface TlsMaterial {
  /** PEM. */
  readonly key: string;
  /** PEM, the server's own certificate first. */
  readonly cert: string;
  /** PEM certificates of the authorities whose client certificates count as verified. */
  readonly clientCas: readonly string[];
}

export interface TransportOptions {
  readonly tls: TlsMaterial;
  readonly handle: (exchange: Exchange) => void;
  readonly clock: Clock;
  /** Gets what must never happen: exceptions of close callbacks. */
  readonly onBug: (error: unknown) => void;
  readonly limits?: Partial<TransportLimits>;
}

export interface Transport {
  /** Resolves with the port in use (`port` 0 takes a free one). */
  listen(host: string, port: number): Promise<number>;
  /** New connections get the new certificates. */
  setTls(tls: TlsMaterial): void;
  /**
   * Takes no new connections, tells clients to go (GOAWAY), waits until no exchange is open, at most `graceMs`,
   * then closes what is left. Ending the watches is the caller's part.
   */
  close(graceMs: number): Promise<void>;
  readonly openConnections: number;
  readonly openExchanges: number;
}

/** Receive window of one connection: what its unread bodies may take in memory together. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
const STREAM_WINDOW_BYTES = 256 * 1024;
const TCP_KEEPALIVE_MS = 30_000;

/** One TLS port for HTTP/2 and HTTP/1.1. */
export function createTransport(options: TransportOptions): Transport {
  const limits = { ...defaultLimits, ...options.limits };
  const { handle, clock } = options;
  const budget = new BodyBudget(limits.maxBodyBytesInFlight);
  const state = new TransportState(clock, budget, limits.stalledAnswerMs, options.onBug);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<TLSSocket>();
  const http1Connections = new WeakMap<object, TlsConnection>();
  let closing = false;

  const server = createSecureServer({
    ...tlsOptions(options.tls),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.tlsHandshakeMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    maxHeaderSize: limits.maxHeaderBytes,
    maxSessionMemory: limits.maxSessionMemoryMiB,
    streamResetBurst: STREAM_RESET_BURST,
    streamResetRate: STREAM_RESETS_PER_SECOND,
    settings: {
      maxConcurrentStreams: limits.maxStreamsPerConnection,
      maxHeaderListSize: limits.maxHeaderBytes,
      initialWindowSize: STREAM_WINDOW_BYTES,
      enablePush: false,
    },
  } as Parameters<typeof createSecureServer>[0]);
  server.maxConnections = limits.maxConnections;

  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", ignore);
  });
  server.on("tlsClientError", ignore);
  server.on("sessionError", ignore);

  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    const goodbye = (): void => {
      if (!session.closed && !session.destroyed) session.close();
    };
    const connection = new TlsConnection(session.socket as TLSSocket, goodbye);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on("error", ignore);
    session.on("close", () => sessions.delete(session));
    session.on("stream", (stream, headers) => handle(new Http2Exchange(stream, headers, connection, state)));
    if (closing) goodbye();
  });

  // A 'request' listener would make node:http2 build its compatibility objects for HTTP/2 streams too; it learns of
  // the listener through this event.
  server.removeAllListeners("newListener");
  server.on("request", ((request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    let connection = http1Connections.get(socket);
    if (connection === undefined) {
      connection = new TlsConnection(socket as TLSSocket, ignore);
      http1Connections.set(socket, connection);
    }
    if (closing) response.setHeader("connection", "close");
    handle(new Http1Exchange(request, response, connection, state));
  }) as never);
  (server as { keepAliveTimeout?: number }).keepAliveTimeout = limits.keepAliveMs;

  return {
    listen: (host, port) => listen(server, host, port),
    setTls: (tls) => server.setSecureContext(tlsOptions(tls)),
    async close(graceMs) {
      closing = true;
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) if (!session.closed && !session.destroyed) session.close();
      await idleWithin(state, clock, graceMs);
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await stopped;
      sockets.clear();
    },
    get openConnections() {
      return sockets.size;
    },
    get openExchanges() {
      return state.open;
    },
  };
}

const tlsOptions = ({ key, cert, clientCas }: TlsMaterial) => ({ key, cert, ca: [...clientCas] });

function listen(server: Http2SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      server.on("error", ignore);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function idleWithin(state: TransportState, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, resolve);
    state.whenIdle(() => {
      cancel();
      // The last bytes are still on their way through TLS.
      setImmediate(() => setImmediate(resolve));
    });
  });
}

function ignore(): void {}
