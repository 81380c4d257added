/** Where pods may run: affinity, tolerations, spreading (pkg/apis/core/validation). */
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123LabelErrors } from "#machinery/names/dns.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";
import { labelSelectorErrors } from "../strategies/label-selector.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, invalids, numberAt, optionalWord } from "./checks.ts";
import { nodeSelectorErrors, nodeTermErrors } from "./node-selector.ts";

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

function* weightErrors(of: Members, path: FieldPath): Errors {
  const weight = numberAt(of, "weight") ?? 0;
  if (weight <= 0 || weight > 100)
    yield fieldInvalid(path.child("weight"), weight, "must be in the range 1-100");
}

export function* affinityErrors(affinity: Members, path: FieldPath): Errors {
  const node = membersAt(affinity, "nodeAffinity");
  const nodeAt = path.child("nodeAffinity");
  if (has(node, required)) yield* nodeSelectorErrors(membersAt(node, required), nodeAt.child(required));
  for (const [index, term] of listAt(node, preferred).entries()) {
    const at = nodeAt.child(preferred).index(index);
    yield* weightErrors(term, at);
    // A preference that nothing can fulfil does no harm.
    yield* nodeTermErrors(membersAt(term, "preference"), at.child("preference"), false);
  }
  for (const field of ["podAffinity", "podAntiAffinity"]) {
    const pods = membersAt(affinity, field);
    for (const [index, term] of listAt(pods, required).entries())
      yield* podTermErrors(term, path.child(field, required).index(index));
    for (const [index, term] of listAt(pods, preferred).entries()) {
      const at = path.child(field, preferred).index(index);
      yield* weightErrors(term, at);
      yield* podTermErrors(membersAt(term, "podAffinityTerm"), at.child("podAffinityTerm"));
    }
  }
}

function* podTermErrors(term: Members, path: FieldPath): Errors {
  yield* labelSelectorErrors(valueAt(term, "labelSelector"), path.child("labelSelector"));
  yield* labelSelectorErrors(valueAt(term, "namespaceSelector"), path.child("namespaceSelector"));
  for (const name of textsAt(term, "namespaces"))
    yield* invalids(path.child("namespace"), name, dns1123LabelErrors(name));
  yield* labelKeysErrors(term, path);
  const key = textAt(term, "topologyKey");
  const at = path.child("topologyKey");
  if (key === "") yield fieldRequired(at, "can not be empty");
  yield* invalids(at, key, qualifiedNameErrors(key));
}

/** Keys whose values are taken from the pod; a selector that already asks for one of them is ambiguous. */
function* labelKeysErrors(of: Members, path: FieldPath): Errors {
  const match = textsAt(of, "matchLabelKeys");
  const mismatch = textsAt(of, "mismatchLabelKeys");
  const places = new Map(match.map((key, index) => [key, index]));
  const others = new Set(mismatch);
  for (const [field, keys] of [
    ["matchLabelKeys", match],
    ["mismatchLabelKeys", mismatch],
  ] as const) {
    if (keys.length === 0) continue;
    if (!has(of, "labelSelector"))
      yield fieldForbidden(path.child(field), "must not be specified when labelSelector is not set");
    else
      for (const [index, key] of keys.entries())
        yield* invalids(path.child(field).index(index), key, qualifiedNameErrors(key));
  }
  const seen = new Set(pairsAt(of, "labelSelector", "matchLabels").map(([key]) => key));
  for (const expression of listAt(of, "labelSelector", "matchExpressions")) {
    const key = textAt(expression, "key");
    const index = places.get(key);
    if (index !== undefined && seen.has(key))
      yield fieldInvalid(path.index(index), key, "exists in both matchLabelKeys and labelSelector");
    seen.add(key);
  }
  for (const [index, key] of match.entries()) {
    const at = path.child("matchLabelKeys").index(index);
    if (others.has(key)) yield fieldInvalid(at, key, "exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

export function* tolerationErrors(tolerations: readonly Members[], path: FieldPath): Errors {
  for (const [index, toleration] of tolerations.entries()) {
    const at = path.index(index);
    const key = textAt(toleration, "key");
    const operator = textAt(toleration, "operator");
    const effect = textAt(toleration, "effect");
    const value = textAt(toleration, "value");
    if (key !== "") yield* invalids(at.child("key"), key, qualifiedNameErrors(key));
    else if (operator !== "Exists") {
      const detail =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      yield fieldInvalid(at.child("operator"), operator, detail);
    }
    if (has(toleration, "tolerationSeconds") && effect !== "NoExecute")
      yield fieldInvalid(
        at.child("effect"),
        effect,
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    if (operator === "Exists") {
      if (value !== "")
        yield fieldInvalid(at.child("operator"), value, "value must be empty when `operator` is 'Exists'");
    } else if (operator === "Equal" || operator === "") {
      const messages = labelValueErrors(value);
      if (messages.length > 0) yield fieldInvalid(at.child("operator"), value, messages.join(";"));
    } else {
      const supported =
        operator === "Lt" || operator === "Gt" ? ["Equal", "Exists", "Lt", "Gt"] : ["Equal", "Exists"];
      yield fieldNotSupported(at.child("operator"), operator, supported);
    }
    if (effect !== "" && !(effects as readonly string[]).includes(effect))
      yield fieldNotSupported(at.child("effect"), effect, effects);
  }
}

export function* spreadErrors(constraints: readonly Members[], path: FieldPath): Errors {
  const pair = (of: Members): string => `{${textAt(of, "topologyKey")}, ${textAt(of, "whenUnsatisfiable")}}`;
  const last = new Map(constraints.map((each, index) => [pair(each), index]));
  for (const [index, constraint] of constraints.entries()) {
    const at = path.index(index);
    const skew = numberAt(constraint, "maxSkew") ?? 0;
    if (skew <= 0) yield fieldInvalid(at.child("maxSkew"), skew, "must be greater than zero");
    const key = textAt(constraint, "topologyKey");
    if (key === "") yield fieldRequired(at.child("topologyKey"), "can not be empty");
    const action = textAt(constraint, "whenUnsatisfiable");
    if (action !== "DoNotSchedule" && action !== "ScheduleAnyway")
      yield fieldNotSupported(at.child("whenUnsatisfiable"), action, ["DoNotSchedule", "ScheduleAnyway"]);
    if (last.get(pair(constraint))! > index)
      yield fieldDuplicate(at.child("{topologyKey, whenUnsatisfiable}"), pair(constraint));
    const domains = numberAt(constraint, "minDomains");
    if (domains !== undefined) {
      if (domains <= 0) yield fieldInvalid(at.child("minDomains"), domains, "must be greater than zero");
      if (action !== "DoNotSchedule") {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
        yield fieldInvalid(at.child("minDomains"), domains, detail);
      }
    }
    for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"])
      yield* optionalWord(constraint, field, at, ["Honor", "Ignore"]);
    yield* labelKeysErrors(constraint, at);
    yield* labelSelectorErrors(valueAt(constraint, "labelSelector"), at.child("labelSelector"));
  }
}
