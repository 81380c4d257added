/** Columns of the kinds that every workspace serves (pkg/printers/internalversion/printers.go). */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { humanDuration } from "#machinery/values/duration.ts";
import { ageOf } from "./age.ts";
import {
  age,
  column,
  columns,
  get,
  list,
  members,
  name,
  nameOf,
  number,
  present,
  shown,
  sorted,
  string,
  text,
  wide,
} from "./define.ts";
import { goSelector } from "./selector.ts";
import type { Columns } from "./types.ts";

const count = (title: string, type: "string" | "integer", ...path: string[]) =>
  column(title, (object) => list(object, ...path).length, { type });

const firstOf = (...values: string[]): string => values.find((value) => value !== "") ?? "";

// events.k8s.io/v1 renames fields of the same kind.
const eventTime = (event: JsonObject, now: number): { first: string; last: string } => {
  const either = (coreName: string, newName: string) => get(event, coreName) ?? get(event, newName);
  const firstStamp = either("firstTimestamp", "deprecatedFirstTimestamp") ?? get(event, "eventTime");
  const lastStamp = either("lastTimestamp", "deprecatedLastTimestamp");
  const first = ageOf(firstStamp, now);
  if (present(event, "series")) return { first, last: ageOf(get(event, "series", "lastObservedTime"), now) };
  return { first, last: lastStamp === undefined || lastStamp === null ? first : ageOf(lastStamp, now) };
};
const eventCount = (event: JsonObject): number => {
  if (present(event, "series")) return number(event, "series", "count");
  return number(event, "count") || number(event, "deprecatedCount") || 1;
};
const eventObject = (event: JsonObject): JsonValue | undefined =>
  get(event, "involvedObject") ?? get(event, "regarding");
const eventTarget = (event: JsonObject): string => {
  const target = eventObject(event);
  const kind = text(target, "kind").toLowerCase();
  return text(target, "name") === "" ? kind : `${kind}/${text(target, "name")}`;
};
const eventSource = (event: JsonObject): string => {
  const source = get(event, "source") ?? get(event, "deprecatedSource");
  const reporter = firstOf(text(event, "reportingComponent"), text(event, "reportingController"));
  const component = firstOf(text(source, "component"), reporter);
  const instance = firstOf(text(source, "host"), text(event, "reportingInstance"));
  return instance === "" ? component : `${component}, ${instance}`;
};

const events: Columns = columns(
  column("Last Seen", (event, now) => eventTime(event, now).last),
  string("Type", "type"),
  string("Reason", "reason"),
  column("Object", eventTarget),
  wide("Subobject", (event) => text(eventObject(event), "fieldPath")),
  wide("Source", eventSource),
  column("Message", (event) => firstOf(text(event, "message"), text(event, "note")).trim()),
  wide("First Seen", (event, now) => eventTime(event, now).first),
  wide("Count", eventCount),
  column("Name", nameOf, { wide: true, format: "name" }),
);

const quota =
  (limits: boolean) =>
  (object: JsonObject): string =>
    sorted(members(object, "status", "hard").map(([resource]) => resource))
      .filter((resource) => (resource.startsWith("limits.") ? limits : !limits))
      .map((resource) => {
        const used = shown(get(object, "status", "used", resource)) || "0";
        return `${resource}: ${used}/${shown(get(object, "status", "hard", resource)) || "0"}`;
      })
      .join(", ");

const subjects = (object: JsonObject, kind: string): string =>
  list(object, "subjects")
    .filter((subject) => text(subject, "kind") === kind)
    .map(
      (subject) =>
        (kind === "ServiceAccount" ? `${text(subject, "namespace")}/` : "") + text(subject, "name"),
    )
    .join(", ");

const bindings: Columns = columns(
  name,
  column("Role", (object) => `${text(object, "roleRef", "kind")}/${text(object, "roleRef", "name")}`),
  age,
  wide("Users", (object) => subjects(object, "User")),
  wide("Groups", (object) => subjects(object, "Group")),
  wide("ServiceAccounts", (object) => subjects(object, "ServiceAccount")),
);

const paramKind = column("ParamKind", (object) => {
  const kind = get(object, "spec", "paramKind");
  return present(kind) ? `${text(kind, "apiVersion")}/${text(kind, "kind")}` : "<unset>";
});
const paramRef = column("ParamRef", (object) => {
  const ref = get(object, "spec", "paramRef");
  const refName = text(ref, "name");
  // Whether a parameter has a namespace cannot be told from here: "*" stands for the one of the request.
  if (refName !== "") return `${firstOf(text(ref, "namespace"), "*")}/${refName}`;
  return present(ref, "selector") ? goSelector(get(ref, "selector")) : "<unset>";
});
const webhooks: Columns = columns(name, count("Webhooks", "integer", "webhooks"), age);
const policy = (title: string, field: string): Columns =>
  columns(name, count(title, "integer", "spec", field), paramKind, age);
const policyBinding: Columns = columns(name, string("PolicyName", "spec", "policyName"), paramRef, age);

const csrCondition = (object: JsonObject): string => {
  const has = (type: string) =>
    list(object, "status", "conditions").some((one) => text(one, "type") === type);
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  const issued = text(object, "status", "certificate") !== "";
  return `${decision}${has("Failed") ? ",Failed" : ""}${issued ? ",Issued" : ""}`;
};

export const coreColumns: Readonly<Record<string, Columns>> = {
  "/namespaces": columns(name, string("Status", "status", "phase"), age),
  "/configmaps": columns(
    name,
    column("Data", (object) => members(object, "data").length + members(object, "binaryData").length),
    age,
  ),
  "/secrets": columns(
    name,
    string("Type", "type"),
    column("Data", (object) => members(object, "data").length),
    age,
  ),
  "/serviceaccounts": columns(name, age),
  "/resourcequotas": columns(name, column("Request", quota(false)), column("Limit", quota(true)), age),
  "/events": events,
  "events.k8s.io/events": events,
  "coordination.k8s.io/leases": columns(name, string("Holder", "spec", "holderIdentity"), age),
  "rbac.authorization.k8s.io/rolebindings": bindings,
  "rbac.authorization.k8s.io/clusterrolebindings": bindings,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingadmissionpolicies": policy("Validations", "validations"),
  "admissionregistration.k8s.io/mutatingadmissionpolicies": policy("Mutations", "mutations"),
  "admissionregistration.k8s.io/validatingadmissionpolicybindings": policyBinding,
  "admissionregistration.k8s.io/mutatingadmissionpolicybindings": policyBinding,
  "certificates.k8s.io/certificatesigningrequests": columns(
    name,
    age,
    column("SignerName", (object) => firstOf(text(object, "spec", "signerName"), "<none>")),
    string("Requestor", "spec", "username"),
    column("RequestedDuration", (object) =>
      present(object, "spec", "expirationSeconds")
        ? humanDuration(number(object, "spec", "expirationSeconds") * 1_000)
        : "<none>",
    ),
    column("Condition", csrCondition),
  ),
};
