/** Objects as JSON (or YAML): stored bytes with the revision spliced in, parsed only for another version or for people. */

import { writeYaml } from "#machinery/codecs/yaml.ts";
import type { Status } from "#machinery/errors/status-error.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson, writePrettyJson } from "#machinery/json/write.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { maxSplicedBytes, spliceInto, spliceStored } from "#machinery/schema/splice.ts";
import { convertTo, isCustomKind, type Resource } from "#registry/resource.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { EventType } from "#registry/watch.ts";
import type { Exchange } from "#server/exchange.ts";
import type { Revision } from "#storage/port.ts";
import { Chunks } from "./chunks.ts";
import {
  type EncoderOrigin,
  initialEventsEndAnnotation,
  type JsonStyle,
  type ListMeta,
  type ListWriter,
  type ObjectEncoder,
  type Restyle,
  sharedEncoding,
} from "./encoder.ts";
import { contentTypes } from "./media-types.ts";

/** JSON bytes in the client's style; indented or YAML text is made from the compact bytes. */
export function styled(compact: Buffer, style: JsonStyle): Buffer {
  if (!style.yaml && !style.pretty) return compact;
  const value = readOwnJson(compact);
  return Buffer.from(style.yaml ? yamlText(value) : `${writePrettyJson(value)}\n`, "utf8");
}

function yamlText(value: JsonValue): string {
  try {
    return writeYaml(value);
  } catch (error) {
    // Too deep for the YAML writer's recursion. JSON is YAML, too.
    if (error instanceof RangeError) return `${writeJson(value)}\n`;
    throw error;
  }
}

/** What differs between the shapes of a JSON answer (the object itself, its metadata, table rows). */
export interface JsonShape {
  /** Name of the form, for shared encodings; "" = every watch makes its own (tables: the first event says more). */
  readonly form: string;
  /** Whether it has to read the object. */
  parses(object: StoredObject): boolean;
  /** See {@link ObjectEncoder.takeFirst}. */
  takeFirst?(): boolean;
  /** One object on its own. */
  one(object: StoredObject): Buffer;
  /** The object inside an event; the first event of a watch may say more. */
  eventObject(object: StoredObject): Buffer;
  bookmarkObject(revision: Revision, initialEventsEnd: boolean): JsonValue;
  /** Everything of a list before its meta, and between meta and items: `{"kind":...,"metadata":`, `,"items":[`. */
  readonly listHead: string;
  readonly listItems: string;
  /** A list that is complete says so by an empty `continue`, as upstream's lists of custom objects do. */
  readonly alwaysContinue?: boolean;
  addItem(chunks: Chunks, object: StoredObject): void;
}

export class JsonEncoder implements ObjectEncoder {
  readonly contentType: string;
  readonly streamContentType = contentTypes.json;
  readonly origin: EncoderOrigin | undefined;
  readonly style: JsonStyle;
  readonly #shape: JsonShape;

  constructor(shape: JsonShape, style: JsonStyle, origin?: EncoderOrigin) {
    this.#shape = shape;
    this.style = style;
    this.origin = origin;
    this.contentType = style.yaml ? contentTypes.yaml : contentTypes.json;
  }

  respond(exchange: Exchange, code: number, object: StoredObject): void {
    const json = this.#shape.one(object);
    exchange.audit?.responds(() => json);
    exchange.respond(code, { "content-type": this.contentType }, styled(json, this.style));
  }

  get form(): string {
    return this.#shape.form;
  }

  parses(object: StoredObject): boolean {
    return this.#shape.parses(object);
  }

  takeFirst(): boolean {
    return this.#shape.takeFirst?.() ?? true;
  }

  item(object: StoredObject): Buffer {
    const chunks = new Chunks();
    this.#shape.addItem(chunks, object);
    return chunks.take();
  }

