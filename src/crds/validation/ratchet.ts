/** What an update of a definition may keep wrong because it was so before (ValidateCustomResourceDefinitionUpdate). */

import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { flags, type SchemaNode } from "#machinery/structural/node.ts";
import { coerceEmbedded } from "#machinery/structural/object-meta.ts";
import { parseSchema } from "#machinery/structural/parse.ts";
import { prune } from "#machinery/structural/prune.ts";
import { caBundleProblem, hasKnownReviewVersion } from "./conversion.ts";
import type { DefinitionContext } from "./definition.ts";
import type { InternalSchema, InternalSpec } from "./internal.ts";
import { hasNonAtomicSet, keyedListErrors } from "./list-rules.ts";
import { maxSelectableFields } from "./names.ts";
import { type Props, schemaHas } from "./props.ts";
import { structuralErrors, unsupportedFeature } from "./structural.ts";

export interface SpecOptions {
  readonly requiresKnownReviewVersion: boolean;
  readonly requiresImmutableNames: boolean;
  readonly requiresSchema: boolean;
  readonly requiresValidTypes: boolean;
  readonly requiresStructural: boolean;
  readonly requiresPrunedDefaults: boolean;
  readonly requiresAtomicSets: boolean;
  readonly requiresListMapKeys: boolean;
  /** Versions whose schemas are as they were: what their rules cost has been accepted. */
  readonly unchangedVersions: ReadonlySet<string>;
  readonly allowsInvalidCaBundle: boolean;
  /** Versions, and `""` for the spec, that had too many selectable fields and have the same ones. */
  readonly tooManySelectable: ReadonlySet<string>;
}

export const createOptions: SpecOptions = {
  requiresKnownReviewVersion: true,
  requiresImmutableNames: false,
  requiresSchema: true,
  requiresValidTypes: true,
  requiresStructural: true,
  requiresPrunedDefaults: true,
  requiresAtomicSets: true,
  requiresListMapKeys: true,
  unchangedVersions: new Set(),
  // Nothing is called before the definition is established.
  allowsInvalidCaBundle: true,
  tooManySelectable: new Set(),
};

const schemaTypes = ["string", "number", "integer", "boolean", "array", "object"];

export function updateOptions(
  spec: InternalSpec,
  old: InternalSpec,
  established: boolean,
  context: DefinitionContext,
): SpecOptions {
  const schemas = schemasOf(old);
  const some = (is: (props: Props) => boolean): boolean => schemas.some(({ props }) => schemaHas(props, is));
  const oldBundle = old.conversion?.webhook?.caBundle ?? "";
  return {
    requiresKnownReviewVersion: hasKnownReviewVersion(old.conversion?.reviewVersions ?? []),
    requiresImmutableNames: established,
    requiresSchema:
      old.schema?.props !== undefined || old.versions.every(({ schema }) => schema?.props !== undefined),
    requiresValidTypes: !some(({ type }) => type !== undefined && !schemaTypes.includes(type)),
    requiresStructural: !schemas.some(({ props }) => props !== undefined && isNonStructural(props, context)),
    requiresPrunedDefaults: !schemas.some((schema) => hasUnprunedDefaults(schema, context)),
    requiresAtomicSets: !some(hasNonAtomicSet),
    requiresListMapKeys: !some((props) => keyedListErrors(props, "").length > 0),
    unchangedVersions: unchangedVersions(spec, old),
    allowsInvalidCaBundle: !established || (oldBundle !== "" && caBundleProblem(oldBundle) !== undefined),
    tooManySelectable: tooManySelectable(spec, old),
  };
}

export const schemasOf = (spec: InternalSpec): InternalSchema[] =>
  [spec, ...spec.versions].flatMap(({ schema }) => (schema === undefined ? [] : [schema]));

const isNonStructural = (props: Props, { patterns }: DefinitionContext): boolean =>
  unsupportedFeature(props) !== undefined || structuralErrors(props, "", patterns).length > 0;

function unchangedVersions(spec: InternalSpec, old: InternalSpec): ReadonlySet<string> {
  const before = new Map(old.versions.map(({ name, schema }) => [name, schema ?? old.schema]));
  const names = spec.versions
    .filter(
      ({ name, schema }) =>
        before.has(name) && jsonEqual((schema ?? spec.schema)?.json, before.get(name)?.json),
    )
    .map(({ name }) => name);
  return new Set(names);
}

function tooManySelectable(spec: InternalSpec, old: InternalSpec): ReadonlySet<string> {
  const kept = new Set<string>();
  const compare = (name: string, now: readonly string[] = [], before: readonly string[] = []): void => {
    if (before.length > maxSelectableFields && jsonEqual([...now], [...before])) kept.add(name);
  };
  compare("", spec.selectableFields, old.selectableFields);
  const before = new Map<string, readonly string[] | undefined>();
  for (const { name, selectableFields } of old.versions)
    if (!before.has(name)) before.set(name, selectableFields);
  for (const { name, selectableFields } of spec.versions) compare(name, selectableFields, before.get(name));
  return kept;
}

/** Some default has fields that its schema does not know. */
function hasUnprunedDefaults({ json, props }: InternalSchema, context: DefinitionContext): boolean {
  if (props === undefined || isNonStructural(props, context)) return false;
  const { objectMeta } = context;
  const visit = (node: SchemaNode): boolean => {
    if (node.default !== undefined) {
      const pruned = cloneJson(node.default);
      coerceEmbedded(pruned, node, { objectMeta, dropInvalid: true });
      prune(pruned, node, node.has(flags.embedded));
      if (!jsonEqual(pruned, node.default)) return true;
    }
    if (!node.has(flags.defaultsBelow)) return false;
    const inner = [
      node.items,
      typeof node.additional === "object" ? node.additional : undefined,
      ...node.nodes,
    ];
    return inner.some((child) => child !== undefined && visit(child));
  };
  return visit(parseSchema(json, "default"));
}
