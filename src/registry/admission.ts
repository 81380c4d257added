/**
 * The seam between the write path and the admission chain (k8s.io/apiserver pkg/admission). The registry knows only when it
 * is asked: mutation by the endpoint before anything is validated, validation after the strategy and before the commit.
 */
import type { JsonObject } from "#machinery/json/value.ts";
import type { GroupVersionKind, KubeObject } from "#machinery/meta/object.ts";
import type { Comparison, Operation } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import type { Journal } from "./journal.ts";
import type { Resource } from "./resource.ts";
import type { Requester } from "./strategy.ts";

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One write as admission sees it (admission.Attributes). */
export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly resource: Resource;
  /** The version of the request's URL. */
  readonly version: string;
  /** The kind of `object`: the resource's own in `version`, or a subresource's (`autoscaling/v1 Scale`). */
  readonly kind: GroupVersionKind;
  readonly subresource: string;
  readonly cluster: ClusterName;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  /** "" while `generateName` is to make it. */
  readonly name: string;
  /** In `kind`'s version; undefined for DELETE. Must not be changed in place. */
  readonly object: KubeObject | undefined;
  /** In the same version; undefined for CREATE. */
  readonly old: KubeObject | undefined;
  readonly dryRun: boolean;
  readonly requester: Requester;
  /** CreateOptions, UpdateOptions or DeleteOptions by the operation, as AdmissionReview shows them. */
  readonly options: JsonObject;
  readonly forms: AdmissionForms;
  /** What was asked and answered outside for this write. */
  readonly journal: Journal;
  /**
   * For the audit log: what plugins want to be remembered of this write. The first value of a key stays. `Request`: only where
   * bodies are remembered, too.
   */
  annotate(key: string, value: string, level?: "Metadata" | "Request"): void;
  /** Nobody waits for the answer any more: what takes long should stop. */
  expired(): boolean;
}

/** The forms in which plugins may read and write `object`. */
export interface AdmissionForms {
  /** Kind of the object (or of the subresource) where the resource is served in that version; undefined where it is not. */
  kindIn(version: string): GroupVersionKind | undefined;
  /** The same object as another version shows it. Never changes its argument. */
  convert(object: KubeObject, version: string): KubeObject | Promise<KubeObject>;
  /**
   * Reads what a plugin made, as a body in that version: unknown fields pruned (`strict`: refused, where the kind is built
   * in), defaults added. @throws StatusError 400
   */
  decode(object: JsonObject, version: string, strict?: boolean): KubeObject;
}

/** What must hold, and what is written, in the same transaction as the admitted write (quota usage). */
export interface AdmissionCharges {
  readonly compare: readonly Comparison[];
  readonly operations: readonly Operation[];
  /** The same anew, once what they compare has changed: nobody else is asked again. @throws StatusError 403 */
  again(): Promise<AdmissionCharges | undefined>;
  /** Called once when the write has ended, whatever became of it. */
  settled?(): void;
}

/** Both members throw a StatusError to refuse. They may be called again when somebody else was faster. */
export interface Admission {
  /** The object to go on with: the given one, or a changed copy. Never called for DELETE. */
  mutate(attributes: AdmissionAttributes): KubeObject | Promise<KubeObject>;
  validate(
    attributes: AdmissionAttributes,
  ): AdmissionCharges | undefined | Promise<AdmissionCharges | undefined>;
}

/**
 * The validating half, bound to one request, as the registry calls it: `object` and `old` are in the storage version, as
 * they are and as they would be stored.
 */
export type AdmissionCheck = (
  object: KubeObject | undefined,
  old: KubeObject | undefined,
) => AdmissionCharges | undefined | Promise<AdmissionCharges | undefined>;
