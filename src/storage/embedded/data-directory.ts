/**
 * The data directory of an embedded store: a format marker, a lock that ends with its process, and the LMDB files.
 * Whatever is refused here was not changed.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { makeFolder } from "#base/make-folder.ts";
import { DataDirectoryError } from "../port.ts";

export const formatFile = "FORMAT";
/** What the marker says; another number is another layout. */
export const formatText = "myriad embedded store, format 1\n";
const lockFile = "lock";
const dataFile = "data.mdb";

/** SQLite's result code for a lock that someone else holds. */
const sqliteBusy = 5;
/** LMDB's magic number, at the start of the meta data that follows a page's header. */
const lmdbMagic = 0xbeefc0de;
/** Where it can stand: after a page header of 16 or 24 bytes. */
const magicOffsets = [16, 24];
const largestPage = 64 * 1024;

export interface DataDirectory {
  readonly path: string;
  /** Lets others open it. */
  release(): void;
}

/** Opens or creates the directory and locks it. @throws DataDirectoryError */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  makeFolder(path);
  const fresh = !(await checkFormat(path));
  const lock = takeLock(path);
  try {
    if (fresh) writeFormat(path);
    checkDataFile(join(path, dataFile));
  } catch (error) {
    lock.close();
    throw error;
  }
  return { path, release: () => lock.close() };
}

/** Whether the directory holds a store of ours; false = it is empty. @throws DataDirectoryError when it is neither */
export async function checkFormat(path: string): Promise<boolean> {
  let found: string[];
  try {
    found = await readdir(path);
  } catch (error) {
    throw new DataDirectoryError(`${path} cannot be read: ${(error as Error).message}`);
  }
  if (!found.includes(formatFile)) {
    // A first start that was cut off leaves at most these.
    const others = found.filter((name) => !name.startsWith(lockFile) && name !== `${formatFile}.new`);
    if (others.length === 0) return false;
    throw new DataDirectoryError(
      `${path} is not a data directory (it holds ${others.slice(0, 3).join(", ")})`,
    );
  }
  const text = await readFile(join(path, formatFile), "utf8");
  if (text !== formatText)
    throw new DataDirectoryError(`${path} has an unknown format: ${JSON.stringify(text.slice(0, 60))}`);
  return true;
}

/** Held until `close`, or the end of the process. */
export interface DirectoryLock {
  close(): void;
}

/**
 * An operating system lock on an existing directory, which ends with the process however it ends. Node offers none of its
 * own; SQLite, which is part of Node, takes one when a transaction begins, and writes nothing as long as the transaction is
 * empty. @throws DataDirectoryError
 */
export function takeLock(path: string): DirectoryLock {
  const lock = new DatabaseSync(join(path, lockFile));
  try {
    lock.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    const busy = (error as { errcode?: number }).errcode === sqliteBusy;
    throw new DataDirectoryError(
      busy ? `${path} is in use by another server` : `${path} cannot be locked: ${(error as Error).message}`,
    );
  }
}

function writeFormat(path: string): void {
  const next = join(path, `${formatFile}.new`);
  const file = openSync(next, "w", 0o600);
  writeSync(file, formatText);
  fsyncSync(file);
  closeSync(file);
  renameSync(next, join(path, formatFile));
  const directory = openSync(path, "r");
  fsyncSync(directory);
  closeSync(directory);
}

/**
 * LMDB trusts its file: a shortened one would end the process with a signal at the first read behind its end. So the
 * length is compared with what the newest meta page says. LMDB has no checksums; damage within pages is not found.
 */
function checkDataFile(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return;
  const needed = neededBytes(path);
  if (needed === undefined) throw new DataDirectoryError(`${path} is damaged: it has no valid meta page`);
  if (size >= needed) return;
  // Pages that were free at the last commit may never have been written. A process of its own finds out.
  const script = import.meta.url.endsWith(".ts") ? "./read-everything.ts" : "./read-everything.js";
  const reader = fileURLToPath(new URL(script, import.meta.url));
  const result = spawnSync(process.execPath, [reader, join(path, "..")], { stdio: "ignore" });
  if (result.status !== 0)
    throw new DataDirectoryError(`${path} is damaged: it ends at ${size} of ${needed} bytes`);
  truncateSync(path, needed);
}

/** Bytes that the file must have, from the newer of its two meta pages. */
function neededBytes(path: string): number | undefined {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(2 * largestPage);
    const length = readSync(file, head, 0, head.length, 0);
    for (const offset of magicOffsets) {
      if (length < offset + 136 || head.readUInt32LE(offset) !== lmdbMagic) continue;
      const pageSize = head.readUInt32LE(offset + 24);
      if (pageSize < 256 || pageSize > largestPage || length < pageSize + offset + 136) return undefined;
      if (head.readUInt32LE(pageSize + offset) !== lmdbMagic) return undefined;
      const newest =
        head.readBigUInt64LE(offset + 128) > head.readBigUInt64LE(pageSize + offset + 128)
          ? offset
          : pageSize + offset;
      return (Number(head.readBigUInt64LE(newest + 120)) + 1) * pageSize;
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}
