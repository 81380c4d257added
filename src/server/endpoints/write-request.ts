/** What POST, PUT, PATCH and apply do alike with an object once it is decoded. */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { StoredObject } from "#registry/stored-object.ts";
import type { UpdateRequest, UpdateResult } from "#registry/update.ts";
import type { RequestContext } from "#server/context.ts";
import { admissionOf, type RequestAdmission } from "./admission.ts";
import { type EndpointServices, namespaceOf } from "./services.ts";
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
    this.tracking = new Tracking(services.registry.managedFields, context, target, options);
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
   * @param object as {@link merged} answers it
   * @throws StatusError, ElsewhereError
   */
  create(object: KubeObject): Promise<StoredObject> {
    return this.#services.registry.create({ ...this.#common(), object });
  }

  /** @throws StatusError, ElsewhereError */
  update(request: Pick<UpdateRequest, "transform" | "patches" | "createsMissing">): Promise<UpdateResult> {
    const { name, subresource, apiGroup } = this.#context.info;
    return this.#services.registry.update({
      ...this.#common(),
      version: this.#target.version,
      name,
      subresource,
      largestHere: this.#services.limits?.storedBytes(apiGroup),
      ...request,
    });
  }

  #common() {
    return {
      resource: this.#target.resource,
      cluster: this.#target.cluster,
      namespace: this.namespace,
      dryRun: this.#options.dryRun,
      requester: requesterOf(this.#context),
      admit: this.#admission.check,
    };
  }
}
