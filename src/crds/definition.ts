/** A CustomResourceDefinition as the server works with it: everything but the schemas, which are known by their hashes. */
import { createHash } from "node:crypto";
import type { ScaleDescription } from "#api/scale.ts";
import { compareVersions } from "#machinery/names/versions.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Key, Revision } from "#storage/port.ts";
import type { PrinterColumn } from "./columns.ts";
import { conditionIsTrue } from "./conditions.ts";
import { definitionParts } from "./definition-parts.ts";
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

/** Bytes from `start` up to `end`. */
export interface SchemaPlace {
  readonly start: number;
  readonly end: number;
}

/** What a definition says of its kind. Definitions that say the same, in any workspaces, share one. */
export interface DefinitionShape {
  readonly group: string;
  readonly namespaced: boolean;
  /** Those of `status.acceptedNames`. */
  readonly names: Names;
  readonly versions: readonly DefinitionVersion[];
  /** "" when there is none. */
  readonly storageVersion: string;
}

export interface Definition extends DefinitionShape {
  readonly shape: DefinitionShape;
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
  /** Where the schema of each version lies in the stored bytes, in the same order. */
  readonly schemas: readonly (SchemaPlace | undefined)[];
  readonly preserveUnknownFields: boolean;
  /** Undefined for strategy None. */
  readonly webhook: WebhookConversion | undefined;
  /** Requests are answered: the names are accepted, or were once. */
  readonly isServed: boolean;
  readonly isEstablished: boolean;
  /** Instances may no longer be created. */
  readonly isTerminating: boolean;
}

type Spec = CustomResourceDefinition["spec"];

/**
 * Reads a stored definition.
 * @param known the same one as it was read before, if it was
 * @param shared the shape to take for an equal one
 */
export function readDefinition(
  at: { readonly key: Key; readonly cluster: ClusterName; readonly name: string },
  revision: Revision,
  value: Buffer,
  known: Definition | undefined,
  shared: (shape: DefinitionShape) => DefinitionShape,
): Definition {
  const { head, schemas } = definitionParts(value);
  const { metadata, spec, status } = head;
  const { uid = "", generation = 0 } = metadata;
  // The generation changes with every change of the spec, so nothing happened to the schemas in between.
  const same = known !== undefined && known.uid === uid && known.generation === generation;
  const conditions = status?.conditions ?? [];
  const isEstablished = conditionIsTrue(conditions, "Established");
  const shape = shared({
    group: spec.group,
    namespaced: spec.scope === "Namespaced",
    names: status?.acceptedNames ?? spec.names,
    versions: same ? known.versions : readVersions(spec, schemas),
    storageVersion: spec.versions.find(({ storage }) => storage)?.name ?? "",
  });
  return {
    ...at,
    ...shape,
    shape,
    revision,
    since: same ? known.since : revision,
    uid,
    generation,
    schemas: schemas.map((schema) => {
      if (schema === undefined) return undefined;
      const start = schema.byteOffset - value.byteOffset;
      return { start, end: start + schema.length };
    }),
    preserveUnknownFields: spec.preserveUnknownFields === true,
    webhook: spec.conversion?.strategy === "Webhook" ? spec.conversion.webhook : undefined,
    isServed: isEstablished || conditionIsTrue(conditions, "NamesAccepted"),
    isEstablished,
    isTerminating: metadata.deletionTimestamp !== undefined || conditionIsTrue(conditions, "Terminating"),
  };
}

function readVersions(spec: Spec, schemas: readonly (Buffer | undefined)[]): DefinitionVersion[] {
  const newest = newestOf(spec.versions);
  // Where there are thousands, they have small schemas, of which most are the same.
  const small = new Map<string, SchemaFacts>();
  const factsOf = (schema: Buffer | undefined): SchemaFacts => {
    if (schema === undefined || schema.length > smallSchemaBytes) return schemaFacts(spec, schema);
    const text = schema.toString("latin1");
    let facts = small.get(text);
    if (facts === undefined) {
      facts = schemaFacts(spec, schema);
      small.set(text, facts);
    }
    return facts;
  };
  return spec.versions.map((version, index) => readVersion(spec, version, factsOf(schemas[index]), newest));
}

type SchemaFacts = Pick<DefinitionVersion, "schemaHash" | "isCostly">;

const smallSchemaBytes = 256;

const schemaFacts = (spec: Spec, schema: Buffer | undefined): SchemaFacts => ({
  schemaHash: schemaHash(schema, spec.preserveUnknownFields === true),
  isCostly: isCostly(schema),
});

function readVersion(
  spec: Spec,
  version: Version,
  facts: SchemaFacts,
  newest: string | undefined,
): DefinitionVersion {
  const { name, served, storage, subresources, additionalPrinterColumns = [] } = version;
  return {
    name,
    served,
    storage,
    warning: warningOf(spec, version, newest),
    ...facts,
    hasStatus: subresources?.status !== undefined,
    scale: subresources?.scale === undefined ? undefined : scaleOf(subresources.scale),
    columns: additionalPrinterColumns,
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
  };
}

/** Of the stored bytes of a schema. */
export function schemaHash(schema: Uint8Array | undefined, preserveUnknownFields: boolean): string {
  const hash = createHash("sha256").update(preserveUnknownFields ? "preserve " : "");
  return hash.update(schema ?? "none").digest("base64url");
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
function warningOf({ group, names }: Spec, version: Version, newest: string | undefined): string | undefined {
  if (version.deprecated !== true) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const text = `${group}/${version.name} ${names.kind} is deprecated`;
  const isNewer = newest !== undefined && compareVersions(newest, version.name) < 0;
  return isNewer ? `${text}; use ${group}/${newest} ${names.kind}` : text;
}

/** The newest version that is served and not deprecated. */
function newestOf(versions: readonly Version[]): string | undefined {
  let newest: string | undefined;
  for (const { name, served, deprecated } of versions) {
    if (!served || deprecated === true) continue;
    if (newest === undefined || compareVersions(name, newest) < 0) newest = name;
  }
  return newest;
}
