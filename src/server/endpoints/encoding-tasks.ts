/** Answers that are too much to be encoded in the thread that serves everybody: another one makes the bytes, by the same encoders. */
import { bufferOf } from "#base/buffer-of.ts";
import type { GroupResource } from "#machinery/meta/object.ts";
import type { ReadingTask } from "#registry/elsewhere.ts";
import type { ObjectLocation } from "#registry/keys.ts";
import { DefinitionChangedError, mustBeCurrent, type Resource } from "#registry/resource.ts";
import { isTooMuchToRead, readSelected, selectionOf } from "#registry/selection.ts";
import { type PlainObject, type ReadObject, StoredObject } from "#registry/stored-object.ts";
import type { EventType } from "#registry/watch.ts";
import type { EncoderOrigin, JsonStyle, ObjectEncoder, ObjectResponder, Restyle } from "./encoder.ts";
import { styled } from "./json-encoder.ts";
import { encoderOf } from "./make-encoder.ts";
import type { CustomKinds } from "./rest.ts";
import type { EndpointServices } from "./services.ts";

/** Plain data. */
export type EncodingTask =
  | {
      readonly type: "objects";
      readonly origin: EncoderOrigin;
      readonly objects: readonly PlainObject[];
      /** Undefined: they are items of a list. */
      readonly event: PlainEvent | undefined;
      /** Behind each piece comes one with the same as JSON, for the audit log. */
      readonly withJson: boolean;
    }
  | { readonly type: "style"; readonly compact: Uint8Array; readonly style: JsonStyle };

interface PlainEvent {
  readonly type: EventType;
  readonly first: boolean;
}

interface PlainEvent {
  readonly type: EventType;
  readonly first: boolean;
}

/** Answers the pieces of a task. Rejects with StatusError, DefinitionChangedError. */
export type EncodeElsewhere = (workspace: string, task: EncodingTask) => Promise<readonly Buffer[]>;

/** Whether an object takes so long to be encoded that others would wait. */
export function isLargeToEncode(
  { limits }: EndpointServices,
  encoder: ObjectResponder,
  object: StoredObject,
): boolean {
  if (limits === undefined || !encoder.parses(object)) return false;
  return object.shown === undefined
    ? isTooMuchToRead(limits, object)
    : object.shown.length > limits.parsedBytes;
}

/** The same of an answer with this object alone. */
export function isLargeToAnswer(
  services: EndpointServices,
  encoder: ObjectResponder,
  object: StoredObject,
): boolean {
  const { limits } = services;
  if (limits === undefined) return false;
  return isLargeToEncode(services, encoder, object) || isLargeToStyle(limits, encoder.style, object.value);
}

const isLargeToStyle = (
  limits: NonNullable<EndpointServices["limits"]>,
  style: JsonStyle | undefined,
  { length }: Uint8Array,
): boolean =>
  (style?.yaml === true && length > limits.yamlBytes) ||
  (style?.pretty === true && length > limits.parsedBytes);

/** Writes lists in a style, large ones elsewhere. */
export const restyleFor =
  ({ limits, encodeElsewhere }: EndpointServices, workspace: string): Restyle =>
  (compact, style) => {
    if (limits === undefined || encodeElsewhere === undefined || !isLargeToStyle(limits, style, compact))
      return styled(compact, style);
    return encodeElsewhere(workspace, { type: "style", compact, style }).then(([bytes]) => bytes!);
  };

/** Bytes of items, in their order, each followed by its JSON if that is wanted. The objects must have values of their own. */
export const itemsElsewhere = (
  services: EndpointServices,
  encoder: ObjectEncoder,
  objects: readonly StoredObject[],
  withJson: boolean,
): Promise<readonly Buffer[]> => objectsElsewhere(services, encoder, objects, undefined, withJson);

/**
 * Bytes of an event, made once for all watchers that see it in one form.
 * @param first what `encoder.takeFirst` told
 */
