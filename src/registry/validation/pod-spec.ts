/** Specs of pods and of their templates (pkg/apis/core/validation ValidatePodSpec, ValidatePodTemplateSpec). */
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { annotationsErrors, labelsErrors } from "#machinery/meta/validation.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  maxLengthError,
  maxSubdomainLength,
  patternError,
} from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { ipErrors } from "./addresses.ts";
import { type Errors, has, inclusiveRange, invalids, maxInt32, numberAt, oneOf } from "./checks.ts";
import { podResourcesErrors, resourcesErrors } from "./compute-resources.ts";
import { containersErrors, hostNetworkErrors, imageSpaceErrors } from "./containers.ts";
import { affinityErrors, spreadErrors, tolerationErrors } from "./scheduling.ts";
import { podSecurityErrors } from "./security-context.ts";
import { checkVolumes } from "./volumes.ts";

const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"] as const;
const maxNameservers = 3;
const maxSearchPaths = 32;
const maxSearchLength = 2_048;
const searchLabel = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const searchPart = new RegExp(`^${searchLabel}$`);
const searchMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";

/** `pod.spec` at `path`. `podName`: of a Pod itself; undefined for templates. */
function* podSpecErrors(spec: Members, podName: string | undefined, path: FieldPath): Errors {
  const gracePeriod = numberAt(spec, "terminationGracePeriodSeconds");
  if (gracePeriod === undefined) yield fieldRequired(path.child("terminationGracePeriodSeconds"));
  const { volumes, errors } = checkVolumes(spec, podName, path.child("volumes"));
  yield* errors;
  const claims = new Set(listAt(spec, "resourceClaims").map((claim) => textAt(claim, "name")));
  yield* claimErrors(spec, path.child("resourceClaims"));
  const facts = {
    volumes,
    claims,
    gracePeriod,
    os: has(spec, "os") ? textAt(spec, "os", "name") : undefined,
    hostUsers: valueAt(spec, "hostUsers") !== false,
    restartPolicy: textAt(spec, "restartPolicy"),
  };
  yield* containersErrors(spec, facts, path);
  yield* podResourcesErrors(spec, path);
  yield* hostNetworkErrors(spec, podName !== undefined, path);
  const restart = ["Always", "OnFailure", "Never"];
  yield* oneOf(textAt(spec, "restartPolicy"), path.child("restartPolicy"), restart, true);
  yield* oneOf(textAt(spec, "dnsPolicy"), path.child("dnsPolicy"), dnsPolicies, true);
  yield* labelsErrors(Object.fromEntries(pairsAt(spec, "nodeSelector")), path.child("nodeSelector"));
  yield* podSecurityErrors(spec, path.child("securityContext"));
  if (has(spec, "affinity")) yield* affinityErrors(membersAt(spec, "affinity"), path.child("affinity"));
  yield* dnsErrors(spec, path.child("dnsConfig"));
  for (const [index, gate] of listAt(spec, "readinessGates").entries()) {
    const type = textAt(gate, "conditionType");
    yield* invalids(
      path.child("readinessGates").index(index).child("conditionType"),
      type,
      qualifiedNameErrors(type),
    );
  }
  yield* gateErrors(spec, path.child("schedulingGates"));
  yield* spreadErrors(listAt(spec, "topologySpreadConstraints"), path.child("topologySpreadConstraints"));
  yield* hostUsersErrors(spec, path);
  yield* plainErrors(spec, path);
}

function* plainErrors(spec: Members, path: FieldPath): Errors {
  const named = function* (field: string, check: (name: string) => readonly string[]): Errors {
    const name = textAt(spec, field);
    if (name !== "") yield* invalids(path.child(field), name, check(name));
  };
  yield* named("serviceAccountName", dns1123SubdomainErrors);
  yield* named("nodeName", dns1123SubdomainErrors);
  const deadline = numberAt(spec, "activeDeadlineSeconds");
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32))
    yield fieldInvalid(path.child("activeDeadlineSeconds"), deadline, inclusiveRange(1, maxInt32));
  yield* named("hostname", dns1123LabelErrors);
  yield* named("subdomain", dns1123LabelErrors);
  yield* tolerationErrors(listAt(spec, "tolerations"), path.child("tolerations"));
  for (const [index, alias] of listAt(spec, "hostAliases").entries()) {
    const at = path.child("hostAliases").index(index);
    yield* ipErrors(textAt(alias, "ip"), at.child("ip"));
    for (const [place, name] of textsAt(alias, "hostnames").entries())
      yield* invalids(at.child("hostnames").index(place), name, dns1123SubdomainErrors(name));
  }
  yield* named("priorityClassName", dns1123SubdomainErrors);
  yield* named("runtimeClassName", dns1123SubdomainErrors);
  const preemption = textAt(spec, "preemptionPolicy");
  yield* oneOf(preemption, path.child("preemptionPolicy"), ["PreemptLowerPriority", "Never"]);
  if (has(spec, "overhead")) yield* overheadErrors(spec, path.child("overhead"));
  if (has(spec, "os")) {
    const os = textAt(spec, "os", "name");
    if (os === "") yield fieldRequired(path.child("os", "name"));
    else if (os !== "linux" && os !== "windows")
      yield fieldNotSupported(path.child("os"), os, ["linux", "windows"]);
  }
}

/** Checked as the limits of a container. */
function* overheadErrors(spec: Members, path: FieldPath): Errors {
  const limits = { resources: { limits: membersAt(spec, "overhead") } };
  const from = path.child("resources").toString();
  for (const error of resourcesErrors(limits, new Set(), path))
    yield { ...error, field: path.toString() + error.field.slice(from.length) };
}

