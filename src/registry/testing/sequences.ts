/** Sequences of applies and updates, as the field manager here plays them and as the oracle answers them. */
import fc from "fast-check";
import { loadCatalogue } from "#api/catalogue.ts";
import { FieldManager, type ManagedKind } from "#machinery/apply/field-manager.ts";
import { FieldSet } from "#machinery/apply/field-set.ts";
import { ApplyError } from "#machinery/apply/typed-errors.ts";
import { TypedSchemas } from "#machinery/apply/typed-node.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { deref, type Schema } from "#machinery/schema/types.ts";

export const catalogue = loadCatalogue();
export const compiler = new TypeCompiler(catalogue);
export const schemas = new TypedSchemas(catalogue);
const manager = new FieldManager();

export interface Step {
  readonly op: "apply" | "update";
  readonly manager: string;
  readonly force: boolean;
  readonly subresource: string;
  readonly object: JsonObject;
}

export interface Sequence {
  readonly apiVersion: string;
  readonly kind: string;
  readonly steps: readonly Step[];
}

/** By subresource and apiVersion, as the oracle wants it. */
type Reset = Readonly<Record<string, Readonly<Record<string, readonly (readonly string[])[]>>>>;

export const resetOf = (...apiVersions: readonly string[]): Reset => ({
  "": Object.fromEntries(apiVersions.map((version) => [version, [["status"]]])),
  status: Object.fromEntries(apiVersions.map((version) => [version, [["spec"], ["metadata", "labels"]]])),
});

export interface Lab {
  kind(apiVersion: string, subresource: string): ManagedKind;
  /** A body as the endpoint of its version reads it. */
  read(body: JsonObject): JsonObject;
}

export function resetFields(reset: Reset, subresource: string, apiVersion: string): FieldSet | undefined {
  const paths = reset[subresource]?.[apiVersion];
  return paths && FieldSet.of(...paths.map((path) => path.map((name) => `f:${name}`)));
}

export function builtinLab(kindName: string, reset: Reset): Lab {
  const typeOf = (apiVersion: string) => catalogue.typeOf(apiVersion, kindName);
  const decode = (object: JsonObject): JsonObject =>
    compiler.compile(typeOf(String(object.apiVersion))!).decode(object).value;
  return {
    read: decode,
    kind: (apiVersion, subresource) => ({
      apiVersion,
      kind: kindName,
      subresource,
      typeIn: (version) => {
        const type = typeOf(version);
        return type === undefined ? undefined : schemas.named(type);
      },
      convert: (object, version) => decode({ ...object, apiVersion: version }),
      resetFields: (version) => resetFields(reset, subresource, version),
      emptyObject: () => decode({ apiVersion, kind: kindName, metadata: {} }),
      complete: decode,
    }),
  };
}

interface Outcome {
  readonly object: JsonValue;
  readonly fault?: JsonValue;
}

export function play(lab: Lab, hub: string, steps: readonly Step[]): Outcome[] {
  let live: JsonObject | undefined;
  return steps.map((step, index) => {
    // The endpoint of the body's version, where there is one.
    const given = String(step.object.apiVersion);
    const apiVersion = lab.kind(hub, "").typeIn(given) === undefined ? hub : given;
    const kind = lab.kind(apiVersion, step.subresource);
    const time = `2000-01-01T00:00:${String(index + 1).padStart(2, "0")}Z`;
    const current = live && kind.convert(live, apiVersion);
    try {
      if (step.op === "apply") {
        const applied = manager.apply(kind, current, cloneJson(step.object), step.manager, step.force, time);
        // Nothing new: upstream's answer never was in another version than the store's.
        live = live !== undefined && sameContent(applied, current!) ? withManagedOf(live, applied) : applied;
      } else {
        const object = kind.convert(kind.convert(lab.read(cloneJson(step.object)), hub), apiVersion);
        const entries = manager.update(kind, current, object, step.manager, time);
        const { managedFields: _old, ...metadata } = object.metadata as JsonObject;
        live = {
          ...object,
          metadata: { ...metadata, ...(entries && { managedFields: entries as unknown as JsonValue }) },
        };
      }
      live = kind.convert(live, hub);
      return { object: plain(live) };
    } catch (error) {
      if (error instanceof StatusError)
        return {
          object: plain(live ?? lab.kind(hub, "").emptyObject()),
          fault: plainFault(error.status as never),
        };
      if (error instanceof ApplyError)
        return {
          object: plain(live ?? lab.kind(hub, "").emptyObject()),
          fault: { text: errorText(error.message) },
        };
      throw error;
    }
  });
}

