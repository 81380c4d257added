/** Hand-made schemas for the tests of this room: small copies of real kinds. */
import type { AnySchema, Field, ObjectSchema, Schema, TypeName, TypeResolver } from "./types.ts";

export const string: Schema = { kind: "string" };
export const integer = (format: "int32" | "int64"): Schema => ({ kind: "integer", format });
export const boolean: Schema = { kind: "boolean" };
export const ref = (name: TypeName): Schema => ({ kind: "ref", ref: name });
export const list = (items: Schema): Schema => ({ kind: "list", items });
export const map = (values: Schema): Schema => ({ kind: "map", values });
export const format = (name: "time" | "micro-time" | "quantity" | "int-or-string" | "byte"): Schema => ({
  kind: "string",
  format: name,
});
export const raw: AnySchema = { kind: "any", format: "raw-extension" };

/** `[name, schema, flags, number]`: flags `o` omitempty, `p` pointer, `z` omitzero, `i` inline. */
type FieldLine = readonly [name: string, schema: Schema, flags?: string, proto?: number];

export function object(...lines: readonly FieldLine[]): ObjectSchema {
  const fields = new Map<string, Field>();
  for (const [name, schema, flags = "", proto] of lines) {
    fields.set(name, {
      name,
      schema,
      ...(proto === undefined ? {} : { proto }),
      ...(flags.includes("o") ? { omitEmpty: true } : {}),
      ...(flags.includes("p") ? { pointer: true } : {}),
      ...(flags.includes("z") ? { omitZero: true } : {}),
      ...(flags.includes("i") ? { inline: true } : {}),
    });
  }
  return { kind: "object", fields };
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const core = "io.k8s.api.core.v1";
const kindFields: readonly FieldLine[] = [
  ["kind", string, "o"],
  ["apiVersion", string, "o"],
  ["metadata", ref(`${meta}.ObjectMeta`), "o", 1],
];

const types: ReadonlyMap<TypeName, Schema> = new Map<TypeName, Schema>([
  [
    `${meta}.ObjectMeta`,
    object(
      ["name", string, "o", 1],
      ["generateName", string, "o", 2],
      ["namespace", string, "o", 3],
      ["selfLink", string, "o", 4],
      ["uid", { kind: "string", goType: "types.UID" }, "o", 5],
      ["resourceVersion", string, "o", 6],
      ["generation", integer("int64"), "o", 7],
      ["creationTimestamp", format("time"), "oz", 8],
      ["deletionTimestamp", format("time"), "op", 9],
      ["labels", map(string), "o", 11],
      ["annotations", map(string), "o", 12],
      ["ownerReferences", list(ref(`${meta}.OwnerReference`)), "o", 13],
      ["finalizers", list(string), "o", 14],
    ),
  ],
  [
    `${meta}.OwnerReference`,
    object(
      ["apiVersion", string, "", 5],
      ["kind", string, "", 1],
      ["name", string, "", 3],
      ["uid", string, "", 4],
      ["controller", boolean, "op", 6],
    ),
  ],
  [
    `${core}.ConfigMap`,
    object(
      ...kindFields,
      ["immutable", boolean, "op", 4],
      ["data", map(string), "o", 2],
      ["binaryData", map(format("byte")), "o", 3],
    ),
  ],
  [
    `${core}.Pod`,
    object(
      ...kindFields,
      ["spec", ref(`${core}.PodSpec`), "o", 2],
      ["status", ref(`${core}.PodStatus`), "o", 3],
    ),
  ],
  [
    `${core}.PodSpec`,
    object(
      ["volumes", list(ref(`${core}.Volume`)), "o", 1],
      ["containers", list(ref(`${core}.Container`)), "", 2],
      ["restartPolicy", { kind: "string", goType: "v1.RestartPolicy", default: "Always" }, "o", 3],
      ["hostNetwork", boolean, "o", 11],
      ["shareProcessNamespace", boolean, "op", 27],
    ),
  ],
  [
    `${core}.Volume`,
    object(
      ["name", string, "", 1],
      ["volumeSource", ref(`${core}.VolumeSource`), "i", 2],
      ["emptyDir", ref(`${core}.EmptyDirVolumeSource`), "op"],
    ),
  ],
  [`${core}.VolumeSource`, object(["emptyDir", ref(`${core}.EmptyDirVolumeSource`), "op", 2])],
  [
    `${core}.EmptyDirVolumeSource`,
    object(["medium", string, "o", 1], ["sizeLimit", format("quantity"), "op", 2]),
  ],
  [
    `${core}.Container`,
    object(
      ["name", string, "", 1],
      ["ports", list(ref(`${core}.ContainerPort`)), "o", 6],
      ["env", list(ref(`${core}.EnvVar`)), "o", 7],
      ["resources", ref(`${core}.ResourceRequirements`), "o", 8],
      ["port", format("int-or-string"), "", 30],
    ),
  ],
  [
    `${core}.ContainerPort`,
    object(
      ["containerPort", integer("int32"), "", 3],
      ["protocol", { kind: "string", default: "TCP" }, "o", 4],
    ),
  ],
  [`${core}.EnvVar`, object(["name", string, "", 1], ["value", string, "o", 2])],
  [`${core}.ResourceRequirements`, object(["limits", map(format("quantity")), "o", 1])],
  [
    `${core}.PodStatus`,
    object(["startTime", format("time"), "op", 7], ["lastProbeTime", format("time"), "o", 9]),
  ],
  [
    "io.k8s.api.apps.v1.ControllerRevision",
    object(...kindFields, ["data", raw, "o", 2], ["revision", integer("int64"), "", 3]),
  ],
  [
    "test.v1.Tree",
    object(["children", list(ref("test.v1.Tree")), "o", 1], ["value", integer("int32"), "o", 2]),
  ],
]);

export const testTypes: TypeResolver = {
  resolve: (name) => {
    const found = types.get(name);
    if (found === undefined) throw new Error(`no type ${name}`);
    return found;
  },
};