  list(at: Revision): ListWriter {
    return new JsonListWriter(this.#shape, this.style, this.contentType, at);
  }

  event(type: EventType, object: StoredObject): Buffer {
    const make = (): Buffer => {
      const inner = this.#shape.eventObject(object);
      const head = `{"type":"${type}","object":`;
      const bytes = Buffer.allocUnsafeSlow(head.length + inner.length + 2);
      let end = bytes.write(head, 0, "latin1");
      end += inner.copy(bytes, end);
      bytes.write("}\n", end, "latin1");
      return bytes;
    };
    const { form } = this.#shape;
    return form === "" ? make() : sharedEncoding(object, `${type} ${form}`, make);
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): Buffer {
    return line({ type: "BOOKMARK", object: this.#shape.bookmarkObject(revision, initialEventsEnd) });
  }

  error(status: Status): Buffer {
    return line({ type: "ERROR", object: status as unknown as JsonValue });
  }
}

const line = (event: JsonValue): Buffer => Buffer.from(`${writeJson(event)}\n`, "utf8");

class JsonListWriter implements ListWriter {
  readonly canStream: boolean;
  readonly #shape: JsonShape;
  readonly #style: JsonStyle;
  readonly #contentType: string;
  readonly #at: Revision;
  readonly #chunks = new Chunks();
  #count = 0;
  #started = false;

  constructor(shape: JsonShape, style: JsonStyle, contentType: string, at: Revision) {
    this.#shape = shape;
    this.#style = style;
    this.#contentType = contentType;
    this.#at = at;
    this.canStream = !style.yaml && !style.pretty;
  }

  get count(): number {
    return this.#count;
  }

  get size(): number {
    return this.#chunks.length;
  }

  add(object: StoredObject): void {
    if (this.#count++ > 0) this.#chunks.text(",");
    this.#shape.addItem(this.#chunks, object);
  }

  addItem(item: Uint8Array): void {
    if (this.#count++ > 0) this.#chunks.text(",");
    this.#chunks.bytes(item);
  }

  take(): Buffer {
    const items = this.#chunks.take();
    if (this.#started) return items;
    this.#started = true;
    return Buffer.concat([this.#head({ resourceVersion: String(this.#at) }), items]);
  }

  finish(): Buffer {
    this.#chunks.text("]}\n");
    return this.take();
  }

  respond(exchange: Exchange, meta: ListMeta, restyle: Restyle = styled): void | Promise<void> {
    this.#chunks.text("]}\n");
    const compact = Buffer.concat([this.#head(meta), this.#chunks.take()]);
    exchange.audit?.responds(() => compact, "list");
    const answer = (body: Buffer): void => exchange.respond(200, { "content-type": this.#contentType }, body);
    const body = this.canStream ? compact : restyle(compact, this.#style);
    return body instanceof Promise ? body.then(answer) : answer(body);
  }

  #head(meta: ListMeta): Buffer {
    const { listHead, listItems, alwaysContinue } = this.#shape;
    const shown = alwaysContinue === true ? { continue: "", ...meta } : meta;
    return Buffer.from(`${listHead}${JSON.stringify(shown)}${listItems}`, "utf8");
  }
}

const identityOf = (object: StoredObject) => ({ ...object.location, revision: object.revision });

/** The object itself. */
export function objectShape(resource: Resource, version: string, kind: string): JsonShape {
  const apiVersion = apiVersionOf(resource.group, version);
  const raw = version === resource.storage.version;
  const { form } = resource;
  const asStored = (object: StoredObject): boolean =>
    raw && (form === undefined || form.shownAsStored(object));
  // Upstream leaves the type out of the items of built-in lists; custom resources, as kcp's kinds are there, keep it.
  const omitTypeMeta = !isCustomKind(resource);
  // Another thread has written it, with its type.
  const shown = (object: StoredObject): Buffer | undefined => (omitTypeMeta ? undefined : object.shown);
  const one = (object: StoredObject): Buffer =>
    asStored(object)
      ? spliceStored(object.value, identityOf(object))
      : (shown(object) ??
        Buffer.from(writeJson(convertTo(resource, object.object, version) as unknown as JsonValue), "utf8"));
  return {
    form: `json ${version}`,
    parses: (object) => !asStored(object) && shown(object) === undefined,
    one,
    eventObject: one,
    bookmarkObject: (revision, initialEventsEnd) =>
      bookmarkObject(apiVersion, kind, revision, initialEventsEnd),
    listHead: `{"kind":${JSON.stringify(resource.storage.listKind ?? `${kind}List`)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":`,
    listItems: ',"items":[',
    alwaysContinue: resource.custom !== undefined,
    addItem(chunks, object) {
      const written = asStored(object) ? undefined : shown(object);
      if (written !== undefined) {
        chunks.bytes(written);
        return;
      }
      if (!asStored(object)) {
        const converted = convertTo(resource, object.object, version);
        const { apiVersion: _v, kind: _k, ...rest } = converted;
        chunks.text(writeJson((omitTypeMeta ? rest : converted) as unknown as JsonValue));
        return;
      }
      const identity = identityOf(object);
      chunks.reserve(maxSplicedBytes(object.value, identity), (target, offset) =>
        spliceInto(target, offset, object.value, identity, { omitTypeMeta }),
      );
    },
  };
}

/** An object that says only how far the watch has come. */
export function bookmarkObject(
  apiVersion: string,
  kind: string,
  revision: Revision,
  initialEventsEnd: boolean,
): JsonValue {
  return {
    kind,
    apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(initialEventsEnd ? { annotations: { [initialEventsEndAnnotation]: "true" } } : {}),
    },
  };
}
