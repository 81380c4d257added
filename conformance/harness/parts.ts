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
  | "flux"
  | "argo"
  | "kube-apiserver";

/** The folder that `get.sh` fills. */
const cache = (): string => process.env.MYRIAD_CI_CACHE ?? join(homedir(), ".cache", "myriad-ci");

const had = (path: string, name: string): string => {
  if (!existsSync(path)) throw new Error(`${path} is missing: run conformance/parts/get.sh ${name}`);
  return path;
};

/** The path of a built part; an error that says how to get it when it is absent. */
export const part = (name: Part): string => had(join(cache(), "bin", name), name);

/** The path of the Python interpreter that has the client installed. */
export const python = (): string => had(join(cache(), "python", "bin", "python"), "python");
