import { StoredObject } from "#registry/stored-object.ts";
import type { RequestContext } from "#server/context.ts";
import type { ListWriter, ObjectEncoder } from "./encoder.ts";
import { isLargeToEncode, itemsElsewhere } from "./encoding-tasks.ts";
import type { EndpointServices } from "./services.ts";

/** What goes to the other thread together. */
const most = { objects: 64, bytes: 512 * 1_024 };

/** The items of a list, in their order, some of which another thread makes. */
export class ListItems {
  readonly #services: EndpointServices;
  readonly #allHere: boolean;
  readonly #encoder: ObjectEncoder;
  readonly #writer: ListWriter;
  #waiting: StoredObject[] = [];
  #bytes = 0;

  constructor(
    services: EndpointServices,
    { exchange }: RequestContext,
    encoder: ObjectEncoder,
    writer: ListWriter,
  ) {
    this.#services = services;
    // The audit log's JSON of another form is made with it.
    this.#allHere = exchange.audit?.keepsResponse === true && encoder.style === undefined;
    this.#encoder = encoder;
    this.#writer = writer;
  }

  /** The object's bytes may be a view that holds during the call. A promise is to be waited for before the next call. */
  add(object: StoredObject): void | Promise<void> {
    const here = this.#allHere || !isLargeToEncode(this.#services, this.#encoder, object);
    if (this.#waiting.length === 0 && here) {
      this.#writer.add(object);
      return;
    }
    const { resource, location, revision, value, writtenAt } = object;
    this.#waiting.push(new StoredObject(resource, location, revision, Buffer.from(value), writtenAt));
    this.#bytes += value.length;
    if (this.#waiting.length >= most.objects || this.#bytes >= most.bytes) return this.flush();
  }

  /** Undefined: nothing waits. */
  flush(): Promise<void> | undefined {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    this.#waiting = [];
    this.#bytes = 0;
    return itemsElsewhere(this.#services, this.#encoder, waiting).then((items) => {
      for (const item of items) this.#writer.addItem(item);
    });
  }
}
