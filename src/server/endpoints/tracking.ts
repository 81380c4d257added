/** Managed fields of one write request (k8s.io/apiserver pkg/endpoints/handlers: FieldManager in create, update and patch). */
import { byteLength } from "#base/bytes.ts";
import { isPrintable } from "#base/quote.ts";
import { readManaged } from "#machinery/apply/managed.ts";
import { ApplyError } from "#machinery/apply/typed-errors.ts";
import { unexplainedError } from "#machinery/errors/errors.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ManagedFields } from "#registry/managed-fields.ts";
import type { RequestContext } from "#server/context.ts";
import { StoreLimitError } from "#storage/port.ts";
import { maxFieldManagerBytes, type WriteOptions } from "./write-options.ts";
import type { WriteTarget } from "./write-target.ts";

export class Tracking {
  readonly #managed: ManagedFields | undefined;
  readonly #target: WriteTarget;
  readonly #subresource: string;
  readonly #nowMs: number;
  readonly #options: WriteOptions;
  readonly #manager: string;
  readonly #warn: (text: string) => void;
  #dropped = false;

  constructor(
    managed: ManagedFields | undefined,
    context: RequestContext,
    target: WriteTarget,
    options: WriteOptions,
    nowMs: number,
  ) {
    this.#nowMs = nowMs;
    this.#managed = managed;
    this.#target = target;
    this.#subresource = context.info.subresource;
    this.#options = options;
    this.#manager =
      options.fieldManager === ""
        ? managerOfAgent(context.exchange.header("user-agent") ?? "")
        : options.fieldManager;
    this.#warn = (text) => context.warn(text);
  }

  /**
   * The object that a body makes of the current one, with its managed fields.
   * @param body in the form of the endpoint
   * @throws StatusError of the endpoint's view
   */
  merge(current: KubeObject | undefined, body: KubeObject): KubeObject | Promise<KubeObject> {
    const { resource, version, view } = this.#target;
    const next = view === undefined || current === undefined ? body : view.merge(current, body);
    if (this.#managed === undefined) return next;
    if (this.#dropped) return withManaged(next, []);
    const endpoint = { resource, version, subresource: this.#subresource, nowMs: this.#nowMs };
    if (view === undefined || current === undefined)
      return this.#managed.update(endpoint, current, next, this.#manager);
    const scale = { ...endpoint, replicasPath: view.replicasPath };
    const shown = view.show(current);
    return withManaged(next, this.#managed.updateScale(scale, current, shown, body, this.#manager));
  }

  /** What an apply makes of the current object. @throws StatusError 400, 409, 500 */
  async apply(current: KubeObject | undefined, patch: JsonObject): Promise<KubeObject> {
    const { resource, version, view } = this.#target;
    const { force } = this.#options;
    const managed = this.#managed;
    if (managed === undefined) throw new Error("apply without managed fields");
    const endpoint = { resource, version, subresource: this.#subresource, nowMs: this.#nowMs };
    try {
      if (view === undefined || current === undefined)
        return await managed.apply(endpoint, current, patch, this.#manager, force);
      const scale = { ...endpoint, replicasPath: view.replicasPath };
      const applied = managed.applyScale(scale, current, view.show(current), patch, this.#manager, force);
      return withManaged(view.merge(current, applied.scale), applied.managedFields);
    } catch (error) {
      if (error instanceof ApplyError) throw unexplainedError(error.message);
      throw error;
    }
  }

  /** What admission answered for `object`, with managed fields that make sense. */
  async afterAdmission(object: KubeObject, admitted: KubeObject | Promise<KubeObject>): Promise<KubeObject> {
    const answer = await admitted;
    const { managedFields } = object.metadata;
    if (answer.metadata.managedFields === managedFields) return answer;
    try {
      readManaged(answer.metadata.managedFields);
      return answer.metadata.managedFields === undefined ? withManaged(answer, []) : answer;
    } catch (error) {
      this.#warn(
        `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${(error as Error).message}`,
      );
      return withManaged(answer, managedFields);
    }
  }

  /** Runs a write; should the object be too large for the store, once more without managed fields, which can be large. */
  async storing<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreLimitError) || this.#managed === undefined) throw error;
      this.#dropped = true;
      return write();
    }
  }
}

/** An empty list says that there are none, where no list would say that they stay. */
function withManaged(object: KubeObject, entries: JsonValue[] | undefined): KubeObject {
  return { ...object, metadata: { ...object.metadata, managedFields: entries ?? [] } };
}

/** The name of a client that gave none: its User-Agent up to the first slash (create.go prefixFromUserAgent). */
function managerOfAgent(agent: string): string {
  const [prefix = ""] = agent.split("/");
  let name = "";
  let bytes = 0;
  for (const char of prefix) {
    if (!isPrintable(char)) continue;
    bytes += byteLength(char);
    if (bytes > maxFieldManagerBytes) break;
    name += char;
  }
  return name;
}
