/** Objects of built-in kinds, and any object's metadata, as Kubernetes protobuf (spec 3.2). */
import type { ResourceVersion } from "#api/resource.ts";
import {
  encodeList,
  encodeListItem,
  encodeObjectProtobuf,
  encodeStatusProtobuf,
  encodeWatchFrame,
} from "#machinery/codecs/envelope.ts";
import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import type { Status } from "#machinery/errors/status-error.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { convertTo, type Resource } from "#registry/resource.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { EventType } from "#registry/watch.ts";
import type { Exchange } from "#server/exchange.ts";
import type { Revision } from "#storage/port.ts";
import {
  type EncoderOrigin,
  type ListMeta,
  type ListWriter,
  type ObjectEncoder,
  sharedEncoding,
} from "./encoder.ts";
import { bookmarkObject } from "./json-encoder.ts";
import { contentTypes } from "./media-types.ts";
import { partialMetadata, partialMetadataType } from "./meta-shapes.ts";

/** What differs between whole objects and their metadata. */
interface ProtobufShape {
  readonly form: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly listKind: string;
  readonly type: TypeName;
  view(object: StoredObject): object;
}

export const objectProtobufEncoder = (
  codec: ProtobufCodec,
  resource: Resource,
  version: ResourceVersion,
  origin: EncoderOrigin,
): ObjectEncoder =>
  new ProtobufEncoder(codec, origin, {
    form: `protobuf ${version.version}`,
    apiVersion: apiVersionOf(resource.group, version.version),
    kind: version.kind,
    listKind: `${version.kind}List`,
    type: version.type,
    view: (object) => convertTo(resource, object.object, version.version),
  });

export const partialProtobufEncoder = (
  codec: ProtobufCodec,
  metaVersion: string,
  origin: EncoderOrigin,
): ObjectEncoder =>
  new ProtobufEncoder(codec, origin, {
    form: `protobuf partial ${metaVersion}`,
    apiVersion: `meta.k8s.io/${metaVersion}`,
    kind: "PartialObjectMetadata",
    listKind: "PartialObjectMetadataList",
    type: partialMetadataType,
    view: (object) => partialMetadata(object.object, metaVersion) as object,
  });

class ProtobufEncoder implements ObjectEncoder {
  readonly contentType = contentTypes.protobuf;
  readonly streamContentType = `${contentTypes.protobuf};stream=watch`;
  readonly origin: EncoderOrigin;
  readonly style = undefined;
  readonly #codec: ProtobufCodec;
  readonly #shape: ProtobufShape;

  constructor(codec: ProtobufCodec, origin: EncoderOrigin, shape: ProtobufShape) {
    this.#codec = codec;
    this.origin = origin;
    this.#shape = shape;
  }

  get form(): string {
    return this.#shape.form;
  }

  parses(): boolean {
    return true;
  }

  item(object: StoredObject): Buffer {
    return encodeListItem(this.#codec, this.#shape.type, this.#shape.view(object));
  }

  itemWithJson(object: StoredObject): readonly [item: Buffer, json: Buffer] {
    const view = this.#shape.view(object);
    const { apiVersion: _v, kind: _k, ...rest } = view as JsonObject;
    // Items that are nothing but metadata say what they are.
    const partial = this.#shape.type === partialMetadataType;
    const json = Buffer.from(writeJson(partial ? (view as JsonObject) : rest), "utf8");
    return [encodeListItem(this.#codec, this.#shape.type, view), json];
  }

  respond(exchange: Exchange, code: number, object: StoredObject): void {
    const view = this.#shape.view(object);
    exchange.audit?.responds(() => Buffer.from(writeJson(view as JsonValue), "utf8"));
    exchange.respond(code, { "content-type": this.contentType }, this.#envelope(view));
  }

  list(_at: Revision, withJson = false): ListWriter {
    return new ProtobufListWriter(this.#codec, this.#shape, this, withJson);
  }

  event(type: EventType, object: StoredObject): Buffer {
    return sharedEncoding(object, `${type} ${this.#shape.form}`, () =>
      encodeWatchFrame(type, this.#envelope(this.#shape.view(object))),
    );
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): Buffer {
    const { apiVersion, kind } = this.#shape;
    return encodeWatchFrame(
      "BOOKMARK",
      this.#envelope(bookmarkObject(apiVersion, kind, revision, initialEventsEnd) as object),
    );
  }

  error(status: Status): Buffer {
    return encodeWatchFrame("ERROR", encodeStatusProtobuf(this.#codec, status));
  }

  #envelope(object: object): Buffer {
    return encodeObjectProtobuf(this.#codec, this.#shape.type, object);
  }
}

const comma = Buffer.from(",");

/** The envelope begins with the length of all: the list is held until it is whole. */
class ProtobufListWriter implements ListWriter {
  readonly canStream = false;
  readonly #codec: ProtobufCodec;
  readonly #shape: ProtobufShape;
  readonly #encoder: ProtobufEncoder;
  readonly #items: Uint8Array[] = [];
  /** The items as JSON, where it is wanted. */
  readonly #json: Uint8Array[] | undefined;
  #size = 0;

  constructor(codec: ProtobufCodec, shape: ProtobufShape, encoder: ProtobufEncoder, withJson: boolean) {
    this.#codec = codec;
    this.#shape = shape;
    this.#encoder = encoder;
    this.#json = withJson ? [] : undefined;
  }

  get count(): number {
    return this.#items.length;
  }

  get size(): number {
    return this.#size;
  }

  add(object: StoredObject): void {
    if (this.#json === undefined) this.addItem(this.#encoder.item(object));
    else this.addItem(...this.#encoder.itemWithJson(object));
  }

  addItem(item: Uint8Array, json?: Uint8Array): void {
    this.#items.push(item);
    if (json !== undefined) this.#json?.push(json);
    this.#size += item.length;
  }

  take(): Buffer {
    throw new Error("a protobuf list cannot be taken in pieces");
  }

  finish(): Buffer {
    return this.take();
  }

  respond(exchange: Exchange, meta: ListMeta): void {
    const { apiVersion, listKind } = this.#shape;
    const body = encodeList(this.#codec, apiVersion, listKind, meta, this.#items);
    if (this.#json !== undefined) {
      const head = `{"kind":${JSON.stringify(listKind)},"apiVersion":${JSON.stringify(apiVersion)}`;
      const pieces: Uint8Array[] = [Buffer.from(`${head},"metadata":${JSON.stringify(meta)},"items":[`)];
      for (const [index, item] of this.#json.entries()) pieces.push(...(index === 0 ? [] : [comma]), item);
      const json = Buffer.concat([...pieces, Buffer.from("]}")]);
      exchange.audit?.responds(() => json, "list");
    }
    exchange.respond(200, { "content-type": contentTypes.protobuf }, body);
  }
}
