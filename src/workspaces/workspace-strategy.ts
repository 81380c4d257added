/** tenancy.kcp.io Workspace: its creation makes the whole workspace, in one transaction. */
import { notFound } from "#machinery/errors/errors.ts";
import { type FieldError, fieldForbidden, fieldInvalid } from "#machinery/errors/field-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { type ClusterName, generateClusterName } from "#registry/cluster-name.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import type { Companion, Strategy, StrategyContext } from "#registry/strategy.ts";
import type { Tenant } from "#registry/tenants.ts";
import { freshWorkspaceContent, readyConditions, userInfo } from "./fresh-workspace.ts";
import {
  childPath,
  clusterNameAnnotation,
  creatableTypes,
  defaultWorkspaceType,
  logicalClusterFinalizer,
  logicalClusters,
  ownerAnnotation,
  pathAnnotation,
  phaseLabel,
  sameType,
  typeText,
  type WorkspaceSpec,
  type WorkspaceType,
  workspaceSpec,
} from "./types.ts";

export interface WorkspaceStrategyOptions {
  /** The workspace that a new one is created in. */
  tenant(cluster: ClusterName): Tenant | undefined;
  /** Base of `spec.URL`: `https://127.0.0.1:6443`, without a slash at the end. */
  externalUrl(): string;
  caPem(): string;
  readonly serviceRanges: ServiceRanges;
}

/** Reserved: kcp-dev admission apis.kcp.io/ReservedNames. */
const reservedNames: readonly string[] = ["root", "system"];
const immutableOnceSet = ["cluster", "URL", "type", "mount"] as const;

export function workspaceStrategy(options: WorkspaceStrategyOptions): Strategy {
  return {
    tracksGeneration: true,
    requiresResourceVersion: true,
    validateName: dns1123LabelErrors,
    prepareForCreate: (object, context) => prepareForCreate(object, context, options),
    validate: validateWorkspace,
    validateUpdate,
    companions: (object, context) => companions(object, context, options),
    prepareForUpdate: keepServerAnnotations,
    prepareForDeletion(object) {
      object.status = { ...(object.status as object | undefined), phase: "Deleting" };
      object.metadata.labels = { ...object.metadata.labels, [phaseLabel]: "Deleting" };
    },
  };
}

function prepareForCreate(
  object: KubeObject,
  context: StrategyContext,
  options: WorkspaceStrategyOptions,
): void {
  const { metadata } = object;
  const parent = options.tenant(context.cluster);
  if (parent === undefined) throw notFound(logicalClusters, context.cluster);
  const given = workspaceSpec(object);
  const type: WorkspaceType =
    given.type?.name === undefined || given.type.name === ""
      ? defaultWorkspaceType
      : { name: given.type.name, path: given.type.path ?? defaultWorkspaceType.path };
  const path = childPath(parent.path, metadata.name ?? "");
  const cluster = generateClusterName(context.nowMs, context.randomBytes);
  object.spec = {
    ...given,
    type,
    cluster,
    URL: `${options.externalUrl()}/clusters/${path}`,
  } satisfies WorkspaceSpec;
  metadata.annotations = {
    ...metadata.annotations,
    [ownerAnnotation]: JSON.stringify(userInfo(context.requester.user)),
    [clusterNameAnnotation]: cluster,
  };
  metadata.labels = { ...metadata.labels, [phaseLabel]: "Ready" };
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), logicalClusterFinalizer])];
  object.status = {
    phase: "Ready",
    conditions: readyConditions(context.nowMs, ["WorkspaceScheduled", "WorkspaceInitialized"]),
  };
}

function companions(
  object: KubeObject,
  context: StrategyContext,
  options: WorkspaceStrategyOptions,
): readonly Companion[] {
  const spec = workspaceSpec(object);
  const parent = options.tenant(context.cluster);
  const name = object.metadata.name ?? "";
  return freshWorkspaceContent({
    cluster: spec.cluster as ClusterName,
    path: childPath(parent?.path ?? context.cluster, name),
    type: spec.type as WorkspaceType,
    url: spec.URL ?? "",
    createdBy: context.requester.user,
    owner: { cluster: context.cluster, name, uid: object.metadata.uid ?? "" },
    caPem: options.caPem(),
    serviceRanges: options.serviceRanges,
    nowMs: context.nowMs,
  });
}

function validateWorkspace(object: KubeObject): FieldError[] {
  const spec = workspaceSpec(object);
  const errors: FieldError[] = [];
  if (reservedNames.includes(object.metadata.name ?? "")) {
    errors.push(
      fieldForbidden("metadata.name", `the name ${JSON.stringify(object.metadata.name)} is reserved`),
    );
  }
  // An update that takes the type away is refused as a change of what is immutable.
  const type = spec.type as WorkspaceType | undefined;
  if (type !== undefined && !creatableTypes.some((known) => sameType(known, type))) {
    const known = creatableTypes.map(typeText).join(", ");
    errors.push(
      fieldInvalid("spec.type", typeText(type), `workspace type not found; this server has ${known}`),
    );
  }
  if (spec.mount !== undefined) errors.push(fieldForbidden("spec.mount", "mounts are not supported"));
  return errors;
}

function validateUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  const now = workspaceSpec(object);
  const before = workspaceSpec(old);
  return immutableOnceSet
    .filter(
      (field) =>
        before[field] !== undefined &&
        !jsonEqual((now[field] ?? null) as JsonValue, before[field] as JsonValue),
    )
    .map((field) => fieldInvalid(`spec.${field}`, now[field] ?? "", "field is immutable"));
}

/** The server's own annotations stay as they are, whatever an update says. */
function keepServerAnnotations(object: KubeObject, old: KubeObject): void {
  const kept: Record<string, string> = {};
  for (const name of [ownerAnnotation, clusterNameAnnotation, pathAnnotation]) {
    const value = old.metadata.annotations?.[name];
    if (value !== undefined) kept[name] = value;
  }
  if (Object.keys(kept).length > 0) object.metadata.annotations = { ...object.metadata.annotations, ...kept };
}
