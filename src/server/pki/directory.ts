import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "#base/make-folder.ts";
import type { PkiFiles } from "./pki.ts";

/** Keys and certificates as files of one directory, which is made when missing. */
export function pkiDirectory(directory: string): PkiFiles {
  makeFolder(directory);
  return {
    read(name) {
      try {
        return readFileSync(join(directory, name), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: (name, text, secret) => writeFileAtomically(join(directory, name), text, secret),
  };
}

/** The file has either its old content or the new one, whenever the machine stops. 0600 when `secret`, else 0644. */
function writeFileAtomically(path: string, text: string, secret: boolean): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, "w", secret ? 0o600 : 0o644);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
