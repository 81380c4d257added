/** The two shapes that every kind has: a table for people, metadata for controllers (spec 3.3). */
import type { ColumnDefinition, Columns } from "#api/columns/types.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import { initialEventsEndAnnotation } from "./encoder.ts";
import { bookmarkObject, type JsonShape } from "./json-encoder.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

/** `{kind: PartialObjectMetadata, metadata}` of an object. */
export function partialMetadata(object: KubeObject, metaVersion: string): JsonValue {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: object.metadata as unknown as JsonValue,
  };
}

export const partialMetadataType: TypeName = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata";

export function partialShape(metaVersion: string): JsonShape {
  const text = (object: StoredObject): string => writeJson(partialMetadata(object.object, metaVersion));
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  return {
    form: `json partial ${metaVersion}`,
    parses: () => true,
    one: (object) => Buffer.from(text(object), "utf8"),
    eventObject: (object) => Buffer.from(text(object), "utf8"),
    bookmarkObject: (revision, end) => bookmarkObject(apiVersion, "PartialObjectMetadata", revision, end),
    listHead: `{"kind":"PartialObjectMetadataList","apiVersion":"${apiVersion}","metadata":`,
    listItems: ',"items":[',
    addItem: (chunks, object) => chunks.text(text(object)),
  };
}

/**
 * A Table. In a watch every event's object is a Table of one row; column definitions stand in the first one only, so the
 * caller makes a new shape for each watch. `view` is what cells and metadata are made from: the stored object by default.
 */
export function tableShape(
  columns: Columns,
  metaVersion: string,
  include: IncludeObject,
  full: (object: StoredObject) => JsonValue,
  nowMs: () => number,
  view: (object: StoredObject) => KubeObject = (object) => object.object,
): JsonShape {
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  const definitions = columns.definitions.map(columnDefinition);
  const row = (object: StoredObject): JsonValue => ({
    cells: columns.cells(view(object), nowMs()),
    ...(include === "None"
      ? { object: null }
      : { object: include === "Object" ? full(object) : partialMetadata(view(object), metaVersion) }),
  });
  const table = (resourceVersion: string, rows: JsonValue[], withDefinitions: boolean): JsonValue => ({
    kind: "Table",
    apiVersion,
    metadata: { resourceVersion },
    columnDefinitions: withDefinitions ? definitions : null,
    rows,
  });
  let first = true;
  const takeFirst = (): boolean => {
    const was = first;
    first = false;
    return was;
  };
  return {
    form: "",
    parses: () => true,
    takeFirst,
    one: (object) => Buffer.from(writeJson(table(String(object.revision), [row(object)], true)), "utf8"),
    eventObject: (object) =>
      Buffer.from(writeJson(table(String(object.revision), [row(object)], takeFirst())), "utf8"),
    bookmarkObject(revision, end) {
      const object = {
        kind: "PartialObjectMetadata",
        apiVersion,
        metadata: {
          resourceVersion: String(revision),
          ...(end ? { annotations: { [initialEventsEndAnnotation]: "true" } } : {}),
        },
      };
      const cells = columns.definitions.map((_, index) => (index === 0 ? "" : null));
      return table(String(revision), [{ cells, object }], takeFirst());
    },
    listHead: `{"kind":"Table","apiVersion":"${apiVersion}","metadata":`,
    listItems: `,"columnDefinitions":${writeJson(definitions)},"rows":[`,
    addItem: (chunks, object) => chunks.text(writeJson(row(object))),
  };
}

const columnDefinition = (column: ColumnDefinition): JsonValue => ({
  name: column.name,
  type: column.type,
  format: column.format,
  description: column.description,
  priority: column.priority,
});
