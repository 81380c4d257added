/**
 * For tests of isolation: workspaces that hold objects of all kinds under the same names. Every object carries a secret
 * of its workspace that no test ever sends, so that one look at an answer's bytes shows a leak in any form.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import type { ResourceInfo } from "#api/resource.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import type { Operation } from "#storage/port.ts";
import { definitionOf } from "./definitions.ts";
import { type LiveServer, startLiveServer } from "./live-server.ts";

export interface Tenant {
  readonly cluster: string;
  readonly secret: string;
  /** Name of an object that no other workspace has. */
  readonly only: string;
  readonly resources: readonly ResourceInfo[];
}

const universal = universalResources().filter((info) => !info.virtual);
const kubernetes = kubernetesResources().filter((info) => !info.virtual);
/** No mark is part of another. */
const markOf = (cluster: string): string => createHash("sha256").update(cluster).digest("hex").slice(0, 16);
const tenantOf = (cluster: string, resources: readonly ResourceInfo[]): Tenant => ({
  cluster,
  secret: `secret-of-${markOf(cluster)}`,
  only: `only-${markOf(cluster)}`,
  resources,
});
/** Names that are each other's prefixes and neighbours in byte order. */
export const tenants = [
  tenantOf("acme", universal),
  tenantOf("acme2", universal),
  tenantOf("ac", kubernetes),
  tenantOf("acme-a", kubernetes),
];
export const others = (of: Tenant): Tenant[] => tenants.filter((tenant) => tenant !== of);

export const lists = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
  table: "application/json;as=Table;v=v1;g=meta.k8s.io",
  partial: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  partialProtobuf: "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
};
export const single = (accept: string): string => accept.replace("MetadataList", "Metadata");

/** A server in which all {@link tenants} hold objects of all their kinds. */
export async function startWithTenants(): Promise<LiveServer> {
  const server = await startLiveServer();
  await server.workspace("model");
  await server.workspace("model-k", { type: "kubernetes" });
  for (const tenant of tenants) await fill(server, tenant);
  await rest(server);
  return server;
}

/** Puts objects of all kinds under the same names, whatever their kinds' rules: reading must not depend on them. */
async function fill(server: LiveServer, { cluster, secret, only, resources }: Tenant): Promise<void> {
  const model = resources === universal ? "model" : "model-k";
  const { spec } = (
    await server.call("GET", `/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/${model}`)
  ).json;
  const logicalCluster = await server.call(
    "GET",
    `/clusters/${String(spec.cluster)}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster`,
  );
  const operations: Operation[] = [];
  const put = (info: ResourceInfo, namespace: string, name: string, more: object = {}): void => {
    const key = objectKey(collectionPrefix(info), { cluster: cluster as ClusterName, namespace, name });
    const version = info.versions.find((v) => v.version === info.storageVersion)!;
    const value = canonicalBytes({
      apiVersion: apiVersionOf(info.group, version.version),
      kind: version.kind,
      metadata: {
        name,
        uid: `${secret}-uid`,
        // Old events expire, and a slow run would see them go.
        creationTimestamp: "2999-01-01T00:00:00Z",
        labels: { owner: only, common: "yes" },
        annotations: { secret },
      },
      ...more,
    });
    operations.push({ type: "put", key, value });
  };
  for (const info of resources) {
    if (info.resource === "logicalclusters") continue;
    const spaces = info.namespaced ? ["default", "same"] : [""];
    for (const space of spaces) for (const name of ["same", only]) put(info, space, name, contentOf(info));
    if (info.resource === "namespaces" && info.group === "") put(info, "", "default");
  }
  const own = server.api.registry.tenants.keyOf(cluster as ClusterName);
  const { metadata, ...rest } = logicalCluster.json;
  const value = canonicalBytes({
    ...rest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, secret }, labels: { owner: only } },
  });
  operations.push({ type: "put", key: own, value });
  for (let i = 0; i < operations.length; i += 100)
    await server.store.commit({ compare: [], operations: operations.slice(i, i + 100) });
}

/** What strategies take for granted in stored objects. */
function contentOf({ resource }: ResourceInfo): object {
  if (resource === "workspaces") return { spec: { type: { name: "universal", path: "root" } } };
  return resource === "customresourcedefinitions" ? { spec: definitionOf().spec } : {};
}

/** Until the controllers have nothing to do any more. */
export async function rest(server: LiveServer): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const before = server.store.current();
    await new Promise((resolve) => setTimeout(resolve, 20));
    quiet = server.api.pendingWork() === 0 && server.store.current() === before ? quiet + 1 : 0;
  }
}

/** Changes with every write inside a workspace. */
export const fingerprint = (server: LiveServer, { cluster }: Tenant): string =>
  JSON.stringify(server.store.tenantCounts(cluster));
export const fingerprints = (server: LiveServer, all: readonly Tenant[]): string[] =>
  all.map((tenant) => fingerprint(server, tenant));

export function expectNothingOf(foreign: readonly Tenant[], bytes: Buffer, what: string): void {
  for (const tenant of foreign)
    assert.ok(!bytes.includes(tenant.secret), `${what} shows something of ${tenant.cluster}`);
}

export const root = (cluster: string, info: ResourceInfo, version: string): string =>
  `/clusters/${cluster}${info.group === "" ? `/api/${version}` : `/apis/${info.group}/${version}`}`;
export const collectionPaths = (cluster: string, info: ResourceInfo, version: string): string[] => [
  `${root(cluster, info, version)}/${info.resource}`,
  ...(info.namespaced ? [`${root(cluster, info, version)}/namespaces/default/${info.resource}`] : []),
];
export const objectPath = (cluster: string, info: ResourceInfo, version: string, name: string): string =>
  `${collectionPaths(cluster, info, version).at(-1)}/${name}`;

export const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Runs all, a few at a time. */
export async function inTurns(jobs: readonly (() => Promise<void>)[], atOnce = 64): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) await jobs[next++]!();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export const everyVersion = (tenant: Tenant) =>
  tenant.resources.flatMap((info) => info.versions.map(({ version }) => ({ info, version })));

/** Writes every "same" object of a workspace once more, with a mark. */
export async function touchAll(server: LiveServer, tenant: Tenant, mark: string): Promise<void> {
  const cluster = tenant.cluster as ClusterName;
  for (const info of tenant.resources) {
    const name = info.resource === "logicalclusters" ? "cluster" : "same";
    const namespace = info.namespaced ? "default" : "";
    const key = objectKey(collectionPrefix(info), { cluster, namespace, name });
    const entry = server.store.get(key)!;
    const old = entry.value.toString("utf8").replace(/"change":"[^"]*",/, "");
    const text = old.replace('"labels":{', `"labels":{"change":"${mark}",`);
    await server.store.commit({ compare: [], operations: [{ type: "put", key, value: Buffer.from(text) }] });
  }
}
