/** Makes objects ready to be selected and shown, by asking who converts them, or another thread where they are too much for this one. */
import { type Elsewhere, ElsewhereError } from "./elsewhere.ts";
import type { Registry } from "./registry.ts";
import { mustBeCurrent } from "./resource.ts";
import { isTooMuchToRead, isTooMuchToSelect, nameOf, type Selection, textOf } from "./selection.ts";
import { StoredObject } from "./stored-object.ts";

/** Most objects, and about most bytes of them, that are converted with one question, or read in another thread by one task. */
export const preparedTogether = { objects: 100, bytes: 1_024 * 1_024 };

/**
 * To be waited for before the objects, which are of one resource and workspace and have bytes of their own, are selected and encoded.
 * Undefined: they are ready. Rejects with StatusError, DefinitionChangedError.
 */
export function prepare(
  { elsewhere }: Registry,
  selection: Selection,
  objects: readonly StoredObject[],
): Promise<void> | undefined {
  const form = objects[0]?.resource.form;
  const toConvert = form?.asynchronous === true ? objects.filter((object) => object.mustLoad) : [];
  if (elsewhere === undefined)
    return toConvert.length === 0 ? undefined : StoredObject.loadAll(form!, toConvert);
  const { limits } = elsewhere;
  const convertedHere =
    bytesOf(toConvert) <= limits.convertedBytes &&
    !toConvert.some((object) => isTooMuchToRead(limits, object));
  const far = objects.filter((object) =>
    object.mustLoad ? !convertedHere : isTooMuchToSelect(selection, limits, object),
  );
  const near = convertedHere ? toConvert : [];
  if (far.length === 0) return near.length === 0 ? undefined : StoredObject.loadAll(form!, near);
  const read = readElsewhere(elsewhere, selection, far);
  return near.length === 0
    ? read
    : Promise.all([read, StoredObject.loadAll(form!, near)]).then(() => undefined);
}

/** @throws ElsewhereError for an object that is too much to be changed in this thread */
export function mustBeChangedHere({ elsewhere }: Registry, stored: StoredObject): void {
  if (elsewhere === undefined) return;
  const { limits } = elsewhere;
  if (stored.value.length > limits.storedBytes(stored.resource.group) || isTooMuchToRead(limits, stored))
    throw new ElsewhereError();
}

/** Whether a stored value is too much to be looked through in this thread. */
export const isReadElsewhere = ({ elsewhere }: Registry, value: Uint8Array): boolean =>
  elsewhere !== undefined && value.length > elsewhere.limits.parsedBytes;

/** @throws ElsewhereError where {@link isReadElsewhere} */
export function mustBeReadHere(registry: Registry, value: Uint8Array): void {
  if (isReadElsewhere(registry, value)) throw new ElsewhereError();
}

const bytesOf = (objects: readonly StoredObject[]): number =>
  objects.reduce((sum, { value }) => sum + value.length, 0);

/** Several watchers with the same selection may want to know of one object: it is read once. */
async function readElsewhere(
  elsewhere: Elsewhere,
  selection: Selection,
  objects: readonly StoredObject[],
): Promise<void> {
  const text = textOf(selection);
  const name = nameOf(text);
  const pending: Promise<void>[] = [];
  let batch: StoredObject[] = [];
  let bytes = 0;
  const send = (): void => {
    if (batch.length === 0) return;
    const sent = batch;
    batch = [];
    bytes = 0;
    const read = readBatch(elsewhere, selection, sent).finally(() => {
      for (const object of sent) object.reading?.delete(name);
    });
    for (const object of sent) {
      object.reading ??= new Map();
      object.reading.set(name, read);
    }
    pending.push(read);
  };
  for (const object of objects) {
    if (object.verdicts?.has(name)) continue;
    const reading = object.reading?.get(name);
    if (reading !== undefined) {
      pending.push(reading);
      continue;
    }
    batch.push(object);
    bytes += object.value.length;
    if (batch.length >= preparedTogether.objects || bytes >= preparedTogether.bytes) send();
  }
  send();
  await Promise.all(pending);
}

async function readBatch(
  elsewhere: Elsewhere,
  selection: Selection,
  objects: readonly StoredObject[],
): Promise<void> {
  const { resource, location } = objects[0]!;
  const text = textOf(selection);
  const found = await elsewhere.read(location.cluster, {
    group: resource.group,
    resource: resource.resource,
    version: resource.storage.version,
    selection: text,
    objects: objects.map((object) => object.plain),
  });
  // Still the same definition, so it was the same there.
  mustBeCurrent(resource);
  for (const [index, object] of objects.entries()) object.take(nameOf(text), found[index]!);
}
