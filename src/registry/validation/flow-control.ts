/** FlowSchemas and PriorityLevelConfigurations (pkg/apis/flowcontrol/validation). */
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, inclusiveRange, invalids, numberAt } from "./checks.ts";

const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** Bits of the hash that queues are dealt by (apiserver pkg/util/shufflesharding). */
const hashBits = 60;
const exempt = "exempt";
const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const subjectKinds = [
  ["Group", "group"],
  ["ServiceAccount", "serviceAccount"],
  ["User", "user"],
] as const;
const spec = FieldPath.of("spec");

export function* flowSchemaErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  const precedence = numberAt(of, "matchingPrecedence") ?? 0;
  const at = spec.child("matchingPrecedence");
  if (precedence <= 0) yield fieldInvalid(at, precedence, "must be a positive value");
  if (precedence > maxPrecedence)
    yield fieldInvalid(at, precedence, `must not be greater than ${maxPrecedence}`);
  if (precedence === 1 && object.metadata.name !== exempt)
    yield fieldInvalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  const method = valueAt(of, "distinguisherMethod");
  if (method !== undefined && !["ByNamespace", "ByUser"].includes(textAt(method, "type")))
    yield fieldNotSupported(spec.child("distinguisherMethod", "type"), method, ["ByNamespace", "ByUser"]);
  const level = textAt(of, "priorityLevelConfiguration", "name");
  const where = spec.child("priorityLevelConfiguration", "name");
  if (level === "") yield fieldRequired(where, "must reference a priority level");
  else yield* invalids(where, level, dns1123SubdomainErrors(level));
  for (const [index, rule] of listAt(of, "rules").entries())
    yield* ruleErrors(rule, spec.child("rules").index(index));
}

function* ruleErrors(rule: Members, path: FieldPath): Errors {
  const subjects = listAt(rule, "subjects");
  if (subjects.length === 0)
    yield fieldRequired(path.child("subjects"), "subjects must contain at least one value");
  for (const [index, subject] of subjects.entries())
    yield* subjectErrors(subject, path.child("subjects").index(index));
  const resourceRules = listAt(rule, "resourceRules");
  const others = listAt(rule, "nonResourceRules");
  if (resourceRules.length === 0 && others.length === 0)
    yield fieldRequired(path, "at least one of resourceRules and nonResourceRules has to be non-empty");
  for (const [index, one] of resourceRules.entries())
    yield* resourceRuleErrors(one, path.child("resourceRules").index(index));
  for (const [index, one] of others.entries())
    yield* pathRuleErrors(one, path.child("nonResourceRules").index(index));
}

function* subjectErrors(subject: Members, path: FieldPath): Errors {
  const kind = textAt(subject, "kind");
  const [, field] = subjectKinds.find(([name]) => name === kind) ?? [];
  if (field === undefined) {
    yield fieldNotSupported(
      path.child("kind"),
      kind,
      subjectKinds.map(([name]) => name),
    );
    return;
  }
  const at = path.child(field);
  if (!has(subject, field)) yield fieldRequired(at, `${field} is required when subject kind is '${kind}'`);
  else {
    const name = textAt(subject, field, "name");
    if (name === "") yield fieldRequired(at.child("name"));
    if (field === "serviceAccount") {
      if (name !== "" && name !== "*") yield* invalids(at.child("name"), name, dns1123SubdomainErrors(name));
      const namespace = textAt(subject, field, "namespace");
      if (namespace === "")
        yield fieldRequired(at.child("namespace"), "must specify namespace for service account");
      else yield* invalids(at.child("namespace"), namespace, dns1123LabelErrors(namespace));
    }
  }
  for (const [name, other] of subjectKinds)
    if (other !== field && has(subject, other))
      yield fieldForbidden(path.child(other), `${other} is forbidden when subject kind is not '${name}'`);
}

/** A list with `*` holds nothing else. */
function* wildcardErrors(values: readonly string[], path: FieldPath, what: string): Errors {
  if (values.includes("*") && values.length > 1)
    yield fieldInvalid(path, values, `if '*' is present, must not specify other ${what}`);
}

function* verbErrors(rule: Members, path: FieldPath): Errors {
  const at = path.child("verbs");
  const given = textsAt(rule, "verbs");
  if (given.length === 0) yield fieldRequired(at, "verbs must contain at least one value");
  else if (given.includes("*")) yield* wildcardErrors(given, at, "verbs");
  else if (!given.every((verb) => verbs.includes(verb))) yield fieldNotSupported(at, given, verbs);
}

function* resourceRuleErrors(rule: Members, path: FieldPath): Errors {
  yield* verbErrors(rule, path);
  for (const [field, what, others] of [
    ["apiGroups", "api group", "api groups"],
    ["resources", "resource", "resources"],
  ] as const) {
    const given = textsAt(rule, field);
    if (given.length === 0)
      yield fieldRequired(path.child(field), `resource rules must supply at least one ${what}`);
    else yield* wildcardErrors(given, path.child(field), others);
  }
  const at = path.child("namespaces");
  const namespaces = textsAt(rule, "namespaces");
  if (namespaces.length === 0 && valueAt(rule, "clusterScope") !== true)
    yield fieldRequired(at, "resource rules that are not cluster scoped must supply at least one namespace");
  else if (namespaces.includes("*")) yield* wildcardErrors(namespaces, at, "namespaces");
  else
    for (const [index, name] of namespaces.entries())
      for (const message of dns1123LabelErrors(name)) {
        const detail = `each member of this list must be '*' or a DNS-1123 label; ${message}`;
        yield fieldInvalid(at.index(index), name, detail);
      }
}

