/** Admission plugin MutatingAdmissionPolicy (k8s.io/apiserver plugin/policy/generic, plugin/policy/mutating). */
import type { Authorizer } from "#authz/authorizer.ts";
import { quote } from "#base/quote.ts";
import { forbiddenResource, foreignError, serviceUnavailable } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { applyJsonPatch } from "#machinery/patch/json-patch.ts";
import type { AdmissionAttributes } from "#registry/admission.ts";
import type { Registry } from "#registry/registry.ts";
import type { AdmissionPlugin, Round } from "../chain.ts";
import { activationOf, OutOfBudgetError, withoutNamespace } from "../expressions.ts";
import { Reinvocation } from "../reinvocation.ts";
import { RequestAuthorizer } from "../request-authorizer.ts";
import { isExempt } from "../webhooks/webhook.ts";
import type { VersionedWrite, Write } from "../write.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import {
  compileMutatingPolicy,
  evaluateMutation,
  type MutatingPolicy,
  MutationError,
  type Patch,
} from "./mutating-policy.ts";
import { ConfigurationError, collectParams, paramResource } from "./params.ts";
import { type ActivePolicy, type Binding, Policies, type Policy, refusedName } from "./policy.ts";
import { configured, namespaceOf } from "./validating.ts";
import { withVariables } from "./variables.ts";

const name = "MutatingAdmissionPolicy";

export function mutatingPolicies(registry: Registry, authorizer: Authorizer): AdmissionPlugin {
  const policies = new Policies(
    registry,
    { policies: "mutatingadmissionpolicies", bindings: "mutatingadmissionpolicybindings" },
    compileMutatingPolicy,
  );
  return {
    name,
    mutate(write, round) {
      const { cluster, kind } = write.attributes;
      if (!policies.hasAny(cluster) || isExempt(kind)) return;
      return dispatch(policies.active(cluster), write, round, authorizer);
    },
  };
}

/** A policy with one binding and one parameter. */
interface Invocation {
  readonly policy: Policy<MutatingPolicy>;
  readonly binding: Binding;
  readonly version: string;
  readonly param: KubeObject | null;
}

interface Failure {
  readonly message: string;
  /** "" is Forbidden. */
  readonly reason: string;
}

async function dispatch(
  active: readonly ActivePolicy<MutatingPolicy>[],
  write: Write,
  round: Round,
  authorizer: Authorizer,
): Promise<void> {
  const failures: Failure[] = [];
  const fail = (
    policy: Policy<MutatingPolicy>,
    binding: Binding | undefined,
    why: string,
    reason: string,
  ): void => {
    if (policy.failsOpen) return;
    const by =
      binding === undefined
        ? `policy ${quote(policy.name)}`
        : `policy '${policy.name}' with binding '${binding.name}'`;
    failures.push({ message: `${by} denied request: ${why}`, reason });
  };
  const invocations: Invocation[] = [];
  // What applies is settled before anything is changed.
  for (const one of active) invocations.push(...(await invocationsOf(one, write, fail)));
  if (invocations.length > 0) {
    const asking = RequestAuthorizer.of(authorizer, write);
    const reinvocation = round.memory(name, () => new Reinvocation());
    if (round.again) reinvocation.begin(write.object);
    let patched = false;
    for (const invocation of invocations) {
      const outcome = await invoke(invocation, write, { round, reinvocation, asking, fail });
      patched ||= outcome;
    }
    if (patched) {
      reinvocation.require();
      round.changed = true;
    }
    reinvocation.end(write.object);
  }
  if (failures.length > 0) throw denied(write.attributes, failures);
}

type Fail = (
  policy: Policy<MutatingPolicy>,
  binding: Binding | undefined,
  why: string,
  reason: string,
) => void;

async function invocationsOf(
  { policy, bindings }: ActivePolicy<MutatingPolicy>,
  write: Write,
  fail: Fail,
): Promise<Invocation[]> {
  const misconfigured = (error: unknown, binding?: Binding): void => {
    if (!(error instanceof ConfigurationError)) throw error;
    const what = binding === undefined ? "policy" : "binding";
    fail(policy, binding, `failed to configure ${what}: ${error.message}`, "");
  };
  const invocations: Invocation[] = [];
  try {
    const matched = configured(write, policy.match);
    if (matched === undefined) return [];
    const params =
      policy.paramKind === undefined
        ? undefined
        : paramResource(write.registry, write.attributes.cluster, policy.paramKind);
    for (const binding of bindings) {
      try {
        if (binding.match !== undefined && configured(write, binding.match) === undefined) continue;
        for (const param of await collectParams(write, params, binding.paramRef))
          invocations.push({ policy, binding, version: matched.version, param });
      } catch (error) {
        misconfigured(error, binding);
      }
    }
  } catch (error) {
    misconfigured(error);
  }
  return invocations;
}

