import type { StoredObject } from "#registry/stored-object.ts";
import type { RequestContext } from "#server/context.ts";
import type { ListWriter, ObjectEncoder } from "./encoder.ts";
import { isLargeToEncode, itemsElsewhere } from "./encoding-tasks.ts";
import type { EndpointServices } from "./services.ts";

/** What goes to the other thread together. */
const most = { objects: 64, bytes: 512 * 1_024 };

/** The items of a list, in their order, some of which another thread makes. */
export class ListItems {
  readonly #services: EndpointServices;
  readonly #withJson: boolean;
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
    this.#withJson = exchange.audit?.keepsResponse === true && encoder.style === undefined;
    this.#encoder = encoder;
    this.#writer = writer;
  }

  /** The object's bytes may be a view that holds during the call. A promise is to be waited for before the next call. */
  add(object: StoredObject): void | Promise<void> {
    const here = !isLargeToEncode(this.#services, this.#encoder, object);
    if (this.#waiting.length === 0 && here) {
      this.#writer.add(object);
      return;
    }
    this.#waiting.push(object.copy());
    this.#bytes += object.value.length;
    if (this.#waiting.length >= most.objects || this.#bytes >= most.bytes) return this.flush();
  }

  /** Undefined: nothing waits. */
  flush(): Promise<void> | undefined {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    this.#waiting = [];
    this.#bytes = 0;
    const withJson = this.#withJson;
    return itemsElsewhere(this.#services, this.#encoder, waiting, withJson).then((pieces) => {
      const step = withJson ? 2 : 1;
      for (let i = 0; i < pieces.length; i += step)
        this.#writer.addItem(pieces[i]!, withJson ? pieces[i + 1] : undefined);
    });
  }
}
