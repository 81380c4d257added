/**
 * The log as a file that is rotated by its size, as kube-apiserver's is (gopkg.in/natefinch/lumberjack.v2): what was written lies
 * beside it as `audit-2026-11-04T18-30-00.000.log`, compressed if wanted, until there are too many or they are too old.
 */
import { constants, createReadStream, createWriteStream } from "node:fs";
import { chmod, type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { makeFolder } from "#base/make-folder.ts";
import type { AuditSink } from "./log.ts";

export interface LogFileOptions {
  readonly path: string;
  /** Bytes of a file; 0: it is never rotated. */
  readonly maxBytes: number;
  /** 0: as many as there are. */
  readonly maxBackups: number;
  /** 0: of any age. */
  readonly maxAgeDays: number;
  readonly compress: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Something for the operator. */
  readonly report: (message: string) => void;
}

const fileMode = 0o600;
const dayMs = 24 * 60 * 60 * 1_000;
const compressed = ".gz";

/** Opens the log, and makes it where it is missing. Rejects when it cannot be written. */
export async function openLogFile(options: LogFileOptions): Promise<AuditSink> {
  makeFolder(dirname(options.path));
  const file = await open(options.path, "a", fileMode);
  const { size } = await file.stat();
  return new LogFile(options, file, size);
}

class LogFile implements AuditSink {
  readonly #options: LogFileOptions;
  #file: FileHandle | undefined;
  #size: number;
  /** Old files are seen to one round after the other, beside the writing. */
  #tidying: Promise<void> = Promise.resolve();

  constructor(options: LogFileOptions, file: FileHandle, size: number) {
    this.#options = options;
    this.#file = file;
    this.#size = size;
    this.#tidy();
  }

  async write(lines: readonly Buffer[]): Promise<readonly (Error | undefined)[]> {
    const outcomes: (Error | undefined)[] = lines.map(() => undefined);
    const { maxBytes } = this.#options;
    let from = 0;
    while (from < lines.length) {
      const first = lines[from]!.length;
      if (maxBytes > 0 && first > maxBytes) {
        outcomes[from++] = new Error(`write length ${first} exceeds maximum file size ${maxBytes}`);
        continue;
      }
      let to = from;
      try {
        if (maxBytes > 0 && this.#size > 0 && this.#size + first > maxBytes) await this.#rotate();
        let bytes = 0;
        while (to < lines.length && (maxBytes === 0 || this.#size + bytes + lines[to]!.length <= maxBytes))
          bytes += lines[to++]!.length;
        await this.#append(Buffer.concat(lines.slice(from, to)));
      } catch (error) {
        to = Math.max(to, from + 1);
        outcomes.fill(error as Error, from, to);
      }
      from = to;
    }
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#tidying;
    await this.#file?.close();
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#file ??= await open(this.#options.path, "a", fileMode);
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, written);
      written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  async #rotate(): Promise<void> {
    const { path, now } = this.#options;
    const old = this.#file;
    this.#file = undefined;
    await old?.close();
    const mode = (await stat(path).catch(() => undefined))?.mode;
    if (mode !== undefined) await rename(path, await freeName(path, now()));
    this.#file = await open(path, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY, fileMode);
    if (mode !== undefined) await this.#file.chmod(mode & 0o777);
    this.#size = 0;
    this.#tidy();
  }

  #tidy(): void {
    this.#tidying = this.#tidying
      .then(() => tidy(this.#options))
      .catch((error: unknown) => this.#options.report(`old audit logs: ${(error as Error).message}`));
  }
}

const timeText = (ms: number): string => new Date(ms).toISOString().slice(0, -1).replaceAll(":", "-");

/** Two rotations in one millisecond must not take each other's name. */
async function freeName(path: string, now: number): Promise<string> {
  const extension = extname(path);
  const start = path.slice(0, path.length - extension.length);
  for (let ms = now; ; ms++) {
    const name = `${start}-${timeText(ms)}${extension}`;
    const taken = [name, name + compressed].map((one) => stat(one).catch(() => undefined));
    if ((await Promise.all(taken)).every((one) => one === undefined)) return name;
  }
}

interface Backup {
  readonly name: string;
  readonly time: number;
}

const timePattern = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/;

async function backupsOf(path: string): Promise<Backup[]> {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  const found: Backup[] = [];
  for (const name of await readdir(dirname(path))) {
    const plain = name.endsWith(compressed) ? name.slice(0, -compressed.length) : name;
    if (!plain.startsWith(prefix) || !plain.endsWith(extension)) continue;
    const parts = timePattern.exec(plain.slice(prefix.length, plain.length - extension.length));
    if (parts === null) continue;
    found.push({ name, time: Date.parse(`${parts[1]}T${parts[2]}:${parts[3]}:${parts[4]}Z`) });
  }
  return found.sort((a, b) => b.time - a.time);
}

async function tidy({ path, maxBackups, maxAgeDays, compress, now }: LogFileOptions): Promise<void> {
  if (maxBackups === 0 && maxAgeDays === 0 && !compress) return;
  const folder = dirname(path);
  const oldest = maxAgeDays === 0 ? Number.NEGATIVE_INFINITY : now() - maxAgeDays * dayMs;
  let kept = 0;
  for (const { name, time } of await backupsOf(path)) {
    if (time < oldest || (maxBackups > 0 && ++kept > maxBackups)) await rm(join(folder, name));
    else if (compress && !name.endsWith(compressed)) await compressFile(join(folder, name));
  }
}

async function compressFile(path: string): Promise<void> {
  const { mode } = await stat(path);
  const target = path + compressed;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(target, { mode: fileMode }));
    await chmod(target, mode & 0o777);
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
  await rm(path);
}
