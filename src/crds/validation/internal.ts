/**
 * A definition as upstream's validation sees it: the internal version, where what all versions say alike stands in the spec and no longer
 * in them (apiextensions/v1 conversion.go). Error paths are of this form.
 */
import { jsonEqual } from "#machinery/json/equal.ts";
import { getOwn, isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { type Props, readProps } from "./props.ts";

export interface InternalSchema {
  /** The schema's text, for compiling. */
  readonly json: JsonObject | undefined;
  readonly props: Props | undefined;
}

export interface InternalColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  readonly jsonPath: string;
}

export interface InternalScale {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface InternalSubresources {
  readonly status: boolean;
  readonly scale?: InternalScale;
}

/** What a version has of its own, or the spec for all of them. */
interface Shared {
  readonly schema?: InternalSchema;
  readonly subresources?: InternalSubresources;
  readonly columns?: readonly InternalColumn[];
  /** JSON paths. */
  readonly selectableFields?: readonly string[];
}

export interface InternalVersion extends Shared {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated: boolean;
  readonly deprecationWarning?: string;
}

export interface InternalNames {
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly listKind: string;
  readonly categories: readonly string[];
}

export interface InternalClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port: number;
  };
  /** Base64. */
  readonly caBundle: string;
}

export interface InternalConversion {
  readonly strategy: string;
  readonly webhook?: InternalClientConfig;
  readonly reviewVersions: readonly string[];
}

export interface InternalSpec extends Shared {
  readonly group: string;
  /** The first version's name. */
  readonly version: string;
  readonly names: InternalNames;
  readonly scope: string;
  readonly versions: readonly InternalVersion[];
  readonly conversion?: InternalConversion;
  readonly preserveUnknownFields: boolean;
}

