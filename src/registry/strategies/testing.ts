/** Calls strategies as the registry does, without a registry. */
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { rootCluster } from "#registry/cluster-name.ts";
import type { Requester, Strategy, StrategyContext } from "#registry/strategy.ts";
import { builtinStrategies } from "./builtin.ts";
import { ownStrategies } from "./own.ts";

const strategies = builtinStrategies(new Map(ownStrategies));

export interface Outcome {
  readonly object: KubeObject;
  /** Texts of the errors, with their paths. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** `/configmaps`, `apps/deployments` */
export function strategyOf(key: string): Strategy {
  const [group = "", resource = ""] = key.split("/");
  return strategies.strategyFor({ group, resource });
}

const testUser: Requester["user"] = { name: "jane", uid: "u1", groups: ["dev"], extra: {} };

export function create(key: string, given: object, user = testUser): Outcome {
  const strategy = strategyOf(key);
  const warnings: string[] = [];
  const object = objectOf(given);
  const context = contextOf(object, warnings, "", user);
  strategy.applyDefaults?.(object, context.nowMs);
  strategy.prepareForCreate?.(object, context);
  const errors = [
    ...(strategy.validate?.(object, context) ?? []),
    ...(strategy.validateCreate?.(object, context, []) ?? []),
  ];
  warnings.push(...(strategy.warnings?.(object, undefined) ?? []));
  return { object, errors: errors.map(fieldErrorText), warnings };
}

export function update(key: string, old: KubeObject, given: object, subresource = ""): Outcome {
  const strategy = strategyOf(key);
  const warnings: string[] = [];
  const object = objectOf(given);
  const context = contextOf(object, warnings, subresource, testUser);
  const before = JSON.stringify(old);
  strategy.applyDefaults?.(object, context.nowMs);
  strategy.prepareForUpdate?.(object, old, context);
  const errors = [
    ...(strategy.validate?.(object, context) ?? []),
    ...(strategy.validateUpdate?.(object, old, context, []) ?? []),
  ];
  if (JSON.stringify(old) !== before) throw new Error(`${key}: the old object was changed`);
  warnings.push(...(strategy.warnings?.(object, old) ?? []));
  return { object, errors: errors.map(fieldErrorText), warnings };
}

/** What a client gave stays unchanged below the members of the object and its metadata: it is frozen. */
function objectOf(given: object): KubeObject {
  const copy = structuredClone(given) as KubeObject;
  for (const value of Object.values(copy)) if (value !== copy.metadata) freeze(value);
  for (const value of Object.values(copy.metadata ?? {})) freeze(value);
  return { ...copy, metadata: { name: "test", ...copy.metadata } };
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const inner of Object.values(value)) freeze(inner);
  Object.freeze(value);
}

function contextOf(
  object: KubeObject,
  warnings: string[],
  subresource: string,
  user: Requester["user"],
): StrategyContext {
  return {
    cluster: rootCluster,
    namespace: object.metadata.namespace ?? "",
    requester: { user, warn: (text) => warnings.push(text) },
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    subresource,
    randomBytes: (size) => new Uint8Array(size).fill(7),
  };
}