function* claimErrors(spec: Members, path: FieldPath): Errors {
  const names = new Set<string>();
  for (const [index, claim] of listAt(spec, "resourceClaims").entries()) {
    const at = path.index(index);
    const name = textAt(claim, "name");
    if (name === "") yield fieldRequired(at.child("name"));
    else if (names.has(name)) yield fieldDuplicate(at.child("name"), name);
    else yield* invalids(at.child("name"), name, dns1123LabelErrors(name));
    names.add(name);
    const given = ["resourceClaimName", "resourceClaimTemplateName"].filter((field) => has(claim, field));
    if (given.length > 1) {
      const detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
      yield fieldInvalid(at, claim, detail);
    } else if (given.length === 0) {
      const detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
      yield fieldInvalid(at, claim, detail);
    }
    for (const field of given)
      yield* invalids(at.child(field), textAt(claim, field), dns1123SubdomainErrors(textAt(claim, field)));
  }
}

function* dnsErrors(spec: Members, path: FieldPath): Errors {
  const config = membersAt(spec, "dnsConfig");
  const servers = textsAt(config, "nameservers");
  if (textAt(spec, "dnsPolicy") === "None") {
    if (!has(spec, "dnsConfig")) {
      yield fieldRequired(path, "must provide `dnsConfig` when `dnsPolicy` is None");
      return;
    }
    if (servers.length === 0) {
      const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
      yield fieldRequired(path.child("nameservers"), detail);
      return;
    }
  }
  if (servers.length > maxNameservers) {
    const detail = `must not have more than ${maxNameservers} nameservers`;
    yield fieldInvalid(path.child("nameservers"), servers, detail);
  }
  for (const [index, server] of servers.entries())
    yield* ipErrors(server, path.child("nameservers").index(index));
  const searches = textsAt(config, "searches");
  const at = path.child("searches");
  if (searches.length > maxSearchPaths)
    yield fieldInvalid(at, searches, `must not have more than ${maxSearchPaths} search paths`);
  if (Buffer.byteLength(searches.join(" ")) > maxSearchLength) {
    const detail = `must not have more than ${maxSearchLength} characters (including spaces) in the search list`;
    yield fieldInvalid(at, searches, detail);
  }
  for (const [index, search] of searches.entries()) {
    if (search === ".") continue;
    const name = search.replace(/\.$/, "");
    if (Buffer.byteLength(name) > maxSubdomainLength)
      yield fieldInvalid(at.index(index), name, maxLengthError(maxSubdomainLength));
    if (!name.split(".").every((part) => searchPart.test(part))) {
      const message = patternError(searchMessage, `${searchLabel}(\\.${searchLabel})*`, "example.com");
      yield fieldInvalid(at.index(index), name, message);
    }
  }
  for (const [index, option] of listAt(config, "options").entries()) {
    if (textAt(option, "name") === "")
      yield fieldRequired(path.child("options").index(index), "must not be empty");
  }
}

function* gateErrors(spec: Members, path: FieldPath): Errors {
  const names = new Set<string>();
  for (const [index, gate] of listAt(spec, "schedulingGates").entries()) {
    const name = textAt(gate, "name");
    yield* invalids(path.index(index), name, qualifiedNameErrors(name));
    if (names.has(name)) yield fieldDuplicate(path.index(index), name);
    names.add(name);
  }
}

function* hostUsersErrors(spec: Members, path: FieldPath): Errors {
  if (valueAt(spec, "hostUsers") !== false) return;
  for (const [field, shown] of [
    ["hostNetwork", "hostNetwork"],
    ["hostPID", "HostPID"],
    ["hostIPC", "HostIPC"],
  ] as const) {
    if (valueAt(spec, field) === true) yield fieldForbidden(path.child(shown), "when `hostUsers` is false");
  }
}

/** A Pod's spec; what templates may have is refused here, too. */
export function* podErrors(pod: Members, path: FieldPath): Errors {
  const spec = membersAt(pod, "spec");
  yield* podSpecErrors(spec, textAt(pod, "metadata", "name"), path);
  if (textAt(spec, "serviceAccountName") === "") {
    for (const [index, volume] of listAt(spec, "volumes").entries()) {
      for (const [place, source] of listAt(volume, "projected", "sources").entries()) {
        if (!has(source, "serviceAccountToken")) continue;
        const at = path.child("volumes").index(index).child("projected", "sources").index(place);
        const detail = "must not be specified when serviceAccountName is not set";
        yield fieldForbidden(at.child("serviceAccountToken"), detail);
      }
    }
  }
  for (const list of ["containers", "initContainers"]) {
    for (const [index, container] of listAt(spec, list).entries())
      yield* imageSpaceErrors(container, path.child(list).index(index));
  }
}

/** A PodTemplateSpec at `path`. */
export function podTemplateErrors(template: Members, path: FieldPath): FieldError[] {
  const errors = [
    ...labelsErrors(Object.fromEntries(pairsAt(template, "metadata", "labels")), path.child("labels")),
    ...annotationsErrors(
      Object.fromEntries(pairsAt(template, "metadata", "annotations")),
      path.child("annotations"),
    ),
    ...podSpecErrors(membersAt(template, "spec"), undefined, path.child("spec")),
  ];
  if (listAt(template, "spec", "ephemeralContainers").length > 0) {
    const at = path.child("spec", "ephemeralContainers");
    errors.push(fieldForbidden(at, "ephemeral containers not allowed in pod template"));
  }
  return errors;
}
