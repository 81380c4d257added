/** Containers of all sorts (pkg/apis/core/validation validateContainers, validateInitContainers, validateEphemeralContainers). */
import { trimSpace } from "#base/spaces.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { listAt, type Members, textAt, valueAt } from "../strategies/members.ts";
import {
  type Errors,
  has,
  invalids,
  numberAt,
  oneOf,
  optionalWord,
  portNameErrors,
  portNumberErrors,
  protocols,
} from "./checks.ts";
import { resourcesErrors } from "./compute-resources.ts";
import { environmentErrors } from "./environment.ts";
import { lifecycleErrors, probesErrors } from "./probes.ts";
import { securityContextErrors } from "./security-context.ts";
import { deviceErrors, mountErrors, type Volumes } from "./volumes.ts";

/** What the pod says that its containers depend on. */
export interface PodFacts {
  readonly volumes: Volumes;
  /** Names of its resource claims. */
  readonly claims: ReadonlySet<string>;
  /** Seconds. */
  readonly gracePeriod: number | undefined;
  readonly os: string | undefined;
  readonly hostUsers: boolean;
  readonly restartPolicy: string;
}

const pullPolicies = ["Always", "IfNotPresent", "Never"] as const;
const restartPolicies = ["Always", "Never", "OnFailure"] as const;
const hooksAndProbes = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

export function* containersErrors(spec: Members, facts: PodFacts, path: FieldPath): Errors {
  const containers = listAt(spec, "containers");
  const lists = path.child("containers");
  if (containers.length === 0) yield fieldRequired(lists);
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = lists.index(index);
    yield* commonErrors(container, facts, at);
    yield* onceErrors(container, names, at);
    if (has(container, "lifecycle")) yield* lifecycleErrors(container, facts.gracePeriod, facts.os, at);
    yield* probesErrors(container, at);
    yield* restartErrors(container, at);
  }
  yield* hostPortErrors(containers, lists);
  yield* initErrors(spec, facts, names, path.child("initContainers"));
  yield* ephemeralErrors(spec, facts, path.child("ephemeralContainers"));
}

function* onceErrors(container: Members, names: Set<string>, path: FieldPath): Errors {
  const name = textAt(container, "name");
  if (names.has(name)) yield fieldDuplicate(path.child("name"), name);
  else if (name !== "") names.add(name);
}

function* initErrors(spec: Members, facts: PodFacts, names: Set<string>, path: FieldPath): Errors {
  for (const [index, container] of listAt(spec, "initContainers").entries()) {
    const at = path.index(index);
    yield* commonErrors(container, facts, at);
    yield* restartErrors(container, at);
    yield* onceErrors(container, names, at);
    yield* hostPortErrors([container], path);
    const stays = textAt(container, "restartPolicy") === "Always";
    if (stays) {
      if (has(container, "lifecycle")) yield* lifecycleErrors(container, facts.gracePeriod, facts.os, at);
      yield* probesErrors(container, at);
      continue;
    }
    for (const field of hooksAndProbes.filter((each) => has(container, each)))
      yield fieldForbidden(
        at.child(field),
        "may not be set for init containers without restartPolicy=Always",
      );
    for (const [place, policy] of listAt(container, "resizePolicy").entries()) {
      if (textAt(policy, "restartPolicy") !== "RestartContainer") continue;
      const where = at.child("resizePolicy").index(place).child("restartPolicy");
      const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      yield fieldInvalid(where, "RestartContainer", detail);
    }
  }
}

const notEphemeral = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

function* ephemeralErrors(spec: Members, facts: PodFacts, path: FieldPath): Errors {
  const list = listAt(spec, "ephemeralContainers");
  if (list.length === 0) return;
  const others = [...listAt(spec, "containers"), ...listAt(spec, "initContainers")];
  const targets = new Set(others.map((container) => textAt(container, "name")));
  const names = new Set(targets);
  for (const [index, container] of list.entries()) {
    const at = path.index(index);
    yield* commonErrors(container, facts, at);
    yield* imageSpaceErrors(container, at);
    yield* onceErrors(container, names, at);
    const target = textAt(container, "targetContainerName");
    if (target !== "" && !targets.has(target)) yield fieldNotFound(at.child("targetContainerName"), target);
    for (const field of notEphemeral) {
      const value = valueAt(container, field);
      const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
      if (value !== undefined && !empty)
        yield fieldForbidden(at.child(field), "cannot be set for an Ephemeral Container");
    }
    for (const [place, mount] of listAt(container, "volumeMounts").entries()) {
      for (const field of ["subPath", "subPathExpr"]) {
        if (textAt(mount, field) === "") continue;
        const where = at.child("volumeMounts").index(place).child(field);
        yield fieldForbidden(where, "cannot be set for an Ephemeral Container");
      }
    }
  }
}

