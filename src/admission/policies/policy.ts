/** What both kinds of policies have in common: reading of policies and bindings (plugin/policy/generic). */

import { createHash } from "node:crypto";
import { Lru } from "#base/lru.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Registry } from "#registry/registry.ts";
import { type Members, membersAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";
import { Configurations, maxCompiledBytes } from "../configurations.ts";
import { type Match, policyMatch } from "../matching.ts";

export interface ParamKind {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface ParamRef {
  readonly name: string;
  readonly namespace: string;
  readonly selector: unknown;
  /** The binding refuses when there are no parameters. */
  readonly denyWithout: boolean;
}

export interface Policy<C> {
  readonly name: string;
  readonly failsOpen: boolean;
  readonly match: Match;
  readonly paramKind: ParamKind | undefined;
  readonly compiled: C;
}

export interface Binding {
  readonly name: string;
  readonly policyName: string;
  /** Undefined: what the policy matches. */
  readonly match: Match | undefined;
  readonly paramRef: ParamRef | undefined;
  /** Deny, Warn, Audit; of bindings of validating policies. */
  readonly actions: readonly string[];
}

/** A policy that is in force. */
export interface ActivePolicy<C> {
  readonly policy: Policy<C>;
  readonly bindings: readonly Binding[];
}

/** Compiled specs that are kept, shared by all workspaces that have the same. */
const cachedSpecs = 1_000;
const group = "admissionregistration.k8s.io";

export class Policies<C> {
  readonly #policies: Configurations<Policy<C>>;
  readonly #bindings: Configurations<Binding>;

  constructor(
    registry: Registry,
    resources: { readonly policies: string; readonly bindings: string },
    compile: (spec: Members) => C,
  ) {
    const compiled = new Lru<string, C & object>(cachedSpecs);
    this.#policies = new Configurations(
      registry,
      { group, resource: resources.policies },
      (object) => {
        const spec = membersAt(object, "spec");
        const hash = createHash("sha256")
          .update(writeJson(spec as JsonValue))
          .digest("base64");
        const known = compiled.get(hash) ?? (compile(spec) as C & object);
        compiled.set(hash, known);
        return policyOf(object, known);
      },
      maxCompiledBytes,
    );
    this.#bindings = new Configurations(registry, { group, resource: resources.bindings }, bindingOf);
  }

  /** Nothing is in force without a binding. */
  hasAny(cluster: ClusterName): boolean {
    return this.#bindings.hasAny(cluster) && this.#policies.hasAny(cluster);
  }

  /** In order of their names. @throws StatusError 500 when there are too many */
  active(cluster: ClusterName): readonly ActivePolicy<C>[] {
    const byPolicy = new Map<string, Binding[]>();
    for (const binding of this.#bindings.list(cluster)) {
      const known = byPolicy.get(binding.policyName);
      if (known === undefined) byPolicy.set(binding.policyName, [binding]);
      else known.push(binding);
    }
    return this.#policies.list(cluster).flatMap((policy) => {
      const bindings = byPolicy.get(policy.name);
      return bindings === undefined ? [] : [{ policy, bindings }];
    });
  }
}

function policyOf<C>(object: KubeObject, compiled: C): Policy<C> {
  const paramKind = valueAt(object, "spec", "paramKind");
  return {
    name: object.metadata.name ?? "",
    failsOpen: textAt(object, "spec", "failurePolicy") === "Ignore",
    match: policyMatch(valueAt(object, "spec", "matchConstraints")),
    paramKind:
      paramKind === undefined
        ? undefined
        : { apiVersion: textAt(paramKind, "apiVersion"), kind: textAt(paramKind, "kind") },
    compiled,
  };
}

function bindingOf(object: KubeObject): Binding {
  const match = valueAt(object, "spec", "matchResources");
  const ref = valueAt(object, "spec", "paramRef");
  return {
    name: object.metadata.name ?? "",
    policyName: textAt(object, "spec", "policyName"),
    match: match === undefined ? undefined : policyMatch(match),
    paramRef:
      ref === undefined
        ? undefined
        : {
            name: textAt(ref, "name"),
            namespace: textAt(ref, "namespace"),
            selector: valueAt(ref, "selector"),
            denyWithout: textAt(ref, "parameterNotFoundAction") === "Deny",
          },
    actions: textsAt(object, "spec", "validationActions"),
  };
}

/** The name that a refusal tells, also before one is generated (admission/errors.go). */
export function refusedName({ name, object }: AdmissionAttributes): string {
  if (name !== "") return name;
  const { name: own = "", generateName = "" } = object?.metadata ?? {};
  return own !== "" ? own : generateName !== "" ? generateName : "Unknown";
}
