/** What workspaces define themselves, as the endpoints ask for it. */

import { createHash } from "node:crypto";
import type { ResourceInfo } from "#api/resource.ts";
import { Pacer } from "#base/pacer.ts";
import { infoOf } from "#crds/custom-info.ts";
import type { CustomView } from "#crds/custom-view.ts";
import type { Definition, DefinitionVersion } from "#crds/definition.ts";
import type { Definitions } from "#crds/definitions.ts";
import { customResourceDefinitions } from "#crds/types.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { GroupResource } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { collectionPrefix } from "#registry/keys.ts";
import type { Resource } from "#registry/resource.ts";
import type { Revision, Store } from "#storage/port.ts";
import type { CustomKinds } from "./endpoints/rest.ts";
import { type CustomServed, ServedSet } from "./endpoints/served-set.ts";

/** Sets kept, and resources in all of them together; one of a workspace with twenty kinds takes about 40 KB. */
const maxSets = 128;
const maxServed = 40_000;

const collection = collectionPrefix(customResourceDefinitions);

interface Kept {
  readonly base: ServedSet;
  /** Of the last change to any definition of the workspace. */
  readonly revision: Revision;
  readonly set: ServedSet;
  readonly size: number;
}

/** Sets are made for a state of a workspace's definitions, which is compared on every use. */
export class CustomKindsOf implements CustomKinds {
  readonly #store: Store;
  readonly #definitions: Definitions;
  readonly #kept = new Map<ClusterName, Kept>();
  /** Those being made, which requests for the same state share. */
  readonly #making = new Map<string, Promise<ServedSet>>();
  #size = 0;

  constructor(store: Store, definitions: Definitions) {
    this.#store = store;
    this.#definitions = definitions;
  }

  view(cluster: ClusterName, of: GroupResource, version: string): CustomView | undefined {
    return this.#definitions.view(cluster, of, version);
  }

  everywhere(of: GroupResource): Resource | undefined {
    return this.#definitions.everywhere(of);
  }

  servedSet(cluster: ClusterName, base: ServedSet): ServedSet | Promise<ServedSet> {
    const counted = this.#store.tenantCounts(cluster).find((one) => one.collection === collection);
    if (counted === undefined) return base;
    const revision = counted.lastRevision;
    const known = this.#kept.get(cluster);
    if (known?.revision === revision && known.base === base) {
      this.#kept.delete(cluster);
      this.#kept.set(cluster, known);
      return known.set;
    }
    const key = `${cluster} ${revision} ${base.name}`;
    let making = this.#making.get(key);
    if (making === undefined) {
      making = this.#make(cluster, base)
        .then((set) => {
          this.#keep(cluster, { base, revision, set, size: set.resources.length });
          return set;
        })
        .finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    return making;
  }

  async #make(cluster: ClusterName, base: ServedSet): Promise<ServedSet> {
    const infos: ResourceInfo[] = [];
    const served: CustomServed[] = [];
    const builtin = new Set(base.resources.map(({ group, resource }) => `${group}/${resource}`));
    const definitions = await this.#definitions.all(cluster);
    const pacer = new Pacer();
    for (const definition of definitions) {
      const turn = pacer.turn();
      if (turn !== undefined) await turn;
      if (!definition.isEstablished) continue;
      const info = infoOf(definition);
      if (info.versions.length === 0 || builtin.has(`${info.group}/${info.resource}`)) continue;
      infos.push(info);
      const facts = new Map(definition.versions.map((one) => [one.name, one]));
      for (const { version } of info.versions)
        served.push(new ServedVersion(this.#definitions, definition, info, facts.get(version)!));
    }
    if (infos.length === 0) return base;
    return new ServedSet(base.name, [...base.resources, ...infos], { base, served });
  }

  #keep(cluster: ClusterName, kept: Kept): void {
    this.#drop(cluster);
    this.#kept.set(cluster, kept);
    this.#size += kept.size;
    for (const oldest of this.#kept.keys()) {
      if ((this.#kept.size <= maxSets && this.#size <= maxServed) || oldest === cluster) break;
      this.#drop(oldest);
    }
  }

  #drop(cluster: ClusterName): void {
    const known = this.#kept.get(cluster);
    if (known === undefined) return;
    this.#kept.delete(cluster);
    this.#size -= known.size;
  }
}

/** The facts of all versions are hashed once, and not with each of them. */
const infoHashes = new WeakMap<ResourceInfo, string>();

function hashOfInfo(info: ResourceInfo): string {
  let hash = infoHashes.get(info);
  if (hash === undefined) {
    hash = createHash("sha256").update(JSON.stringify(info)).digest("base64url");
    infoHashes.set(info, hash);
  }
  return hash;
}

class ServedVersion implements CustomServed {
  readonly info: ResourceInfo;
  readonly version: string;
  readonly #definitions: Definitions;
  readonly #definition: Definition;
  readonly #facts: DefinitionVersion;
  #hash: string | undefined;

  constructor(
    definitions: Definitions,
    definition: Definition,
    info: ResourceInfo,
    facts: DefinitionVersion,
  ) {
    this.#definitions = definitions;
    this.#definition = definition;
    this.#facts = facts;
    this.info = info;
    this.version = facts.name;
  }

  get listKind(): string {
    const { names } = this.#definition;
    return names.listKind ?? `${names.kind}List`;
  }

  get preserveUnknownFields(): boolean {
    return this.#definition.preserveUnknownFields;
  }

  get selectableFields(): readonly string[] {
    return this.#facts.selectableFields;
  }

  get contentHash(): string {
    this.#hash ??= createHash("sha256")
      .update(
        JSON.stringify([
          hashOfInfo(this.info),
          this.version,
          this.listKind,
          this.#facts.schemaHash,
          this.selectableFields,
        ]),
      )
      .digest("base64url");
    return this.#hash;
  }

  openApiSchema(): JsonObject | undefined {
    return this.#definitions.openApiSchema(this.#definition, this.version);
  }
}
