/** The directories of a replica: `replica-<n>`, of which the file `CURRENT` names the one in use. */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "#base/make-folder.ts";

const pointer = "CURRENT";
const namePattern = /^replica-(\d{1,15})$/;

export interface ReplicaFiles {
  /** Directory of the replica in use; undefined when there is none yet. */
  current(): string | undefined;
  /** Makes an empty directory for the next replica. */
  next(): Promise<string>;
  /** Makes `path`, from {@link next}, the one in use: atomically, also when the machine stops in between. */
  adopt(path: string): Promise<void>;
  /** Removes every replica that is not in use and not in `keep`. */
  sweep(keep?: string): Promise<void>;
}

export async function openReplicaFiles(directory: string): Promise<ReplicaFiles> {
  makeFolder(directory);
  const text = await readFile(join(directory, pointer), "utf8").catch(() => "");
  let used = namePattern.test(text.trim()) ? text.trim() : undefined;
  const names = async () => (await readdir(directory)).filter((name) => namePattern.test(name));
  if (used !== undefined && !(await names()).includes(used)) used = undefined;
  const sweep = async (keep?: string) => {
    for (const name of await names()) {
      if (name !== used && join(directory, name) !== keep) {
        await rm(join(directory, name), { recursive: true, force: true });
      }
    }
  };
  return {
    current: () => (used === undefined ? undefined : join(directory, used)),
    async next() {
      const numbers = (await names()).map((name) => Number(namePattern.exec(name)![1]));
      const path = join(directory, `replica-${Math.max(0, ...numbers) + 1}`);
      await mkdir(path);
      return path;
    },
    async adopt(path) {
      const name = path.slice(directory.length + 1);
      const temporary = join(directory, `${pointer}.new`);
      const file = await open(temporary, "w");
      try {
        await file.writeFile(`${name}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(directory, pointer));
      used = name;
    },
    sweep,
  };
}