interface Context {
  readonly round: Round;
  readonly reinvocation: Reinvocation;
  readonly asking: RequestAuthorizer;
  readonly fail: Fail;
}

/** True when a patch was made, whatever it changed. */
async function invoke(
  { policy, binding, version, param }: Invocation,
  write: Write,
  { round, reinvocation, asking, fail }: Context,
): Promise<boolean> {
  const { compiled } = policy;
  const before = write.object;
  const namespace = namespaceOf(write);
  const activation = activationOf(write, await write.in(version), param, namespace, asking);
  const matched = await asking.settled(() =>
    compiled.conditions.evaluate(withVariables(withoutNamespace(activation), compiled.variables), write),
  );
  if ("error" in matched) {
    fail(policy, binding, matched.error, "Invalid");
    return false;
  }
  if (!matched.matches) return false;
  const { name: paramName = "", namespace: paramNamespace = "" } = param?.metadata ?? {};
  const uid = `${policy.name}/${binding.name}/${paramNamespace}/${paramName}`;
  if (round.again && !reinvocation.isDue(uid)) return false;
  let patched = false;
  for (const mutation of compiled.mutations) {
    const versioned = await write.in(version);
    if (versioned.object === undefined) continue;
    const values = activationOf(write, versioned, param, namespace, asking);
    await write.breathe();
    try {
      const patch = await asking.settled(() => evaluateMutation(mutation, values, compiled.variables));
      const object = mutated(write, versioned, versioned.object, patch);
      if (!jsonEqual(json(object), json(versioned.object))) await write.replace(object);
      patched = true;
    } catch (error) {
      if (!(error instanceof MutationError || error instanceof OutOfBudgetError)) throw error;
      fail(policy, binding, error.message, "Invalid");
    }
  }
  if (before !== write.object) {
    reinvocation.require();
    round.changed = true;
  }
  if (compiled.reinvocable) reinvocation.add(uid);
  return patched;
}

const json = (object: KubeObject): JsonValue => object as unknown as JsonValue;

/** @throws MutationError, StatusError */
function mutated(
  write: Write,
  { version, kind }: VersionedWrite,
  object: KubeObject,
  patch: Patch,
): KubeObject {
  const changed =
    patch.type === "JSONPatch"
      ? patchedJson(object, patch.operations)
      : applied(write, version, object, patch.part);
  if (changed.apiVersion !== object.apiVersion || changed.kind !== object.kind)
    throw foreignError(`a mutation changes the object into another kind than ${kind.kind}`);
  try {
    return write.attributes.forms.decode(changed, version, patch.type === "JSONPatch");
  } catch (error) {
    if (error instanceof StatusError && error.code === 400) throw foreignError(error.message);
    throw error;
  }
}

function applied(write: Write, version: string, object: KubeObject, part: JsonObject): JsonObject {
  const { resource, subresource } = write.attributes;
  const isScale = object.kind === "Scale" && object.apiVersion === "autoscaling/v1";
  const node = write.registry.managedFields?.typeOf({ resource, version, subresource }, isScale);
  if (node === undefined)
    throw serviceUnavailable(
      `Resource kind ${object.apiVersion}, Kind=${object.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`,
    );
  return applyConfiguration(node, json(object) as JsonObject, part);
}

/** A patch whose test fails changes nothing. */
function patchedJson(object: KubeObject, operations: JsonValue[]): JsonObject {
  try {
    const patched = applyJsonPatch(json(object), operations);
    if (isJsonObject(patched)) return patched;
    throw new MutationError("JSON Patch: the patched object is not an object");
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const why = error.status.details?.causes?.[0]?.message ?? error.message;
    if (why.endsWith("test failed")) return json(object) as JsonObject;
    throw new MutationError(`JSON Patch: ${why}`);
  }
}

/** The first failure is told; all of them are causes. */
function denied(attributes: AdmissionAttributes, failures: readonly Failure[]): StatusError {
  const causes = failures.map(({ message }) => ({ message }));
  const { status } = forbiddenResource(attributes.resource, refusedName(attributes), "", causes);
  const { message, reason } = failures[0]!;
  return new StatusError({ ...status, message, ...(reason === "" ? {} : { reason }) });
}
