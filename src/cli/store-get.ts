/** `myriad store get`: reads the embedded store of a data directory without a server, and prints as etcdctl does. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Key, type KeyRange, prefixRange, type Revision, type Store } from "#storage/port.ts";
import { embeddedFolder, replicaFolder } from "./open-store.ts";
import { CommandError, type Terminal } from "./terminal.ts";

/** The part of a store that reading needs. */
export type ReadableStore = Pick<Store, "current" | "visit" | "close">;

/** As commander hands it over. */
export interface StoreGetArguments {
  readonly key: string;
  readonly rangeEnd?: string | undefined;
  readonly prefix?: boolean;
  readonly keysOnly?: boolean;
  readonly printValueOnly?: boolean;
  readonly rev?: string;
  readonly limit?: string;
  readonly rootDirectory: string;
}

/** Bytes printed before the next part of a range is read: what is in memory at a time. */
const pageBytes = 1 << 20;

const newline = Buffer.from("\n");

export async function runStoreGet(
  args: StoreGetArguments,
  terminal: Terminal,
  open: (directory: string) => Promise<ReadableStore> = openDataDirectory,
): Promise<void> {
  const range = chosenRange(args);
  const revision = positiveInteger("--rev", args.rev);
  const limit = positiveInteger("--limit", args.limit) ?? Number.POSITIVE_INFINITY;
  const store = await open(resolve(terminal.workingDirectory, args.rootDirectory));
  try {
    // One revision for all pages, so that a running server's writes do not show halfway.
    const at = (revision ?? store.current()) as Revision;
    let start: Key | undefined = range.start;
    let left = limit;
    while (start !== undefined && left > 0) {
      const page: Page = readPage(store, { start, end: range.end }, at, left, args);
      if (page.bytes.length > 0) await terminal.out(page.bytes);
      left -= page.count;
      start = page.next;
    }
  } finally {
    await store.close();
  }
}

interface Page {
  readonly bytes: Buffer;
  readonly count: number;
  readonly next: Key | undefined;
}

function readPage(
  store: ReadableStore,
  range: KeyRange,
  at: Revision,
  limit: number,
  args: StoreGetArguments,
): Page {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let count = 0;
  let next: Key | undefined;
  store.visit(range, at, (key, value) => {
    if (count >= limit) return false;
    if (bytes >= pageBytes) {
      next = key;
      return false;
    }
    count++;
    if (args.printValueOnly !== true) parts.push(Buffer.from(`${key}\n`, "utf8"));
    // etcd answers --keys-only with empty values, and etcdctl prints them: an empty line behind each key.
    parts.push(args.keysOnly === true ? newline : Buffer.concat([value, newline]));
    bytes += value.length + key.length;
    return true;
  });
  return { bytes: Buffer.concat(parts), count, next };
}

function chosenRange({ key, rangeEnd, prefix }: StoreGetArguments): KeyRange {
  if (prefix === true) {
    if (rangeEnd !== undefined) throw new CommandError("a range end and --prefix exclude each other");
    return prefixRange(key === "" ? "/" : key);
  }
  if (key === "") throw new CommandError("the key is empty: give one, or --prefix for all keys");
  return { start: key as Key, end: (rangeEnd ?? `${key}\0`) as Key };
}

function positiveInteger(flag: string, value: string | undefined): number | undefined {
  if (value === undefined || value === "0") return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw new CommandError(`${flag} ${JSON.stringify(value)} is not a whole number`);
  return Number(value);
}

async function openDataDirectory(rootDirectory: string): Promise<ReadableStore> {
  if (!existsSync(rootDirectory)) {
    throw new CommandError(
      `${rootDirectory} does not exist: name the server's root directory with --root-directory`,
    );
  }
  const directory = join(rootDirectory, embeddedFolder);
  if (!existsSync(directory)) {
    const hint = existsSync(join(rootDirectory, replicaFolder))
      ? "the server keeps its data in etcd: use etcdctl"
      : "no server with the embedded engine has run there";
    throw new CommandError(`${directory} does not exist: ${hint}`);
  }
  const { openReadOnlyStore } = await import("#storage/embedded/read-only-store.ts");
  return openReadOnlyStore(directory);
}
