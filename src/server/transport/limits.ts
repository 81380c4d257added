/** Bounds of the transport. Each one names what happens beyond it. */
export interface TransportLimits {
  /** Open TCP connections; more are closed at once. */
  readonly maxConnections: number;
  /** Open HTTP/2 streams on one connection; clients open another connection (Go) or wait. */
  readonly maxStreamsPerConnection: number;
  /** Bytes of all request headers; more answers 431 or a reset stream. */
  readonly maxHeaderBytes: number;
  /** Bytes of all request bodies that are being read at one time; more answers 429. */
  readonly maxBodyBytesInFlight: number;
  /** Memory of one HTTP/2 session in MiB, queued answers included; beyond it new streams are refused. */
  readonly maxSessionMemoryMiB: number;
  /** A finished answer of which nothing moves for this long is cut off. */
  readonly stalledAnswerMs: number;
  readonly tlsHandshakeMs: number;
  /** Idle HTTP/1.1 connections are closed after this time. */
  readonly keepAliveMs: number;
}

export const defaultLimits: TransportLimits = {
  maxConnections: 20_000,
  maxStreamsPerConnection: 1000,
  maxHeaderBytes: 64 * 1024,
  maxBodyBytesInFlight: 256 * 1024 * 1024,
  maxSessionMemoryMiB: 256,
  stalledAnswerMs: 60_000,
  tlsHandshakeMs: 15_000,
  keepAliveMs: 60_000,
};

/** Stream resets that one connection may send at once, and per second after that, before it is closed (CVE-2023-44487). */
export const STREAM_RESET_BURST = 5000;
export const STREAM_RESETS_PER_SECOND = 500;