const contentOf = (object: JsonObject): JsonValue => {
  const { managedFields: _fields, ...metadata } = object.metadata as JsonObject;
  return { ...object, metadata };
};
const sameContent = (a: JsonObject, b: JsonObject): boolean => jsonEqual(contentOf(a), contentOf(b));
const withManagedOf = (object: JsonObject, from: JsonObject): JsonObject => {
  const { managedFields: _old, ...metadata } = object.metadata as JsonObject;
  const { managedFields } = from.metadata as JsonObject;
  return { ...object, metadata: { ...metadata, ...(managedFields !== undefined && { managedFields }) } };
};

export const plain = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

/** Upstream visits maps in any order. */
const errorText = (text: string): string => text.split("\n").sort().join("\n");

/** Causes of several managers come in any order. */
function plainFault(status: JsonObject): JsonValue {
  const details = isJsonObject(status.details) ? status.details : {};
  const causes = (Array.isArray(details.causes) ? details.causes : []).map((cause) =>
    JSON.stringify(sorted(cause)),
  );
  return {
    message: status.message ?? "",
    code: status.code ?? 0,
    reason: status.reason ?? "",
    causes: causes.sort(),
  };
}

function sorted(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]!]),
  );
}

export function theirs(answer: JsonValue): Outcome[] {
  return (answer as unknown as { object: JsonObject; fault?: { text: string; status?: JsonObject } }[]).map(
    ({ object, fault }) => ({
      object,
      ...(fault && { fault: fault.status ? plainFault(fault.status) : { text: errorText(fault.text) } }),
    }),
  );
}

/** Whether a list with keys has an item that says nothing, not even those. */
function hasBareItem(schema: Schema, value: JsonValue | undefined): boolean {
  const node = deref(schema, catalogue);
  if (node.kind === "list" && Array.isArray(value)) {
    const isBare = (item: JsonValue): boolean => Object.keys(item as object).length === 0;
    if (node.listType === "map" && value.some(isBare)) return true;
    return value.some((item) => hasBareItem(node.items, item));
  }
  if (!isJsonObject(value)) return false;
  if (node.kind === "map") return Object.values(value).some((item) => hasBareItem(node.values, item));
  if (node.kind !== "object") return false;
  return [...node.fields.values()].some((field) => hasBareItem(field.schema, value[field.name]));
}

/** Such an item is applied: when some of what was applied of it is given up, upstream loses it (docs/differences.md). */
export function appliesBareItem({ apiVersion, kind, steps }: Sequence): boolean {
  const type = { kind: "ref", ref: catalogue.typeOf(apiVersion, kind)! } as const;
  return steps.some(({ op, object }) => op === "apply" && hasBareItem(type, object));
}

const managers = fc.constantFrom("a", "b", "kubectl", "c");

/** Where a list has items twice that must differ, upstream's errors are compared too, so most stay as they are. */
export function stepOf(
  apiVersion: string,
  kindName: string,
  parts: fc.Arbitrary<JsonObject>,
): fc.Arbitrary<Step> {
  return fc
    .record({
      op: fc.constantFrom("apply", "apply", "update"),
      manager: managers,
      force: fc.boolean(),
      subresource: fc.constantFrom("", "", "", "status"),
      parts,
      labels: fc.dictionary(fc.constantFrom("l", "m"), fc.constantFrom("1", "2"), { maxKeys: 2 }),
    })
    .map(({ op, manager: by, force, subresource, parts: content, labels }) => ({
      op: op as "apply" | "update",
      manager: by,
      force,
      subresource,
      object: {
        apiVersion,
        kind: kindName,
        metadata: {
          name: "x",
          uid: "u",
          ...(Object.keys(labels).length > 0 && { labels }),
        },
        ...content,
      },
    }));
}
