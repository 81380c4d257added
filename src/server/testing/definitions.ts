/** CustomResourceDefinitions for tests. */

export interface DefinitionOptions {
  readonly group?: string;
  readonly kind?: string;
  readonly plural?: string;
  readonly scope?: "Namespaced" | "Cluster";
  readonly names?: object;
  /** Of the one version `v1`; or all versions, when given. */
  readonly schema?: object;
  readonly version?: object;
  readonly versions?: readonly object[];
  readonly spec?: object;
}

export const objectSchema = (spec: object, more: object = {}): object => ({
  type: "object",
  properties: { spec: { type: "object", properties: spec }, ...more },
});

/** A definition of `widgets.example.com` unless told otherwise. */
export function definitionOf(options: DefinitionOptions = {}) {
  const {
    group = "example.com",
    kind = "Widget",
    plural = `${kind.toLowerCase()}s`,
    scope = "Namespaced",
    schema = objectSchema({ size: { type: "integer" }, color: { type: "string" } }),
  } = options;
  const version = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, kind, ...options.names },
      versions: options.versions ?? [{ ...version, ...options.version }],
      ...options.spec,
    },
  };
}
