import { randomBytes } from "node:crypto";
import { chmod, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "#base/make-folder.ts";

/**
 * Replaces a file so that every reader sees the old or the new text, never a part, also after a crash. Symbolic links are
 * followed, so that the link stays. An existing file keeps its permissions unless `mode` is given; a new one gets 0600.
 */
export async function writeFileAtomic(path: string, text: string, mode?: number): Promise<void> {
  makeFolder(dirname(path));
  const target = await realpath(path).catch(() => path);
  const existing = await stat(target).catch(() => undefined);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    const wanted = mode ?? (existing === undefined ? 0o600 : existing.mode & 0o777);
    if (wanted !== 0o600) await chmod(temporary, wanted);
    await rename(temporary, target);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
