/** From the text of `--audit-policy-file` to rules (k8s.io/apiserver pkg/audit/policy/reader.go, pkg/apis/audit/validation). */
import { quote } from "#base/quote.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import {
  aggregateFieldErrors,
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { jsonTypeName, notAnObject } from "../endpoints/decode-body.ts";
import { type AuditPolicy, type AuditRule, auditLevels, auditStages, type GroupResources } from "./policy.ts";
import { policyType, policyTypes } from "./policy-schema.ts";

export interface ReadPolicy {
  readonly policy: AuditPolicy;
  /** What the operator should know of the file, though it can be used. */
  readonly warning: string | undefined;
}

const knownVersion = "audit.k8s.io/v1";
const otherKinds: readonly string[] = ["Event", "EventList", "PolicyList"];

/** @throws Error with kube-apiserver's words for what is wrong */
export function readAuditPolicy(bytes: Uint8Array): ReadPolicy {
  const { value, duplicates } = decoding(() => readYaml(bytes, { duplicates: true }));
  const raw = ofKind(value);
  const decoded = decoding(() => new TypeCompiler(policyTypes).compile(policyType).decode(raw));
  const policy = policyOf(decoded.value);
  const errors = policyErrors(policy);
  if (errors.length > 0) throw new Error(aggregateFieldErrors(errors));
  if (policy.rules.length === 0) throw new Error("loaded illegal policy with 0 rules");
  const problems = [...duplicates.map((path) => `duplicate field ${quote(path)}`), ...decoded.unknownFields];
  if (problems.length === 0) return { policy, warning: undefined };
  const why = `strict decoding error: ${problems.join(", ")}`;
  return { policy, warning: `Audit policy contains errors, falling back to lenient decoding: ${why}` };
}

function decoding<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new Error(`failed decoding: ${(error as Error).message}`);
  }
}

/** A missing kind is taken for the right one. */
function ofKind(value: JsonValue): JsonObject {
  if (value !== null && !isJsonObject(value)) throw new Error(`failed decoding: ${notAnObject(value)}`);
  const { kind: given = "", apiVersion = "" } = value ?? {};
  for (const [name, text] of Object.entries({ apiVersion, kind: given }))
    if (typeof text !== "string")
      throw new Error(
        `failed decoding: couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeName(text)} into Go struct field .${name} of type string`,
      );
  const kind = given === "" ? "Policy" : String(given);
  if (apiVersion === "" && kind === "Policy")
    throw new Error("unknown group version field audit.k8s.io/__internal, Kind=Policy in policy");
  if (apiVersion === knownVersion && kind === "Policy") return value ?? {};
  throw new Error(
    apiVersion === knownVersion && otherKinds.includes(kind)
      ? `failed decoding: converting (v1.${kind}) to (audit.Policy): unknown conversion`
      : `failed decoding: no kind ${quote(kind)} is registered for version ${quote(String(apiVersion))} in scheme "pkg/runtime/scheme.go:111"`,
  );
}

const list = <T>(value: JsonValue | undefined): readonly T[] =>
  Array.isArray(value) ? (value as unknown as T[]) : [];

/** Checked by {@link policyErrors} afterwards. */
const policyOf = (value: JsonObject): AuditPolicy => ({
  rules: list<JsonObject>(value.rules).map(ruleOf),
  omitStages: list(value.omitStages),
  omitManagedFields: value.omitManagedFields === true,
});

const ruleOf = (rule: JsonObject): AuditRule => ({
  level: (rule.level ?? "") as AuditRule["level"],
  users: list(rule.users),
  userGroups: list(rule.userGroups),
  verbs: list(rule.verbs),
  resources: list<JsonObject>(rule.resources).map(({ group, resources, resourceNames }) => ({
    group: typeof group === "string" ? group : "",
    resources: list(resources),
    resourceNames: list(resourceNames),
  })),
  namespaces: list(rule.namespaces),
  nonResourceURLs: list(rule.nonResourceURLs),
  omitStages: list(rule.omitStages),
  omitManagedFields: typeof rule.omitManagedFields === "boolean" ? rule.omitManagedFields : undefined,
});

const policyErrors = ({ rules, omitStages }: AuditPolicy): FieldError[] => [
  ...stageErrors(omitStages, FieldPath.of("omitStages")),
  ...rules.flatMap((rule, index) => ruleErrors(rule, FieldPath.of("rules").index(index))),
];

function ruleErrors(rule: AuditRule, path: FieldPath): FieldError[] {
  const { level, nonResourceURLs, resources, namespaces } = rule;
  const errors: FieldError[] = [];
  if ((level as string) === "") errors.push(fieldRequired(path.child("level")));
  else if (!auditLevels.includes(level))
    errors.push(fieldNotSupported(path.child("level"), level, [...auditLevels]));
  const urls = path.child("nonResourceURLs");
  nonResourceURLs.forEach((url, index) => {
    if (url === "*") return;
    if (!url.startsWith("/"))
      errors.push(
        fieldInvalid(urls.index(index), url, "non-resource URL rules must begin with a '/' character"),
      );
    if (url.slice(0, -1).includes("*"))
      errors.push(
        fieldInvalid(
          urls.index(index),
          url,
          "non-resource URL wildcards '*' must be the final character of the rule",
        ),
      );
  });
  errors.push(...resources.flatMap((one) => resourceErrors(one, path.child("resources"))));
  errors.push(...stageErrors(rule.omitStages, path.child("omitStages")));
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0))
    errors.push(
      fieldInvalid(
        urls,
        nonResourceURLs,
        "rules cannot apply to both regular resources and non-resource URLs",
      ),
    );
  return errors;
}

function resourceErrors({ group, resources, resourceNames }: GroupResources, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = group === "" || group === "*" ? [] : dns1123SubdomainErrors(group);
  if (wrong.length > 0) errors.push(fieldInvalid(path.child("group"), group, wrong.join(",")));
  if (resourceNames.length > 0 && resources.length === 0)
    errors.push(
      fieldInvalid(
        path.child("resourceNames"),
        resourceNames,
        "using resourceNames requires at least one resource",
      ),
    );
  return errors;
}

const stageErrors = (stages: AuditPolicy["omitStages"], path: FieldPath): FieldError[] =>
  stages.flatMap((stage, index) =>
    auditStages.includes(stage)
      ? []
      : [fieldInvalid(path.index(index), stage, `allowed stages are ${auditStages.join(",")}`)],
  );