function* pathRuleErrors(rule: Members, path: FieldPath): Errors {
  yield* verbErrors(rule, path);
  const at = path.child("nonResourceURLs");
  const urls = textsAt(rule, "nonResourceURLs");
  if (urls.length === 0) yield fieldRequired(at, "nonResourceURLs must contain at least one value");
  else if (urls.includes("*")) yield* wildcardErrors(urls, at, "non-resource URLs");
  else
    for (const [index, url] of urls.entries()) {
      const problem = pathProblem(url);
      if (problem !== undefined) yield fieldInvalid(at.index(index), url, problem);
    }
}

function pathProblem(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const star = url.indexOf("*");
  if (star >= 0 && (star !== url.length - 1 || !url.endsWith("/*")))
    return "wildcard can only do suffix matching";
  return undefined;
}

export function* priorityLevelErrors(object: KubeObject): Errors {
  const of = membersAt(object, "spec");
  const type = textAt(of, "type");
  if ((object.metadata.name === exempt) !== (type === "Exempt"))
    yield fieldInvalid(spec.child("type"), type, "must be 'Exempt' if and only if `name` is 'exempt'");
  if (type === "Exempt") {
    if (has(of, "limited"))
      yield fieldForbidden(spec.child("limited"), "must be nil if the type is not Limited");
    if (has(of, "exempt")) yield* shareErrors(membersAt(of, "exempt"), spec.child("exempt"));
  } else if (type === "Limited") {
    if (has(of, "exempt")) yield fieldForbidden(spec.child("exempt"), "must be nil if the type is Limited");
    if (has(of, "limited")) yield* limitedErrors(membersAt(of, "limited"), spec.child("limited"));
    else yield fieldRequired(spec.child("limited"), "must not be empty when type is Limited");
  } else if (type === "") yield fieldRequired(spec.child("type"));
  else yield fieldNotSupported(spec.child("type"), type, ["Exempt", "Limited"]);
}

function* shareErrors(of: Members, path: FieldPath, between: Errors = []): Errors {
  const shares = numberAt(of, "nominalConcurrencyShares") ?? 0;
  if (shares < 0)
    yield fieldInvalid(path.child("nominalConcurrencyShares"), shares, "must be a non-negative integer");
  yield* between;
  const percent = numberAt(of, "lendablePercent") ?? 0;
  if (percent < 0 || percent > 100)
    yield fieldInvalid(path.child("lendablePercent"), percent, inclusiveRange(0, 100));
}

function* limitedErrors(of: Members, path: FieldPath): Errors {
  yield* shareErrors(of, path, responseErrors(membersAt(of, "limitResponse"), path.child("limitResponse")));
  const borrowed = numberAt(of, "borrowingLimitPercent") ?? 0;
  if (borrowed < 0) {
    const detail = "if specified, must be a non-negative integer";
    yield fieldInvalid(path.child("borrowingLimitPercent"), borrowed, detail);
  }
}

function* responseErrors(of: Members, path: FieldPath): Errors {
  const type = textAt(of, "type");
  const at = path.child("queuing");
  if (type === "Reject") {
    if (has(of, "queuing"))
      yield fieldForbidden(at, "must be nil if limited.limitResponse.type is not Limited");
  } else if (type === "Queue") {
    if (has(of, "queuing")) yield* queuingErrors(membersAt(of, "queuing"), at);
    else yield fieldRequired(at, "must not be empty if limited.limitResponse.type is Limited");
  } else if (type === "") yield fieldRequired(path.child("type"));
  else yield fieldNotSupported(path.child("type"), type, ["Queue", "Reject"]);
}

function* queuingErrors(of: Members, path: FieldPath): Errors {
  const number = (field: string): number => numberAt(of, field) ?? 0;
  const positive = "must be positive";
  const length = number("queueLengthLimit");
  if (length <= 0) yield fieldInvalid(path.child("queueLengthLimit"), length, positive);
  const queues = number("queues");
  if (queues <= 0) yield fieldInvalid(path.child("queues"), queues, positive);
  else if (queues > maxQueues)
    yield fieldInvalid(path.child("queues"), queues, `must not be greater than ${maxQueues}`);
  const hand = number("handSize");
  const at = path.child("handSize");
  if (hand <= 0) yield fieldInvalid(at, hand, positive);
  else if (hand > queues) yield fieldInvalid(at, hand, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * hand) > hashBits) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${hand} should not be greater than ${hashBits}`;
    yield fieldInvalid(at, hand, detail);
  }
}

/** Conditions of both kinds' statuses. */
export function* flowConditionErrors(object: KubeObject): Errors {
  const seen = new Set<string>();
  for (const [index, condition] of listAt(object, "status", "conditions").entries()) {
    const at = FieldPath.of("status", "conditions").index(index).child("type");
    const type = textAt(condition, "type");
    if (seen.has(type)) yield fieldDuplicate(at, type);
    seen.add(type);
    if (type === "") yield fieldRequired(at);
  }
}
