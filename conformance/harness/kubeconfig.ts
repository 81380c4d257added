import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, stringify } from "yaml";
import type { Access } from "./api.ts";

/** One context of a kubeconfig, resolved. */
export type Context = { readonly server: string; readonly access: Access };

type Entry = { name: string; [field: string]: unknown };
type Fields = Record<string, string | undefined>;

/** Reads context `name` (default: the current one) of the kubeconfig at `path`. */
export function readContext(path: string, name?: string): Context {
  const config = parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const fields = (list: string, entry: string, member: string): Fields => {
    const found = (config[list] as Entry[] | undefined)?.find((each) => each.name === entry);
    if (found === undefined) throw new Error(`${path}: no ${list} entry ${entry}`);
    return (found[member] ?? {}) as Fields;
  };
  const context = fields("contexts", name ?? String(config["current-context"]), "context");
  const cluster = fields("clusters", context.cluster ?? "", "cluster");
  const user = fields("users", context.user ?? "", "user");
  const pem = (from: Fields, field: string): string | undefined => {
    const data = from[`${field}-data`];
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    const file = from[field];
    return file === undefined ? undefined : readFileSync(resolve(dirname(path), file), "utf8");
  };
  const cert = pem(user, "client-certificate");
  const key = pem(user, "client-key");
  return {
    server: cluster.server ?? "",
    access: {
      ca: pem(cluster, "certificate-authority") ?? "",
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(user.token === undefined ? {} : { token: user.token }),
    },
  };
}

/** Writes a kubeconfig with one context to `path` (mode 0600). */
export function writeKubeconfig(path: string, server: string, access: Access): void {
  const base64 = (pem: string): string => Buffer.from(pem, "utf8").toString("base64");
  const user = {
    ...(access.token === undefined ? {} : { token: access.token }),
    ...(access.cert === undefined ? {} : { "client-certificate-data": base64(access.cert) }),
    ...(access.key === undefined ? {} : { "client-key-data": base64(access.key) }),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": base64(access.ca) } }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
}
