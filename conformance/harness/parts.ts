import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The names of the programs that `conformance/parts/get.sh` builds. */
export type Part =
  | "etcd"
  | "etcdctl"
  | "kubectl"
  | "go-clients"
  | "helm3"
  | "helm4"
  | "operator"
  | "kube-apiserver";

/** The path of a built part; an error that says how to get it when it is absent. */
export function part(name: Part): string {
  const cache = process.env.MYRIAD_CI_CACHE ?? join(homedir(), ".cache", "myriad-ci");
  const path = join(cache, "bin", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run conformance/parts/get.sh ${name}`);
  return path;
}