export function eventElsewhere(
  services: EndpointServices,
  encoder: ObjectEncoder,
  type: EventType,
  object: StoredObject,
  first: boolean,
): Promise<Buffer> {
  const make = async (): Promise<Buffer> => {
    const [bytes] = await objectsElsewhere(services, encoder, [object], { type, first }, false);
    return bytes!;
  };
  if (encoder.form === "") return make();
  const name = `${type} ${encoder.form}`;
  const known = object.encoded?.get(name);
  if (known !== undefined) return Promise.resolve(known);
  object.encoding ??= new Map();
  const making = object.encoding.get(name);
  if (making !== undefined) return making;
  const made = make()
    .then((bytes) => {
      object.encoded ??= new Map();
      object.encoded.set(name, bytes);
      return bytes;
    })
    .finally(() => object.encoding?.delete(name));
  object.encoding.set(name, made);
  return made;
}

async function objectsElsewhere(
  { encodeElsewhere }: EndpointServices,
  { origin }: ObjectEncoder,
  objects: readonly StoredObject[],
  event: PlainEvent | undefined,
  withJson: boolean,
): Promise<readonly Buffer[]> {
  if (encodeElsewhere === undefined || origin === undefined)
    throw new Error("encoding: there is no other thread");
  const { resource, location } = objects[0]!;
  const pieces = await encodeElsewhere(location.cluster, {
    type: "objects",
    origin,
    objects: objects.map((object) => object.plain),
    withJson,
    event,
  });
  // Still the same definition, so it was the same there.
  mustBeCurrent(resource);
  return pieces;
}

/** Does a task, in the other thread. Rejects with StatusError, DefinitionChangedError. */
export async function doEncodingTask(
  services: EndpointServices,
  custom: CustomKinds,
  task: EncodingTask,
): Promise<readonly Uint8Array[]> {
  if (task.type === "style") return [styled(bufferOf(task.compact), task.style)];
  const { origin, event, withJson } = task;
  const { resource, version } = resourceOf(services, custom, origin, task.objects[0]!.location);
  const encoder = encoderOf(services, resource, version, origin);
  const objects = task.objects.map((plain) => StoredObject.fromPlain(resource, plain));
  if (resource.form?.asynchronous === true) await StoredObject.loadAll(resource.form, objects);
  return objects.flatMap((stored) => {
    if (event === undefined) return withJson ? encoder.itemWithJson!(stored) : encoder.item(stored);
    if (!event.first) encoder.takeFirst?.();
    return encoder.event(event.type, stored);
  });
}

/** The same for what the registry has read. */
export async function doReadingTask(
  services: EndpointServices,
  custom: CustomKinds,
  task: ReadingTask,
): Promise<readonly ReadObject[]> {
  const { resource } = resourceOf(services, custom, task, task.objects[0]!.location);
  const selection = selectionOf(task.selection);
  const objects = task.objects.map((plain) => StoredObject.fromPlain(resource, plain));
  if (resource.form?.asynchronous === true) await StoredObject.loadAll(resource.form, objects);
  return objects.map((stored) => readSelected(selection, stored));
}

/** All objects of a task are of one resource: one workspace's, or one that is the same in all. */
function resourceOf(
  { registry }: EndpointServices,
  custom: CustomKinds,
  of: GroupResource & { readonly version: string },
  { cluster }: ObjectLocation,
): { readonly resource: Resource; readonly version: Resource["storage"] } {
  const builtin = registry.resource(of);
  if (builtin !== undefined) {
    const version = builtin.info.versions.find((one) => one.version === of.version);
    return { resource: builtin, version: version ?? builtin.storage };
  }
  if (of.version === "") {
    const shared = custom.everywhere(of);
    if (shared !== undefined) return { resource: shared, version: shared.storage };
  } else {
    const view = custom.view(cluster, of, of.version);
    if (view !== undefined) return view;
    // Controllers read in the storage version, which need not be served.
    const stored = registry.resourceIn(cluster, of);
    if (stored?.storage.version === of.version) return { resource: stored, version: stored.storage };
  }
  throw new DefinitionChangedError();
}
