import type { FieldError } from "#machinery/errors/field-error.ts";
import type { GroupResource, KubeObject } from "#machinery/meta/object.ts";
import type { Comparison, Operation } from "#storage/port.ts";
import type { ClusterName } from "./cluster-name.ts";
import type { ObjectLocation } from "./keys.ts";

/** Who makes a registry call: a request's authenticated user, or a controller's explicit identity. */
export interface Requester {
  readonly user: {
    readonly name: string;
    readonly uid: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
  /** Shown to the client as `Warning: 299`. */
  warn?(text: string): void;
}

/** An object that is created in the same transaction as the one the client asked for. */
export interface Companion {
  readonly resource: GroupResource;
  readonly cluster: ClusterName;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly object: KubeObject;
}

export interface StrategyContext {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly requester: Requester;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** "" for the main endpoint, else `status`, `finalize`, ... */
  readonly subresource: string;
  /** Unpredictable bytes, for names. */
  readonly randomBytes: (size: number) => Uint8Array;
}

/** See {@link Strategy.holdings}. */
export interface AssignContext extends StrategyContext {
  /** Nothing will be taken: values only show what it would be like. */
  readonly dryRun: boolean;
}

/**
 * What objects have beside themselves while they exist, and no two at once: addresses, ports. It is taken and given back in
 * the transactions of the objects themselves.
 */
export interface Holdings {
  /**
   * Gives the object what it lacks, before it is prepared and validated (apiserver pkg/registry/generic/registry BeginCreate,
   * BeginUpdate). Sets members of the object, as `prepare` functions do.
   * @param old undefined for a new object
   * @throws StatusError 422 for what cannot be had, 500 when nothing is left
   */
  assign(object: KubeObject, old: KubeObject | undefined, context: AssignContext): void;
  /** What goes into the transaction that makes `now` of `old`. Undefined: there is none, before or after. */
  changes(
    at: ObjectLocation,
    now: KubeObject | undefined,
    old: KubeObject | undefined,
    source: Pick<StrategyContext, "nowMs" | "randomBytes">,
  ): HoldingChanges;
}

export interface HoldingChanges {
  readonly compare: readonly Comparison[];
  readonly operations: readonly Operation[];
}

/** See {@link Strategy.storedAs}. Conversions never change their argument. */
export interface StoredAs {
  readonly resource: GroupResource;
  /** The object in the shape of this kind. */
  fromStored(object: KubeObject): KubeObject;
  toStored(object: KubeObject): KubeObject;
}

/**
 * What a kind adds to the generic registry (k8s.io/apiserver pkg/registry/rest). Objects are in the storage version. The
 * `prepare` functions set members of the object and of its metadata; deeper values are shared with the caller, who may
 * try again, and are replaced, never changed in place. Every member is optional: a kind without any is plain data.
 */
export interface Strategy {
  /** `metadata.generation` is kept: 1 at creation, one more for each change outside metadata and status. */
  readonly tracksGeneration?: boolean;
  /** Part of the metadata whose change counts for the generation, too; or no change at all counts. */
  readonly generationCounts?: "annotations" | "labels" | "nothing";
  /** PUT to a missing name creates it. */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT needs `metadata.resourceVersion`. */
  readonly requiresResourceVersion?: boolean;
  /** A new object may have a status; otherwise it is dropped. */
  readonly keepsStatusAtCreation?: boolean;
  /** Objects of this kind have no dependents: a deletion's propagation policy has no effect. */
  readonly ignoresPropagation?: boolean;
  /** A deletion that is done at once answers the object, not a Status. */
  readonly answersDeleted?: boolean;
  /** A deletion that says nothing about dependents, of an object that does not either, leaves them. */
  readonly orphansByDefault?: boolean;
  /** Said of deletions without a propagation policy. */
  readonly policyWarning?: string;
  /** Checks a name; answers upstream's complaint texts. Default: DNS-1123 subdomain. */
  validateName?(name: string, prefix: boolean): readonly string[];
  /**
   * Defaults that upstream has in code: applied when an object is decoded, so that apply and admission see them, and once
   * more before it is validated. Idempotent; sees `status` as it was sent.
   */
  applyDefaults?(object: KubeObject, nowMs: number): void;
  /** The same for bodies in other versions than the storage's, before conversion; for what their managed fields show. */
  defaultsIn?(version: string, object: KubeObject): void;
  /** Sets what the server owns; drops what a client may not set. Most kinds lose `status` before that. */
  prepareForCreate?(object: KubeObject, context: StrategyContext): void;
  /** `old` must not be changed. Spec and status separation was applied already. */
  prepareForUpdate?(object: KubeObject, old: KubeObject, context: StrategyContext): void;
  /** Problems of the object's own fields, metadata aside. */
  validate?(object: KubeObject, context: StrategyContext): readonly FieldError[];
  /** The same, of new objects only. `found` are the errors so far, of metadata too. */
  validateCreate?(
    object: KubeObject,
    context: StrategyContext,
    found: readonly FieldError[],
  ): readonly FieldError[];
  validateUpdate?(
    object: KubeObject,
    old: KubeObject,
    context: StrategyContext,
    found: readonly FieldError[],
  ): readonly FieldError[];
  /** Texts for `Warning` headers. */
  warnings?(object: KubeObject, old: KubeObject | undefined): readonly string[];
  /** Fields besides metadata.name and metadata.namespace that field selectors may name, with their values. */
  readonly selectableFields?: Readonly<Record<string, (object: KubeObject) => string>>;
  /** Throws a StatusError when the object may not be deleted (by anyone but controllers). */
  /** Objects lie among those of another kind, and in its shape: two views of the same. */
  readonly storedAs?: StoredAs;
  checkDelete?(object: KubeObject, context: StrategyContext): void;
  /** More than `metadata.finalizers` holds the object back (namespaces: `spec.finalizers`). */
  hasPendingFinalizers?(object: KubeObject): boolean;
  /** The object is being marked for deletion (namespaces: phase Terminating). */
  prepareForDeletion?(object: KubeObject): void;
  readonly holdings?: Holdings;
  /** Created in the same transaction as the object itself; called on create only, after validation. */
  companions?(object: KubeObject, context: StrategyContext): readonly Companion[];
  /** Converts between served versions; without it only `apiVersion` is rewritten. */
  convert?(object: KubeObject, toVersion: string): KubeObject;
}

/** Finds the strategy of a kind; kinds without one of their own get {@link plainStrategy}. */
export interface StrategyCatalogue {
  strategyFor(resource: GroupResource): Strategy;
}

export const plainStrategy: Strategy = {};
