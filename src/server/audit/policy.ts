/** What of a request is remembered: rules of `audit.k8s.io/v1` Policy (k8s.io/apiserver pkg/audit/policy/checker.go). */
import type { UserInfo } from "#authn/user-info.ts";
import type { Attributes } from "#authz/authorizer.ts";

/** From nothing to everything. */
export const auditLevels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = (typeof auditLevels)[number];

export const auditStages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type AuditStage = (typeof auditStages)[number];

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  /** For all rules, besides their own. */
  readonly omitStages: readonly AuditStage[];
  /** For rules that do not say. */
  readonly omitManagedFields: boolean;
}

/** All that is said must match; empty lists say nothing. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  /** The empty string is for what is in no namespace. */
  readonly namespaces: readonly string[];
  /** Paths; a `*` at the end stands for the rest. */
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean | undefined;
}

export interface GroupResources {
  /** `*` for all. */
  readonly group: string;
  /** `pods`, `pods/log`, `pods/*`, any resource's `scale`, `*`; empty for all. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** What the policy says of one request. */
export interface RequestAudit {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

/** `user` is undefined where nobody could be authenticated. */
export type AuditEvaluator = (attributes: Attributes, user: UserInfo | undefined) => RequestAudit;

/** The first rule that matches decides; what no rule matches is not remembered. */
export function auditEvaluator(policy: AuditPolicy): AuditEvaluator {
  const rules = policy.rules.map((rule) => ({
    rule,
    audit: {
      level: rule.level,
      omitStages: new Set([...policy.omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
    },
  }));
  const otherwise: RequestAudit = {
    level: "None",
    omitStages: new Set(policy.omitStages),
    omitManagedFields: policy.omitManagedFields,
  };
  return (attributes, user) =>
    rules.find(({ rule }) => ruleMatches(rule, attributes, user))?.audit ?? otherwise;
}

function ruleMatches(rule: AuditRule, attributes: Attributes, user: UserInfo | undefined): boolean {
  if (rule.users.length > 0 && (user === undefined || !rule.users.includes(user.name))) return false;
  if (rule.userGroups.length > 0 && user?.groups.some((group) => rule.userGroups.includes(group)) !== true)
    return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(attributes.verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return matchesResource(rule, attributes);
  if (rule.nonResourceURLs.length > 0)
    return (
      !attributes.resourceRequest && rule.nonResourceURLs.some((url) => matchesPath(url, attributes.path))
    );
  return true;
}

const matchesPath = (url: string, path: string): boolean =>
  url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.replace(/\*+$/, "")));

function matchesResource(rule: AuditRule, attributes: Attributes): boolean {
  if (!attributes.resourceRequest) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(attributes.namespace)) return false;
  return rule.resources.length === 0 || rule.resources.some((one) => matchesGroup(one, attributes));
}

function matchesGroup({ group, resources, resourceNames }: GroupResources, attributes: Attributes): boolean {
  if (group !== "*" && group !== attributes.apiGroup) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(attributes.name)) return false;
  const { resource, subresource } = attributes;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some(
    (one) =>
      one === "*" ||
      one === combined ||
      (subresource !== "" && one === `*/${subresource}`) ||
      one === `${resource}/*`,
  );
}
