import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Api, openApi } from "../harness/api.ts";
import { type Etcd, startEtcd } from "../harness/etcd.ts";
import { type MyriadServer, startMyriad } from "../harness/myriad.ts";
import { type Part, part } from "../harness/parts.ts";

/** Why a suite that needs this program is skipped, or false. */
export const missing = (name: Part): string | false => {
  try {
    part(name);
    return false;
  } catch (error) {
    return (error as Error).message;
  }
};

/** A server, and a client for it. */
export type Server = { readonly name: string; readonly myriad: MyriadServer; api: Api };

/** Several servers on one etcd. The first one was there first, so it runs the controllers. */
export type Servers = {
  readonly etcd: Etcd;
  readonly all: readonly Server[];
  /** Ends a server and starts it again on the same data. */
  restart(server: Server, signal: NodeJS.Signals): Promise<void>;
  /** Makes a workspace through the first server and answers its path, `/clusters/root:name`. */
  workspace(name: string, type?: string): Promise<string>;
  close(): Promise<void>;
};

export async function startServers(names: readonly string[]): Promise<Servers> {
  // All servers share the etcd of this suite, whatever the environment says.
  process.env.MYRIAD_STORE = "embedded";
  const folder = mkdtempSync(join(tmpdir(), "myriad-servers-"));
  const all: Server[] = [];
  const etcd = await startEtcd(folder);
  const close = async (): Promise<void> => {
    for (const { api, myriad } of all) {
      api.close();
      await myriad.close();
    }
    await etcd.child.end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const name of names) {
      const myriad = await startMyriad(join(folder, name), ["--etcd-servers", etcd.url]);
      all.push({ name, myriad, api: openApi(myriad.url, myriad.admin.access) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    etcd,
    all,
    close,
    async restart(server, signal) {
      await server.myriad.restart(signal);
      server.api.close();
      server.api = openApi(server.myriad.url, server.myriad.admin.access);
    },
    async workspace(name, type) {
      await all[0]?.api.json("POST", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces", {
        apiVersion: "tenancy.kcp.io/v1alpha1",
        kind: "Workspace",
        metadata: { name },
        ...(type === undefined ? {} : { spec: { type: { name: type, path: "root" } } }),
      });
      return `/clusters/root:${name}`;
    },
  };
}

/** What the tests read of an object. */
export type Thing = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    deletionTimestamp?: string;
    finalizers?: string[];
    labels?: Record<string, string>;
  };
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
};

/** The part of a Status that the tests look at; `object` where the answer is one. */
export type Reply = { readonly status: number; readonly message: string; readonly object: Thing };

/** One request to one server; whatever the code, the answer is parsed. */
export async function ask(server: Server, method: string, path: string, body?: object): Promise<Reply> {
  const headers: Record<string, string> =
    method === "PATCH" ? { "content-type": "application/merge-patch+json" } : {};
  const { status, text } = await server.api.send(method, path, body, headers);
  const object = (text.startsWith("{") ? JSON.parse(text) : { message: text }) as Thing & {
    message?: string;
  };
  return { status, message: object.message ?? "", object };
}

/** The object that a request must be answered with. */
export async function ok(server: Server, method: string, path: string, body?: object): Promise<Thing> {
  const { status, message, object } = await ask(server, method, path, body);
  assert.ok(status < 300, `${method} ${path} through ${server.name}: ${status} ${message}`);
  return object;
}

export const itemsOf = async (server: Server, path: string): Promise<Thing[]> =>
  ((await ok(server, "GET", path)) as unknown as { items: Thing[] }).items;

export const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

type Version = { name: string; schema: object; storage?: boolean; more?: object };

/** A definition of `<plural>.<group>`, namespaced, whose spec has the given schema in each version. */
export function definition(
  plural: string,
  versions: readonly Version[],
  more: { group?: string; names?: object; spec?: object } = {},
): object {
  const group = more.group ?? "example.com";
  const kind = (plural[0] ?? "").toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List`, ...more.names },
      versions: versions.map(({ name, schema, storage, more: rest }) => ({
        name,
        served: true,
        storage: storage ?? name === versions[0]?.name,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: schema,
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
        ...rest,
      })),
      ...more.spec,
    },
  };
}

/** An object of such a definition. */
export const instance = (
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  metadata: object = {},
): object => ({ apiVersion, kind, metadata: { name, ...metadata }, spec });
