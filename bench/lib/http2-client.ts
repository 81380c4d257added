/** A small HTTP/2 client for loads: connections, requests with whole answers, streams of lines. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";

export interface Target {
  /** `https://127.0.0.1:6443` */
  readonly origin: string;
  readonly ca: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly token?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export class Connection {
  readonly #session: ClientHttp2Session;
  readonly #headers: Record<string, string>;

  constructor(target: Target) {
    const { origin, ca, cert, key, token } = target;
    this.#session = connect(origin, {
      ca,
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    this.#session.on("error", () => undefined);
    this.#session.setMaxListeners(0);
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  request(
    method: string,
    path: string,
    body?: string | Buffer,
    contentType = "application/json",
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.open(method, path, body === undefined ? {} : { "content-type": contentType });
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on("response", (headers) => {
        status = Number(headers[":status"]);
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () =>
        resolve({ status, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }),
      );
      stream.on("error", reject);
      stream.end(body);
    });
  }

  open(method: string, path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
    return this.#session.request({ ":method": method, ":path": path, ...this.#headers, ...headers });
  }

  close(): void {
    this.#session.destroy();
  }
}

/** Calls `work(i)` for `count` numbers, `width` at a time; answers the seconds it took and each call's milliseconds. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number, lane: number) => Promise<void>,
): Promise<{ seconds: number; latenciesMs: Float64Array }> {
  const latenciesMs = new Float64Array(count);
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      for (let i = next++; i < count; i = next++) {
        const from = performance.now();
        await work(i, lane);
        latenciesMs[i] = performance.now() - from;
      }
    }),
  );
  return { seconds: (performance.now() - started) / 1_000, latenciesMs };
}

/** The value below which the share `p` of the numbers lies. */
export function percentile(values: Float64Array, p: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

/** Fails when the server did not answer as expected: a bench of errors is none. */
export function expectStatus(answer: Answer, ...expected: number[]): Answer {
  if (!expected.includes(answer.status)) {
    throw new Error(
      `expected ${expected.join(" or ")}, got ${answer.status}: ${answer.body.toString("utf8", 0, 300)}`,
    );
  }
  return answer;
}
