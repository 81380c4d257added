/** Reads an embedded store's directory from outside, also while a server runs on it: no lock is taken, nothing changes. */

import { readRevision } from "../local/encoding.ts";
import { openEnvironment } from "../local/environment.ts";
import { metaKeys } from "../local/meta.ts";
import { Reader } from "../local/reader.ts";
import { DataDirectoryError, noRevision, type Revision, type Store } from "../port.ts";
import { checkFormat } from "./data-directory.ts";

export type ReadOnlyStore = Pick<Store, "current" | "compacted" | "get" | "visit" | "close">;

/**
 * @param directory the data directory of an embedded store
 * @throws DataDirectoryError when there is no store
 */
export async function openReadOnlyStore(directory: string): Promise<ReadOnlyStore> {
  if (!(await checkFormat(directory))) throw new DataDirectoryError(`${directory} holds no store`);
  const env = openEnvironment({ path: directory, readOnly: true });
  const revision = (name: string): Revision => {
    return env.meta.find(name) < 0 ? noRevision : readRevision(env.meta.bytes, 0);
  };
  const current = () => revision(metaKeys.current);
  const compacted = () => revision(metaKeys.compacted);
  const reader = new Reader(env, { current, compacted });
  return {
    current,
    compacted,
    get: (key, at) => reader.get(key, at),
    visit: (range, at, visitor) => reader.visit(range, at, visitor),
    close: () => env.close(),
  };
}
