/**
 * Kubeconfig files as client-go treats them (`k8s.io/client-go/tools/clientcmd`: `loader.go`, `config.go`): several files
 * are read as one, the first that says something wins, and a change goes to the file that held the entry. Files are edited,
 * not rewritten: comments and unknown fields stay.
 */
import { open, readFile, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";
import { makeFolder } from "#base/make-folder.ts";
import { CommandError, type Terminal } from "../terminal.ts";
import { writeFileAtomic } from "../write-file.ts";

/** Fields of an entry, by the names in the file. Paths among them are absolute once loaded. */
export type Fields = Readonly<Record<string, unknown>>;

export type Section = "clusters" | "contexts" | "users";
const fieldOf: Readonly<Record<Section, string>> = {
  clusters: "cluster",
  contexts: "context",
  users: "user",
};
const pathFields: Readonly<Record<Section, readonly string[]>> = {
  clusters: ["certificate-authority"],
  contexts: [],
  users: ["client-certificate", "client-key", "tokenFile"],
};

interface File {
  readonly path: string;
  readonly document: Document;
  readonly exists: boolean;
}

/** The files as one configuration. */
export interface KubeconfigFiles {
  readonly currentContext: string;
  entry(section: Section, name: string): Fields | undefined;
  readonly files: readonly File[];
}

/** Entries to set, each whole, and the context to make current. */
export interface Changes {
  readonly clusters?: ReadonlyMap<string, Fields>;
  readonly contexts?: ReadonlyMap<string, Fields>;
  readonly currentContext?: string;
}

/** The files in order of precedence: the flag, the variable KUBECONFIG, the home directory. */
export function kubeconfigPaths(flag: string | undefined, terminal: Terminal): string[] {
  const variable = terminal.env.KUBECONFIG ?? "";
  const separator = process.platform === "win32" ? ";" : ":";
  const listed = variable.split(separator).filter((path) => path !== "");
  const paths =
    flag !== undefined
      ? [flag]
      : listed.length > 0
        ? listed
        : [join(terminal.homeDirectory, ".kube", "config")];
  return [...new Set(paths.map((path) => resolve(terminal.workingDirectory, path)))];
}

export async function loadKubeconfig(paths: readonly string[], mustExist: boolean): Promise<KubeconfigFiles> {
  const files: File[] = [];
  for (const path of paths) {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" && !mustExist) return undefined;
      throw new CommandError(`cannot read kubeconfig ${path}: ${error.message}`);
    });
    const document = parseDocument(text ?? "apiVersion: v1\nkind: Config\n", { strict: false });
    const problem = document.errors[0];
    if (problem !== undefined) throw new CommandError(`kubeconfig ${path} is not YAML: ${problem.message}`);
    if (document.contents !== null && !isMap(document.contents))
      throw new CommandError(`kubeconfig ${path} is not a kubeconfig`);
    files.push({ path, document, exists: text !== undefined });
  }
  const currents = files.map(({ document }) => String(document.get("current-context") ?? ""));
  return {
    currentContext: currents.find((name) => name !== "") ?? "",
    files,
    entry: (section, name) => {
      for (const file of files) {
        const item = findItem(file.document, section, name);
        const fields = item?.toJSON()[fieldOf[section]] as Record<string, unknown> | null | undefined;
        if (item !== undefined)
          return withPaths(section, fields ?? {}, (path) => resolve(dirname(file.path), path));
      }
      return undefined;
    },
  };
}

/** Writes the changes into the files they belong to, each atomically and under kubectl's lock. */
export async function changeKubeconfig(paths: readonly string[], changes: Changes): Promise<void> {
  const release = await lockFiles(paths);
  try {
    // Read again below the lock: another command may have written since.
    const { files } = await loadKubeconfig(paths, false);
    const fallback = files.find(({ exists }) => exists) ?? files[0]!;
    const changed = new Set<File>();
    for (const section of ["clusters", "contexts"] as const) {
      for (const [name, fields] of changes[section] ?? []) {
        const file =
          files.find(({ document }) => findItem(document, section, name) !== undefined) ?? fallback;
        setItem(file, section, name, fields);
        changed.add(file);
      }
    }
    if (changes.currentContext !== undefined) {
      const holder =
        files.find(({ document }) => String(document.get("current-context") ?? "") !== "") ?? fallback;
      holder.document.set("current-context", changes.currentContext);
      changed.add(holder);
    }
    for (const { path, document } of changed)
      await writeFileAtomic(path, document.toString({ lineWidth: 0 }));
  } finally {
    await release();
  }
}

function findItem(document: Document, section: Section, name: string): YAMLMap | undefined {
  const list = document.get(section);
  if (!isSeq(list)) return undefined;
  return list.items.find((item): item is YAMLMap => isMap(item) && item.get("name") === name);
}

function setItem(file: File, section: Section, name: string, fields: Fields): void {
  const { document } = file;
  const local = withPaths(section, fields, (path) => {
    const near = relative(dirname(file.path), path);
    return near.startsWith("..") || isAbsolute(near) ? path : near;
  });
  const existing = findItem(document, section, name);
  if (existing !== undefined) {
    existing.set(fieldOf[section], document.createNode(local));
    return;
  }
  const item = document.createNode({ [fieldOf[section]]: local, name });
  if (isSeq(document.get(section))) document.addIn([section], item);
  else document.set(section, document.createNode([item]));
}

function withPaths(section: Section, fields: Fields, change: (path: string) => string): Fields {
  const copy: Record<string, unknown> = { ...fields };
  for (const field of pathFields[section]) {
    const path = copy[field];
    if (typeof path === "string" && path !== "") copy[field] = change(path);
  }
  return copy;
}

const lockAttempts = 20;
const lockPauseMs = 50;

/** kubectl's lock: the file `<path>.lock`, made exclusively. Waits a second for others, then gives up. */
async function lockFiles(paths: readonly string[]): Promise<() => Promise<void>> {
  const held: string[] = [];
  const release = async (): Promise<void> => {
    for (const lock of held.splice(0)) await rm(lock, { force: true });
  };
  try {
    // One order for everybody, so that two commands with the same files cannot wait for each other.
    for (const path of [...paths].sort()) held.push(await takeLock(`${path}.lock`));
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

async function takeLock(lock: string): Promise<string> {
  makeFolder(dirname(lock));
  for (let attempt = 1; ; attempt++) {
    try {
      await (await open(lock, "wx", 0o600)).close();
      return lock;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (attempt === lockAttempts) {
        throw new CommandError(`kubeconfig is locked by another command; if none is running, remove ${lock}`);
      }
      await delay(lockPauseMs);
    }
  }
}
