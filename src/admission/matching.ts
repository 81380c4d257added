/**
 * Which writes a webhook or policy concerns (k8s.io/apiserver pkg/admission/plugin/webhook/{generic,predicates} and
 * plugin/policy/matching).
 */
import type { GroupVersionKind } from "#machinery/meta/object.ts";
import { selectorChooses } from "#registry/strategies/label-selector.ts";
import { listAt, membersAt, textAt, textsAt, valueAt } from "#registry/strategies/members.ts";
import { isNamespaces, type Write } from "./write.ts";

/** RuleWithOperations, and the names of a policy's rule (empty = all). */
interface Rule {
  readonly operations: readonly string[];
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  /** `pods`, `pods/status`, `* / *` without spaces, split. */
  readonly resources: readonly (readonly [string, string])[];
  readonly scope: string;
  readonly names: readonly string[];
}

/** Rules and selectors of a webhook, or the MatchResources of a policy. */
export interface Match {
  readonly rules: readonly Rule[];
  readonly excluded: readonly Rule[];
  /** Without rules everything is matched, which bindings may leave to their policy. */
  readonly emptyMatchesAll: boolean;
  readonly equivalent: boolean;
  readonly namespaceSelector: unknown;
  readonly objectSelector: unknown;
}

/** The form in which the webhook or policy wants to see the write. */
export interface Matched {
  readonly version: string;
  readonly kind: GroupVersionKind;
}

export const webhookMatch = (webhook: unknown): Match => ({
  rules: listAt(webhook, "rules").map(ruleOf),
  excluded: [],
  emptyMatchesAll: false,
  equivalent: textAt(webhook, "matchPolicy") !== "Exact",
  ...selectorsOf(webhook),
});

/** `matchConstraints` or `matchResources`. */
export const policyMatch = (resources: unknown): Match => ({
  rules: listAt(resources, "resourceRules").map(ruleOf),
  excluded: listAt(resources, "excludeResourceRules").map(ruleOf),
  emptyMatchesAll: true,
  equivalent: textAt(resources, "matchPolicy") !== "Exact",
  ...selectorsOf(resources),
});

const selectorsOf = (of: unknown) => ({
  namespaceSelector: valueAt(of, "namespaceSelector"),
  objectSelector: valueAt(of, "objectSelector"),
});

const ruleOf = (rule: unknown): Rule => ({
  operations: textsAt(rule, "operations"),
  groups: textsAt(rule, "apiGroups"),
  versions: textsAt(rule, "apiVersions"),
  resources: textsAt(rule, "resources").map((text) => {
    const slash = text.indexOf("/");
    return slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  }),
  scope: textAt(rule, "scope"),
  names: textsAt(rule, "resourceNames"),
});

/**
 * The form in which a write is matched; undefined when it is not.
 * @throws StatusError 404 when the selector asks for a namespace that is not there
 */
export function matchWrite(write: Write, match: Match): Matched | undefined {
  if (ruled(write, match.excluded, match.equivalent) !== undefined) return undefined;
  const { version, kind } = write.attributes;
  const found =
    match.rules.length === 0 && match.emptyMatchesAll
      ? { version, kind }
      : ruled(write, match.rules, match.equivalent);
  if (found === undefined) return undefined;
  return selectsObject(write, match.objectSelector) && selectsNamespace(write, match.namespaceSelector)
    ? found
    : undefined;
}

/** Earlier rules are honoured first; other versions of the resource only where no rule names the request's own. */
function ruled(write: Write, rules: readonly Rule[], equivalent: boolean): Matched | undefined {
  if (rules.length === 0) return undefined;
  const { version, kind, resource, forms } = write.attributes;
  if (rules.some((rule) => ruleMatches(write, rule, version))) return { version, kind };
  if (!equivalent || resource.info.versions.length < 2) return undefined;
  for (const rule of rules) {
    for (const other of resource.info.versions) {
      if (other.version === version || !ruleMatches(write, rule, other.version)) continue;
      const otherKind = forms.kindIn(other.version);
      if (otherKind !== undefined) return { version: other.version, kind: otherKind };
    }
  }
  return undefined;
}

function ruleMatches(write: Write, rule: Rule, version: string): boolean {
  const { operation, resource, subresource, name } = write.attributes;
  return (
    holds(rule.operations, operation) &&
    holds(rule.groups, resource.group) &&
    holds(rule.versions, version) &&
    rule.resources.some(
      ([wanted, sub]) =>
        (wanted === "*" || wanted === resource.resource) && (sub === "*" || sub === subresource),
    ) &&
    inScope(write, rule.scope) &&
    (rule.names.length === 0 || rule.names.includes(name))
  );
}

const holds = (list: readonly string[], value: string): boolean => list.includes("*") || list.includes(value);

/** A Namespace is cluster-scoped, although it is in itself by its URL. */
function inScope(write: Write, scope: string): boolean {
  if (scope === "" || scope === "*") return true;
  const namespaced = !isNamespaces(write.attributes.resource) && write.namespace !== "";
  return scope === "Namespaced" ? namespaced : scope === "Cluster" && !namespaced;
}

const selectsAll = (selector: unknown): boolean =>
  Object.keys(membersAt(selector, "matchLabels")).length === 0 &&
  listAt(selector, "matchExpressions").length === 0;

/** Cluster-scoped kinds are never exempted. */
function selectsNamespace(write: Write, selector: unknown): boolean {
  if (selectsAll(selector)) return true;
  if (write.namespace === "" && !isNamespaces(write.attributes.resource)) return true;
  return selectorChooses(selector, write.namespaceLabels());
}

function selectsObject(write: Write, selector: unknown): boolean {
  if (selectsAll(selector)) return true;
  const { object } = write;
  const { old } = write.attributes;
  return (
    (object !== undefined && selectorChooses(selector, object.metadata.labels ?? {})) ||
    (old !== undefined && selectorChooses(selector, old.metadata.labels ?? {}))
  );
}
