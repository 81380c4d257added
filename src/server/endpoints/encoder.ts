/** How objects, lists and events leave the server in one form: a format and a shape of one kind in one version. */
import type { Status } from "#machinery/errors/status-error.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { EventType } from "#registry/watch.ts";
import type { Exchange } from "#server/exchange.ts";
import type { Revision } from "#storage/port.ts";
import type { MediaType } from "./media-types.ts";
import type { IncludeObject } from "./meta-shapes.ts";

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** What an encoder was made from: with it another thread makes the same one. */
export interface EncoderOrigin {
  readonly group: string;
  readonly resource: string;
  /** As the path names it; "" for a resource of all workspaces together. */
  readonly version: string;
  readonly media: MediaType;
  readonly style: JsonStyle;
  readonly include: IncludeObject;
}

/** How JSON text is finally written. */
export interface JsonStyle {
  readonly yaml: boolean;
  readonly pretty: boolean;
}

/** Writes compact JSON in a style; a promise where that is too much for this thread. */
export type Restyle = (compact: Buffer, style: JsonStyle) => Buffer | Promise<Buffer>;

/** Collects a list. Bytes of visited objects are copied on `add`. */
export interface ListWriter {
  readonly count: number;
  /** Bytes held and not taken. */
  readonly size: number;
  /** The form can be sent before the end is known. */
  readonly canStream: boolean;
  add(object: StoredObject): void;
  /** Adds what {@link ObjectEncoder.item} made, with its JSON where that was wanted. */
  addItem(item: Uint8Array, json?: Uint8Array): void;
  /** Hands over what is ready; the first piece begins with the list's head, so the meta must be known without the end. */
  take(): Buffer;
  /** The rest of a list of which pieces were taken. */
  finish(): Buffer;
  /** Answers the whole list; only when nothing was taken. */
  respond(exchange: Exchange, meta: ListMeta, restyle?: Restyle): void | Promise<void>;
}

/** Answers with one object. */
export type ObjectResponder = Pick<ObjectEncoder, "respond" | "parses" | "style">;

/** Events are encoded once per form: encoders remember their bytes on the shared object. */
export interface ObjectEncoder {
  readonly contentType: string;
  readonly streamContentType: string;
  /** Absent: objects are encoded by this one only. */
  readonly origin: EncoderOrigin | undefined;
  /** Of JSON: what is made of whole answers. */
  readonly style: JsonStyle | undefined;
  /** Name of the form of events, which watchers share; "" where each watch makes its own. */
  readonly form: string;
  /** Whether it has to read the object: the form is not what is stored, but for what the key and the revision say. */
  parses(object: StoredObject): boolean;
  respond(exchange: Exchange, code: number, object: StoredObject): void;
  /** `withJson`: the audit log wants the list as JSON, whatever form is answered. */
  list(at: Revision, withJson?: boolean): ListWriter;
  /** One object as an item of a list. */
  item(object: StoredObject): Buffer;
  /** The same, and the item as JSON. Absent where it is JSON. */
  itemWithJson?(object: StoredObject): readonly [item: Buffer, json: Buffer];
  event(type: EventType, object: StoredObject): Buffer;
  /** Of a watch that says more with its first event: whether none was made yet; the next one will not be the first. */
  takeFirst?(): boolean;
  /** `initialEventsEnd`: the bookmark that closes a streaming list. */
  bookmark(revision: Revision, initialEventsEnd: boolean): Buffer;
  error(status: Status): Buffer;
}

/** Annotation of the closing bookmark (KEP-3157). */
export const initialEventsEndAnnotation = "k8s.io/initial-events-end";

/** Bytes of an event in a form, made by `make` the first time and shared by all its watchers. */
export function sharedEncoding(object: StoredObject, form: string, make: () => Buffer): Buffer {
  object.encoded ??= new Map();
  let bytes = object.encoded.get(form);
  if (bytes === undefined) {
    bytes = make();
    object.encoded.set(form, bytes);
  }
  return bytes;
}
