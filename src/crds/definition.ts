/** A CustomResourceDefinition as the server works with it: everything but the schemas, which are known by their hashes. */
import { createHash } from "node:crypto";
import type { ScaleDescription } from "#api/scale.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { compareVersions } from "#machinery/names/versions.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Key, Revision } from "#storage/port.ts";
import type { PrinterColumn } from "./columns.ts";
import { conditionIsTrue } from "./conditions.ts";
import { isCostly } from "./schema-cost.ts";
import type { CustomResourceDefinition, Names, Version, WebhookConversion } from "./types.ts";

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  /** What requests for this version are warned of; undefined when it is not deprecated. */
  readonly warning: string | undefined;
  /** Equal for equal schemas, in any workspace. */
  readonly schemaHash: string;
  /** To validate an object may take so long that it is not done in the thread that serves everybody. */
  readonly isCostly: boolean;
  readonly hasStatus: boolean;
  readonly scale: ScaleDescription | undefined;
  readonly columns: readonly PrinterColumn[];
  /** JSON paths, such as `.spec.color`. */
  readonly selectableFields: readonly string[];
}

export interface Definition {
  readonly key: Key;
  readonly cluster: ClusterName;
  readonly revision: Revision;
  /**
   * Objects that were written after this revision were written by these schemas in this storage version: every write of an
   * object compares the definition's revision.
   */
  readonly since: Revision;
  /** `<plural>.<group>` */
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly group: string;
  readonly namespaced: boolean;
  /** Those of `status.acceptedNames`. */
  readonly names: Names;
  readonly versions: readonly DefinitionVersion[];
  readonly storageVersion: string;
  readonly preserveUnknownFields: boolean;
  /** Undefined for strategy None. */
  readonly webhook: WebhookConversion | undefined;
  /** Requests are answered: the names are accepted, or were once. */
  readonly isServed: boolean;
  readonly isEstablished: boolean;
  /** Instances may no longer be created. */
  readonly isTerminating: boolean;
}

/** Reads a stored definition. `known`: the same one as it was read before, if it was. */
export function readDefinition(
  at: { readonly key: Key; readonly cluster: ClusterName; readonly name: string },
  revision: Revision,
  value: Buffer,
  known: Definition | undefined,
): Definition {
  const { metadata, spec, status } = readOwnJson(value) as unknown as CustomResourceDefinition;
  const { uid = "", generation = 0 } = metadata;
  // The generation changes with every change of the spec, so nothing happened to the schemas in between.
  const same = known !== undefined && known.uid === uid && known.generation === generation;
  const conditions = status?.conditions ?? [];
  const isEstablished = conditionIsTrue(conditions, "Established");
  return {
    ...at,
    revision,
    since: same ? known.since : revision,
    uid,
    generation,
    group: spec.group,
    namespaced: spec.scope === "Namespaced",
    names: status?.acceptedNames ?? spec.names,
    versions: same ? known.versions : spec.versions.map((version) => readVersion(spec, version)),
    storageVersion: spec.versions.find(({ storage }) => storage)?.name ?? "",
    preserveUnknownFields: spec.preserveUnknownFields === true,
    webhook: spec.conversion?.strategy === "Webhook" ? spec.conversion.webhook : undefined,
    isServed: isEstablished || conditionIsTrue(conditions, "NamesAccepted"),
    isEstablished,
    isTerminating: metadata.deletionTimestamp !== undefined || conditionIsTrue(conditions, "Terminating"),
  };
}

function readVersion(spec: CustomResourceDefinition["spec"], version: Version): DefinitionVersion {
  const { name, served, storage, subresources, additionalPrinterColumns = [] } = version;
  return {
    name,
    served,
    storage,
    warning: warningOf(spec, version),
    schemaHash: schemaHash(version.schema?.openAPIV3Schema, spec.preserveUnknownFields === true),
    isCostly: isCostly(version.schema?.openAPIV3Schema),
    hasStatus: subresources?.status !== undefined,
    scale: subresources?.scale === undefined ? undefined : scaleOf(subresources.scale),
    columns: additionalPrinterColumns,
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
  };
}

export function schemaHash(schema: JsonObject | undefined, preserveUnknownFields: boolean): string {
  const hash = createHash("sha256").update(preserveUnknownFields ? "preserve " : "");
  return hash.update(schema === undefined ? "none" : writeJson(schema)).digest("base64url");
}

function scaleOf(scale: NonNullable<NonNullable<Version["subresources"]>["scale"]>): ScaleDescription {
  const split = (path: string): string[] => path.replace(/^\./, "").split(".");
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = "" } = scale;
  return {
    specReplicasPath: split(specReplicasPath),
    statusReplicasPath: split(statusReplicasPath),
    ...(labelSelectorPath === "" ? {} : { labelSelectorPath: split(labelSelectorPath) }),
    selectorForm: "text",
  };
}

/** Text: apiextensions-apiserver pkg/apiserver/customresource_handler.go defaultDeprecationWarning. */
function warningOf(spec: CustomResourceDefinition["spec"], version: Version): string | undefined {
  if (version.deprecated !== true) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const { group, names } = spec;
  const text = `${group}/${version.name} ${names.kind} is deprecated`;
  const newer = spec.versions
    .filter(
      ({ name, served, deprecated }) =>
        served && deprecated !== true && compareVersions(name, version.name) < 0,
    )
    .map(({ name }) => name)
    .sort(compareVersions);
  return newer.length === 0 ? text : `${text}; use ${group}/${newer[0]} ${names.kind}`;
}
