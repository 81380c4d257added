/** A definition as discovery tells it, and what else is the same wherever a definition of that shape is. */
import { createHash } from "node:crypto";
import type { ResourceInfo, ResourceVersion, Subresource, Verb } from "#api/resource.ts";
import { compareVersions } from "#machinery/names/versions.ts";
import { customCollectionPrefix } from "#registry/keys.ts";
import type { Definition, DefinitionShape, DefinitionVersion } from "./definition.ts";

const verbs: readonly Verb[] = [
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "create",
  "update",
  "watch",
];
/** What discovery shows of a kind whose definition is going away. */
const terminatingVerbs: readonly Verb[] = ["delete", "deletecollection", "get", "list", "watch"];
const subresourceVerbs: readonly Verb[] = ["get", "patch", "update"];

/** Made of a shape once, for all definitions that have it. */
export interface KindFacts {
  /** Key prefix of its objects in all workspaces. */
  readonly collection: string;
  /** As discovery shows the kind, and while its definition goes away; made when they are asked for. */
  readonly infos: { live?: ResourceInfo; terminating?: ResourceInfo };
  /** By the index of the shape's versions; those that are not served, too. There may be thousands, of which few are asked for. */
  version(index: number): ResourceVersion;
}

const known = new WeakMap<DefinitionShape, KindFacts>();

export function factsOf(shape: DefinitionShape): KindFacts {
  let facts = known.get(shape);
  if (facts === undefined) {
    const { group, names, versions } = shape;
    const made = new Map<number, ResourceVersion>();
    facts = {
      collection: customCollectionPrefix({ group, resource: names.plural }),
      infos: {},
      version(index) {
        let version = made.get(index);
        if (version === undefined) {
          version = versionOf(shape, versions[index]!, verbs);
          made.set(index, version);
        }
        return version;
      },
    };
    known.set(shape, facts);
  }
  return facts;
}

/** The facts of a definition, with its served versions only, as discovery shows them. */
export function infoOf({ shape, isTerminating }: Definition): ResourceInfo {
  const { infos } = factsOf(shape);
  if (isTerminating) infos.terminating ??= makeInfo(shape, terminatingVerbs);
  else infos.live ??= makeInfo(shape, verbs);
  return (isTerminating ? infos.terminating : infos.live)!;
}

function makeInfo(shape: DefinitionShape, shown: readonly Verb[]): ResourceInfo {
  const { group, names, namespaced, versions, storageVersion } = shape;
  return {
    group,
    resource: names.plural,
    singular: names.singular ?? "",
    namespaced,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    versions: versions
      .filter(({ served }) => served)
      .sort((a, b) => compareVersions(a.name, b.name))
      .map((version) => versionOf(shape, version, shown)),
    storageVersion,
    ...storageVersionHash(shape),
    virtual: false,
  };
}

/** Discovery's mark (apiserver pkg/endpoints/discovery/storageversionhash.go); of a storage version that is served only. */
function storageVersionHash({ group, names, versions, storageVersion }: DefinitionShape) {
  if (!versions.some(({ name, served }) => name === storageVersion && served)) return {};
  const hash = createHash("sha256").update(`${group}/${storageVersion}/${names.kind}`).digest();
  return { storageVersionHash: hash.subarray(0, 8).toString("base64") };
}

function versionOf(
  { group, names }: DefinitionShape,
  { name, hasStatus, scale }: DefinitionVersion,
  shown: readonly Verb[],
): ResourceVersion {
  const { kind } = names;
  const subresources: Subresource[] = [];
  if (hasStatus) subresources.push({ name: "status", group, version: name, kind, verbs: subresourceVerbs });
  if (scale !== undefined) {
    const scaled = { name: "scale", group: "autoscaling", version: "v1", kind: "Scale" };
    subresources.push({ ...scaled, verbs: subresourceVerbs, scale });
  }
  const type = typeNameOf(group, name, kind);
  const { listKind = `${kind}List` } = names;
  return { version: name, kind, listKind, type, verbs: shown, subresources };
}

/** As OpenAPI names the type: `com.example.v1.Foo`. */
const typeNameOf = (group: string, version: string, kind: string): string =>
  `${group.split(".").reverse().join(".")}.${version}.${kind}`;