export function internalSpec(spec: JsonObject): InternalSpec {
  const conversion = objectOf(spec, "conversion");
  const own = objectsOf(spec, "versions");
  const versions = own.map(versionOf);
  const common: { -readonly [K in keyof Shared]: Shared[K] } = {};
  const keys = [
    ["schema", "schema"],
    ["subresources", "subresources"],
    ["additionalPrinterColumns", "columns"],
    ["selectableFields", "selectableFields"],
  ] as const;
  const hoisted = new Set<keyof Shared>();
  for (const [key, name] of keys) {
    const first = own.length === 0 ? undefined : presentOf(own[0]!, key);
    if (!own.every((version) => jsonEqual(presentOf(version, key), first))) continue;
    hoisted.add(name);
    const value = versions[0]?.[name];
    if (value !== undefined) Object.assign(common, { [name]: value });
  }
  return {
    group: textOf(spec, "group"),
    version: versions[0]?.name ?? "",
    names: namesOf(objectOf(spec, "names") ?? {}),
    scope: textOf(spec, "scope"),
    versions: versions.map((version) => {
      const rest = { ...version };
      for (const name of hoisted) delete rest[name];
      return rest;
    }),
    ...(conversion === undefined ? {} : { conversion: conversionOf(conversion) }),
    preserveUnknownFields: getOwn(spec, "preserveUnknownFields") === true,
    ...common,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function versionOf(json: JsonObject): Mutable<InternalVersion> {
  const warning = getOwn(json, "deprecationWarning");
  const schema = objectOf(json, "schema");
  const subresources = objectOf(json, "subresources");
  const columns = objectsOf(json, "additionalPrinterColumns");
  const selectable = objectsOf(json, "selectableFields");
  return {
    name: textOf(json, "name"),
    served: getOwn(json, "served") === true,
    storage: getOwn(json, "storage") === true,
    deprecated: getOwn(json, "deprecated") === true,
    ...(typeof warning === "string" ? { deprecationWarning: warning } : {}),
    ...(schema === undefined ? {} : { schema: schemaOf(objectOf(schema, "openAPIV3Schema")) }),
    ...(subresources === undefined ? {} : { subresources: subresourcesOf(subresources) }),
    ...(columns.length === 0 ? {} : { columns: columns.map(columnOf) }),
    ...(selectable.length === 0
      ? {}
      : { selectableFields: selectable.map((one) => textOf(one, "jsonPath")) }),
  };
}

/** Read when first needed: most of a definition's text is here. */
function schemaOf(json: JsonObject | undefined): InternalSchema {
  let props: Props | undefined;
  return {
    json,
    get props() {
      if (json !== undefined) props ??= readProps(json);
      return props;
    },
  };
}

function subresourcesOf(json: JsonObject): InternalSubresources {
  const scale = objectOf(json, "scale");
  const selector = scale === undefined ? undefined : getOwn(scale, "labelSelectorPath");
  return {
    status: objectOf(json, "status") !== undefined,
    ...(scale === undefined
      ? {}
      : {
          scale: {
            specReplicasPath: textOf(scale, "specReplicasPath"),
            statusReplicasPath: textOf(scale, "statusReplicasPath"),
            ...(typeof selector === "string" ? { labelSelectorPath: selector } : {}),
          },
        }),
  };
}

const columnOf = (json: JsonObject): InternalColumn => ({
  name: textOf(json, "name"),
  type: textOf(json, "type"),
  format: textOf(json, "format"),
  description: textOf(json, "description"),
  priority: numberOf(json, "priority") ?? 0,
  jsonPath: textOf(json, "jsonPath"),
});

export const namesOf = (json: JsonObject): InternalNames => ({
  plural: textOf(json, "plural"),
  singular: textOf(json, "singular"),
  shortNames: textsOf(json, "shortNames"),
  kind: textOf(json, "kind"),
  listKind: textOf(json, "listKind"),
  categories: textsOf(json, "categories"),
});

function conversionOf(json: JsonObject): InternalConversion {
  const webhook = objectOf(json, "webhook");
  const config = webhook === undefined ? undefined : objectOf(webhook, "clientConfig");
  const service = config === undefined ? undefined : objectOf(config, "service");
  const url = config === undefined ? undefined : getOwn(config, "url");
  const path = service === undefined ? undefined : getOwn(service, "path");
  return {
    strategy: textOf(json, "strategy"),
    reviewVersions: webhook === undefined ? [] : textsOf(webhook, "conversionReviewVersions"),
    ...(config === undefined
      ? {}
      : {
          webhook: {
            caBundle: textOf(config, "caBundle"),
            ...(typeof url === "string" ? { url } : {}),
            ...(service === undefined
              ? {}
              : {
                  service: {
                    namespace: textOf(service, "namespace"),
                    name: textOf(service, "name"),
                    ...(typeof path === "string" ? { path } : {}),
                    port: numberOf(service, "port") ?? 443,
                  },
                }),
          },
        }),
  };
}

/** A field, with what counts as absent left out. */
function presentOf(json: JsonObject, key: string): JsonValue | undefined {
  const value = getOwn(json, key);
  return value === null || (Array.isArray(value) && value.length === 0) ? undefined : value;
}

export function objectOf(json: JsonObject, key: string): JsonObject | undefined {
  const value = getOwn(json, key);
  return isJsonObject(value) ? value : undefined;
}

function objectsOf(json: JsonObject, key: string): JsonObject[] {
  const value = getOwn(json, key);
  return Array.isArray(value) ? value.map((item) => (isJsonObject(item) ? item : {})) : [];
}

export function textOf(json: JsonObject, key: string): string {
  const value = getOwn(json, key);
  return typeof value === "string" ? value : "";
}

export function textsOf(json: JsonObject, key: string): string[] {
  const value = getOwn(json, key);
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function numberOf(json: JsonObject, key: string): number | undefined {
  const value = getOwn(json, key);
  if (typeof value === "number") return value;
  return isRawNumber(value) ? Number(value.rawJSON) : undefined;
}
