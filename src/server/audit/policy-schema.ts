/** `audit.k8s.io/v1` Policy (k8s.io/apiserver pkg/apis/audit/v1/types.go): configuration of the operator's, served by no API. */
import type { Field, ObjectSchema, Schema, TypeName, TypeResolver } from "#machinery/schema/types.ts";

const audit = "io.k8s.apiserver.pkg.apis.audit.v1";
export const policyType = `${audit}.Policy`;
const string: Schema = { kind: "string" };
const strings: Schema = { kind: "list", items: string };
const stages: Schema = { kind: "list", items: { kind: "string", goType: "v1.Stage" } };
const ref = (name: TypeName): Schema => ({ kind: "ref", ref: name });
const listOf = (name: TypeName): Schema => ({ kind: "list", items: ref(name) });

function struct(fields: Readonly<Record<string, Schema>>): ObjectSchema {
  const all = Object.entries(fields).map(([name, schema]): [string, Field] => [
    name,
    { name, schema, omitEmpty: true, pointer: schema.kind === "boolean" },
  ]);
  return { kind: "object", fields: new Map(all) };
}

const types: ReadonlyMap<TypeName, Schema> = new Map<TypeName, Schema>([
  [
    policyType,
    struct({
      kind: string,
      apiVersion: string,
      metadata: { kind: "any" },
      rules: listOf(`${audit}.PolicyRule`),
      omitStages: stages,
      omitManagedFields: { kind: "boolean" },
    }),
  ],
  [
    `${audit}.PolicyRule`,
    struct({
      level: { kind: "string", goType: "v1.Level" },
      users: strings,
      userGroups: strings,
      verbs: strings,
      resources: listOf(`${audit}.GroupResources`),
      namespaces: strings,
      nonResourceURLs: strings,
      omitStages: stages,
      omitManagedFields: { kind: "boolean" },
    }),
  ],
  [`${audit}.GroupResources`, struct({ group: string, resources: strings, resourceNames: strings })],
]);

export const policyTypes: TypeResolver = {
  resolve(name) {
    const found = types.get(name);
    if (found === undefined) throw new Error(`audit: no type ${name}`);
    return found;
  },
};