function* commonErrors(container: Members, facts: PodFacts, path: FieldPath): Errors {
  const name = textAt(container, "name");
  if (name === "") yield fieldRequired(path.child("name"));
  else yield* invalids(path.child("name"), name, dns1123LabelErrors(name));
  if (textAt(container, "image") === "") yield fieldRequired(path.child("image"));
  const ending = textAt(container, "terminationMessagePolicy");
  yield* oneOf(ending, path.child("terminationMessagePolicy"), ["File", "FallbackToLogsOnError"], true);
  yield* portsErrors(container, path.child("ports"));
  yield* environmentErrors(container, path);
  yield* mountErrors(container, facts.volumes, path);
  yield* deviceErrors(container, facts.volumes, path);
  yield* oneOf(textAt(container, "imagePullPolicy"), path.child("imagePullPolicy"), pullPolicies, true);
  yield* resourcesErrors(container, facts.claims, path);
  yield* resizeErrors(container, facts.restartPolicy, path.child("resizePolicy"));
  yield* securityContextErrors(container, path.child("securityContext"), facts.hostUsers);
}

function* portsErrors(container: Members, path: FieldPath): Errors {
  const names = new Set<string>();
  for (const [index, port] of listAt(container, "ports").entries()) {
    const at = path.index(index);
    const name = textAt(port, "name");
    if (name !== "") {
      const messages = portNameErrors(name);
      yield* invalids(at.child("name"), name, messages);
      if (messages.length === 0 && names.has(name)) yield fieldDuplicate(at.child("name"), name);
      names.add(name);
    }
    const number = numberAt(port, "containerPort") ?? 0;
    if (number === 0) yield fieldRequired(at.child("containerPort"));
    else yield* invalids(at.child("containerPort"), number, portNumberErrors(number));
    const host = numberAt(port, "hostPort") ?? 0;
    if (host !== 0) yield* invalids(at.child("hostPort"), host, portNumberErrors(host));
    yield* oneOf(textAt(port, "protocol"), at.child("protocol"), protocols, true);
  }
}

function* hostPortErrors(containers: readonly Members[], path: FieldPath): Errors {
  const taken = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [place, port] of listAt(container, "ports").entries()) {
      const number = numberAt(port, "hostPort") ?? 0;
      if (number === 0) continue;
      const key = `${textAt(port, "protocol")}/${textAt(port, "hostIP")}/${number}`;
      if (taken.has(key))
        yield fieldDuplicate(path.index(index).child("ports").index(place).child("hostPort"), key);
      taken.add(key);
    }
  }
}

function* resizeErrors(container: Members, podPolicy: string, path: FieldPath): Errors {
  const seen = new Set<string>();
  for (const [index, policy] of listAt(container, "resizePolicy").entries()) {
    const name = textAt(policy, "resourceName");
    const restart = textAt(policy, "restartPolicy");
    if (seen.has(name)) yield fieldDuplicate(path.index(index), name);
    seen.add(name);
    yield* oneOf(name, path, ["cpu", "memory"], true);
    yield* oneOf(restart, path, ["NotRequired", "RestartContainer"], true);
    if (podPolicy === "Never" && restart !== "NotRequired") {
      const detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      yield fieldInvalid(path, restart, detail);
    }
  }
}

const maxRestartRules = 20;

function* restartErrors(container: Members, path: FieldPath): Errors {
  const rules = listAt(container, "restartPolicyRules");
  yield* optionalWord(container, "restartPolicy", path, restartPolicies);
  if (rules.length > 0 && !has(container, "restartPolicy"))
    yield fieldRequired(
      path.child("restartPolicy"),
      "must specify restartPolicy when restart rules are used",
    );
  const at = path.child("restartPolicyRules");
  if (rules.length > maxRestartRules) {
    const detail = `must have at most ${maxRestartRules} items`;
    yield { type: "FieldValueTooMany", field: at.toString(), badValue: rules.length, detail };
  }
  for (const [index, rule] of rules.entries()) {
    const where = at.index(index);
    const action = textAt(rule, "action");
    if (action !== "Restart" && action !== "RestartAllContainers")
      yield fieldNotSupported(where.child("action"), action, ["Restart", "RestartAllContainers"]);
    if (!has(rule, "exitCodes")) yield fieldRequired(where.child("exitCodes"), "must be specified");
    else {
      const operator = textAt(rule, "exitCodes", "operator");
      if (operator !== "In" && operator !== "NotIn")
        yield fieldNotSupported(where.child("exitCodes", "operator"), operator, ["In", "NotIn"]);
    }
  }
}

/** Templates may have such images: whoever makes a pod of them may replace it. */
export function* imageSpaceErrors(container: Members, path: FieldPath): Errors {
  const image = textAt(container, "image");
  if (trimSpace(image) !== image)
    yield fieldInvalid(path.child("image"), image, "must not have leading or trailing whitespace");
}

/** With the host's network a port is the host's. `isPod`: one that is not told has been filled in. */
export function hostNetworkErrors(spec: Members, isPod: boolean, path: FieldPath): FieldError[] {
  if (valueAt(spec, "hostNetwork") !== true) return [];
  return listAt(spec, "containers").flatMap((container, index) =>
    listAt(container, "ports").flatMap((port, place) => {
      const host = numberAt(port, "hostPort") ?? 0;
      if (host === (numberAt(port, "containerPort") ?? 0) || (host === 0 && !isPod)) return [];
      const at = path.child("containers").index(index).child("ports").index(place).child("hostPort");
      return [fieldInvalid(at, host, "must match `containerPort` when `hostNetwork` is true")];
    }),
  );
}
