/** Applies and updates in sequences, compared with upstream's field managers: objects, managed fields, conflicts, errors. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { deref, type Field, type Schema } from "#machinery/schema/types.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { step, update } from "./testing/apply-cases.ts";
import {
  appliesBareItem,
  builtinLab,
  catalogue,
  play,
  resetOf,
  type Sequence,
  stepOf,
  theirs,
} from "./testing/sequences.ts";

const upstream = likeUpstream();

/** Values of a schema, small on purpose: steps shall meet. */
function valuesOf(schema: Schema, depth: number, wide: number, least = 0): fc.Arbitrary<JsonValue> {
  const node = deref(schema, catalogue);
  switch (node.kind) {
    case "string":
      return stringOf(node.format, node.enum);
    case "integer":
      return fc.integer({ min: 0, max: 2 });
    case "number":
      return fc.constantFrom(0, 1, 1.5);
    case "boolean":
      return fc.boolean();
    case "any":
      return fc.constantFrom<JsonValue>({ a: 1 }, { a: { b: [1] } }, {});
    case "map":
      return fc.dictionary(fc.constantFrom("a", "b", "c"), valuesOf(node.values, depth - 1, wide), {
        minKeys: least,
        maxKeys: 2,
      });
    case "list":
      return fc.array(valuesOf(node.items, depth - 1, wide), {
        minLength: least,
        maxLength: depth > 0 ? 3 : 1,
      });
    default:
      return fc
        .uniqueArray(
          fc.constantFrom(
            ...[...node.fields.values()].filter((field) => field.inline !== true && !hidden.has(field.name)),
          ),
          {
            maxLength: depth > 0 ? wide : 1,
          },
        )
        .chain((fields) =>
          fc.record(
            Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, depth - 1, wide)])),
          ),
        ) as fc.Arbitrary<JsonValue>;
  }
}

/** A field that is always written has no empty list or map: those are null here (docs/differences.md). */
const fieldValue = (field: Field, depth: number, wide: number): fc.Arbitrary<JsonValue> =>
  valuesOf(field.schema, depth, wide, field.omitEmpty === true ? 0 : 1);

/** Recursive, or of no use here. */
const hidden: ReadonlySet<string> = new Set(["managedFields", "ephemeralContainers", "initContainers"]);

function stringOf(
  format: string | undefined,
  values: readonly string[] | undefined,
): fc.Arbitrary<JsonValue> {
  if (values !== undefined && values.length > 0) return fc.constantFrom(...values.slice(0, 2));
  switch (format) {
    case "time":
      return fc.constantFrom("2001-01-01T00:00:00Z", "2002-01-01T00:00:00Z");
    case "micro-time":
      return fc.constant("2001-01-01T00:00:00.000001Z");
    case "duration":
      return fc.constantFrom("1s", "2m0s");
    case "quantity":
      return fc.constantFrom("1", "2Gi", "100m");
    case "int-or-string":
      return fc.constantFrom<JsonValue>(1, 2, "http");
    case "byte":
      return fc.constantFrom("YQ==", "Yg==");
    default:
      return fc.constantFrom("a", "b", "c");
  }
}

function sequenceOf(apiVersions: readonly string[], kindName: string, depth: number): fc.Arbitrary<Sequence> {
  const steps = apiVersions.map((apiVersion) => {
    const root = deref({ kind: "ref", ref: catalogue.typeOf(apiVersion, kindName)! }, catalogue);
    if (root.kind !== "object") throw new Error("a kind is an object");
    const own = [...root.fields.values()].filter(
      ({ name, inline }) => inline !== true && !["apiVersion", "kind", "metadata"].includes(name),
    );
    const parts = fc.record(
      Object.fromEntries(own.map((field) => [field.name, fieldValue(field, depth, 4)])),
      { requiredKeys: own.some(({ name }) => name === "spec") ? ["spec"] : [] },
    ) as fc.Arbitrary<JsonObject>;
    return stepOf(apiVersion, kindName, parts);
  });
  return fc
    .array(fc.oneof(...steps), { minLength: 2, maxLength: 7 })
    .map((list) => ({ apiVersion: apiVersions[0]!, kind: kindName, steps: list }));
}

const builtins: readonly (readonly [string, readonly string[], number, number])[] = [
  ["ConfigMap", ["v1"], 3, 150],
  ["Service", ["v1"], 4, 300],
  ["Pod", ["v1"], 6, 300],
  ["Deployment", ["apps/v1"], 8, 400],
  ["StatefulSet", ["apps/v1"], 8, 100],
  ["PersistentVolume", ["v1"], 5, 100],
  ["NetworkPolicy", ["networking.k8s.io/v1"], 6, 100],
  ["ClusterRole", ["rbac.authorization.k8s.io/v1"], 5, 100],
  ["HorizontalPodAutoscaler", ["autoscaling/v2"], 6, 100],
];

const configMap = (data: JsonObject, meta: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "x", uid: "u", ...meta },
  data,
});
const configMapCases: readonly Sequence[] = [
  // Versions that are no longer served mean nothing. (Custom kinds refuse such objects upstream; here they do the same.)
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    steps: [
      step("a", configMap({ a: "1" }), update),
      step(
        "b",
        configMap(
          { a: "2" },
          {
            managedFields: [
              {
                manager: "x",
                operation: "Update",
                apiVersion: "v9",
                fieldsType: "FieldsV1",
                fieldsV1: { "f:data": { "f:a": {} } },
              },
            ],
          },
        ),
        update,
      ),
      step("c", configMap({ a: "3" })),
    ],
  },
];

for (const [kindName, apiVersions, depth, runs] of builtins) {
  const reset = resetOf(...apiVersions);
  const lab = builtinLab(kindName, reset);
  upstream.compare<Sequence>(`sequences on a ${kindName}`, {
    cases: kindName === "ConfigMap" ? configMapCases : [],
    generate: sequenceOf(apiVersions, kindName, depth),
    runs,
    ours: ({ apiVersion, steps }) => play(lab, apiVersion, steps),
    known: appliesBareItem,
    theirs: async (oracle, { apiVersion, kind, steps }) =>
      theirs(await oracle.ask("apply", { apiVersion, kind, steps, reset })),
  });
}
