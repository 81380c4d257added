import { readFile } from "node:fs/promises";
import type { TlsMaterial } from "./connection.ts";

/** Most members of one cluster (etcd's own advice is at most 7). */
const maxEndpoints = 32;

/**
 * The members to talk to, as given to `--etcd-servers`: `http://host:port`, `https://host:port` or `host:port` (plain).
 * Throws RangeError for anything else: credentials, paths and other schemes are not etcd client URLs.
 */
export function parseEndpoints(servers: readonly string[]): string[] {
  if (servers.length === 0) throw new RangeError("no etcd servers given");
  if (servers.length > maxEndpoints) throw new RangeError(`more than ${maxEndpoints} etcd servers given`);
  return servers.map((server) => {
    const text = server.includes("://") ? server : `http://${server}`;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain =
      url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
    if (url === undefined || !plain || !/^https?:$/.test(url.protocol) || url.pathname !== "/") {
      throw new RangeError(
        `not an etcd client URL: ${server} (expected http://host:port or https://host:port)`,
      );
    }
    return url.origin;
  });
}

/** Files of `--etcd-cafile`, `--etcd-certfile` and `--etcd-keyfile`. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Reads PEM files. Throws RangeError when a certificate comes without its key or the other way round. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    throw new RangeError("--etcd-certfile and --etcd-keyfile belong together");
  }
  const read = async (path: string | undefined) => (path === undefined ? undefined : await readFile(path));
  const [ca, cert, key] = await Promise.all([read(files.caFile), read(files.certFile), read(files.keyFile)]);
  return { ca, cert, key };
}
