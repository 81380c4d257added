/**
 * Asks upstream's own Go libraries what is right: the client of `conformance/oracle` (operations: its README.md).
 * The program is built by `conformance/parts/get.sh oracle`; tests skip where it is not at hand.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { readJson } from "#machinery/json/read.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";

/** Requests that are on their way at once; more wait their turn. */
const maxInFlight = 512;
/** Bytes of the program's standard error that are kept for messages. */
const maxStderr = 8_192;

/** What upstream said is wrong, or what is wrong with the question (then the text begins with `oracle: `). */
export class OracleError extends Error {
  override readonly name = "OracleError";
}

export interface Oracle {
  /** The result of an operation. Rejects with {@link OracleError}. */
  ask(op: string, args: unknown): Promise<JsonValue>;
  /** Ends the program; waits until it is gone. */
  close(): Promise<void>;
}

/** Where the program is: in the cache of the conformance parts, else on the PATH. */
export function findOracle(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const cache = env.MYRIAD_CI_CACHE ?? join(homedir(), ".cache", "myriad-ci");
  const folders = [join(cache, "bin"), ...(env.PATH ?? "").split(delimiter)];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "oracle"))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Starts the program; undefined when it is not at hand. */
export function openOracle(): Oracle | undefined {
  const path = findOracle();
  return path === undefined ? undefined : new Program(path);
}

interface Pending {
  readonly op: string;
  readonly resolve: (value: JsonValue) => void;
  readonly reject: (error: Error) => void;
}

class Program implements Oracle {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  readonly #gone: Promise<void>;
  #lastId = 0;
  #rest: Buffer[] = [];
  #stderr = "";
  #ended: string | undefined;

  constructor(path: string) {
    this.#child = spawn(path, [], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-maxStderr);
    });
    this.#child.stdin.on("error", () => undefined);
    this.#gone = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        this.#fail(error.message);
        resolve();
      });
      this.#child.on("close", (code, signal) => {
        this.#fail(`the oracle ended (${signal ?? code}) ${this.#stderr}`);
        resolve();
      });
    });
  }

  async ask(op: string, args: unknown): Promise<JsonValue> {
    while (this.#pending.size >= maxInFlight && this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (this.#ended !== undefined) throw new Error(`${op}: ${this.#ended}`);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { op, resolve, reject });
      this.#child.stdin.write(`${writeJson({ id, op, args } as JsonObject)}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#gone;
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
      this.#rest.push(chunk.subarray(from, to));
      const line = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest);
      this.#rest = [];
      from = to + 1;
      this.#answer(line);
    }
    if (from < chunk.length) this.#rest.push(chunk.subarray(from));
  }

  #answer(line: Buffer): void {
    const { id, result, error } = answerOf(line);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#waiting.shift()?.();
    if (error !== undefined) pending.reject(new OracleError(error));
    else pending.resolve(result ?? null);
  }

  #fail(why: string): void {
    this.#ended = why;
    for (const { op, reject } of this.#pending.values()) reject(new Error(`${op}: ${why}`));
    this.#pending.clear();
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

interface Answer {
  readonly id: number;
  readonly result?: JsonValue;
  readonly error?: string;
}

/** An answer that is beyond our own limits (too deep) is an error of its question. */
function answerOf(line: Buffer): Answer {
  try {
    return readJson(line) as unknown as Answer;
  } catch (error) {
    const id = /^\{"id":([0-9]+)/.exec(line.toString("latin1", 0, 32))?.[1];
    return { id: Number(id), error: `oracle: unreadable answer: ${(error as Error).message}` };
  }
}
