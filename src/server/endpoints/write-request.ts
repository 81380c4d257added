/** What POST, PUT, PATCH and apply do alike with an object once it is decoded. */
import type { KubeObject } from "#machinery/meta/object.ts";
import { byCurrentRules } from "#registry/freshness.ts";
import type { Moment } from "#registry/journal.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { UpdateRequest, UpdateResult } from "#registry/update.ts";
import type { RequestContext } from "#server/context.ts";
import { admissionOf, type RequestAdmission } from "./admission.ts";
import { type EndpointServices, momentOfRequest, namespaceOf } from "./services.ts";
import { Tracking } from "./tracking.ts";
import type { WriteOptions } from "./write-options.ts";
import { requesterOf, type WriteTarget } from "./write-target.ts";

/** One write, from the decoded object to the registry: managed fields, admission, and who writes what where. */
export class WriteRequest {
  readonly #services: EndpointServices;
  readonly #context: RequestContext;
  readonly #target: WriteTarget;
  readonly #options: WriteOptions;
  readonly #admission: RequestAdmission;
  readonly #moment: Moment;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly tracking: Tracking;

  constructor(
    services: EndpointServices,
    context: RequestContext,
    target: WriteTarget,
    options: WriteOptions,
  ) {
    this.#services = services;
    this.#context = context;
    this.#target = target;
    this.#options = options;
    this.namespace = namespaceOf(context, target.resource);
    this.#admission = admissionOf(services, context, target, options);
    this.#moment = momentOfRequest(services, context);
    const { managedFields } = services.registry;
    this.tracking = new Tracking(managedFields, context, target, options, this.#moment.nowMs);
  }

  /** The object that a body makes of the current one, as it is to be stored. */
  async merged(current: KubeObject | undefined, body: KubeObject): Promise<KubeObject> {
    return this.admitted(current, await this.tracking.merge(current, body));
  }

  /** What admission makes of an object that has its managed fields. */
  admitted(current: KubeObject | undefined, object: KubeObject): Promise<KubeObject> {
    return this.tracking.afterAdmission(object, this.#admission.mutate(object, current));
  }

  /**
   * @param admitted answers the object as {@link merged} does; called again when what it was admitted by has changed
   * @throws StatusError, ElsewhereError
   */
  create(admitted: () => Promise<KubeObject>): Promise<StoredObject> {
    const { registry } = this.#services;
    return byCurrentRules(registry, this.#target.cluster, async () =>
      registry.create({ ...this.#common(), object: await admitted() }),
    );
  }

  /** @throws StatusError, ElsewhereError */
  update(request: Pick<UpdateRequest, "transform" | "patches" | "createsMissing">): Promise<UpdateResult> {
    const { name, subresource } = this.#context.info;
    const { registry } = this.#services;
    return byCurrentRules(registry, this.#target.cluster, () =>
      registry.update({
        ...this.#common(),
        version: this.#target.version,
        name,
        subresource,
        ...request,
      }),
    );
  }

  #common() {
    return {
      resource: this.#target.resource,
      cluster: this.#target.cluster,
      namespace: this.namespace,
      dryRun: this.#options.dryRun,
      requester: requesterOf(this.#context),
      moment: this.#moment,
      admit: this.#admission.check,
    };
  }
}
