/** certificates.k8s.io CertificateSigningRequest (k8s.io/kubernetes pkg/registry/certificates, pkg/apis/certificates/validation). */
import { X509Certificate } from "node:crypto";
import { quote } from "#base/quote.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  maxLabelLength,
  maxSubdomainLength,
} from "#machinery/names/dns.ts";
import type { Strategy, StrategyContext } from "#registry/strategy.ts";
import { timestamp } from "../system-fields.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "./members.ts";
import { pemBlocks } from "./pem.ts";
import { certificationRequestError } from "./pkcs10.ts";

const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
] as const;
const minExpirationSeconds = 600;
const decisions = ["Approved", "Denied"] as const;
/** Conditions that are true or absent, and that nobody takes back. */
const lasting = ["Approved", "Denied", "Failed"] as const;

const spec = FieldPath.of("spec");
const conditionsPath = FieldPath.of("status", "conditions");
const certificatePath = FieldPath.of("status", "certificate");

export const certificateSigningRequestStrategy: Strategy = {
  prepareForCreate(object, { requester: { user } }) {
    const { username: _u, uid: _i, groups: _g, extra: _e, ...given } = membersAt(object, "spec");
    object.spec = {
      ...given,
      ...(user.name === "" ? {} : { username: user.name }),
      ...(user.uid === "" ? {} : { uid: user.uid }),
      ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }),
      ...(Object.keys(user.extra).length === 0 ? {} : { extra: structuredClone(user.extra) }),
    };
  },
  prepareForUpdate(object, old, context) {
    object.spec = old.spec;
    if (context.subresource === "status") keepDecisions(object, old, context);
    else if (context.subresource === "approval") {
      const { conditions: _old, ...kept } = membersAt(old, "status");
      object.status = { ...kept, conditions: dated(listAt(object, "status", "conditions"), old, context) };
    } else if (old.status === undefined) delete object.status;
    else object.status = old.status;
  },
  validate: (object) => [...specErrors(object), ...conditionErrors(object)],
  validateUpdate: updateErrors,
  selectableFields: { "spec.signerName": (object) => textAt(object, "spec", "signerName") },
};

const ofType = (object: KubeObject, type: string): readonly Members[] =>
  listAt(object, "status", "conditions").filter((condition) => condition.type === type);

/** Signers keep the decisions as they are; adding or removing one is an error later. */
function keepDecisions(object: KubeObject, old: KubeObject, context: StrategyContext): void {
  const kept = new Map(
    decisions
      .filter((type) => ofType(object, type).length === ofType(old, type).length)
      .map((type) => [type as string, [...ofType(old, type)]]),
  );
  const conditions = listAt(object, "status", "conditions");
  if (conditions.length === 0) return;
  const merged = conditions.map((condition) => kept.get(textAt(condition, "type"))?.shift() ?? condition);
  object.status = { ...membersAt(object, "status"), conditions: dated(merged, old, context) };
}

/** Times that the client left out. A transition keeps its time while the status is the same. */
function dated(conditions: readonly Members[], old: KubeObject, { nowMs }: StrategyContext): Members[] {
  const now = timestamp(nowMs);
  return conditions.map((condition) => {
    const same = ofType(old, textAt(condition, "type")).find(
      (other) => other.status === condition.status && valueAt(other, "lastTransitionTime") !== undefined,
    );
    return {
      ...condition,
      lastUpdateTime: valueAt(condition, "lastUpdateTime") ?? now,
      lastTransitionTime: valueAt(condition, "lastTransitionTime") ?? same?.lastTransitionTime ?? now,
    };
  });
}

function specErrors(object: KubeObject): FieldError[] {
  const request = textAt(object, "spec", "request");
  const wrong = certificationRequestError(Buffer.from(request, "base64").toString("latin1"));
  const errors = wrong === undefined ? [] : [fieldInvalid(spec.child("request"), request, wrong)];
  const given = textsAt(object, "spec", "usages");
  if (given.length === 0) errors.push(fieldRequired(spec.child("usages")));
  given.forEach((usage, index) => {
    if (!(usages as readonly string[]).includes(usage))
      errors.push(fieldNotSupported(spec.child("usages").index(index), usage, usages));
  });
  given.forEach((usage, index) => {
    if (given.indexOf(usage) < index) errors.push(fieldDuplicate(spec.child("usages").index(index), usage));
  });
  const signerName = textAt(object, "spec", "signerName");
  const signerPath = spec.child("signerName");
  if (signerName === "kubernetes.io/legacy-unknown") {
    const detail = "the legacy signerName is not allowed via this API version";
    errors.push(fieldInvalid(signerPath, signerName, detail));
  } else errors.push(...signerNameErrors(signerName, signerPath));
  const seconds = valueAt(object, "spec", "expirationSeconds");
  if (typeof seconds === "number" && seconds < minExpirationSeconds) {
    const detail = "may not specify a duration less than 600 seconds (10 minutes)";
    errors.push(fieldInvalid(spec.child("expirationSeconds"), seconds, detail));
  }
  return errors;
}

/** `example.com/signer-name` (pkg/apis/core/validation ValidateSignerName). */
function signerNameErrors(name: string, path: FieldPath): FieldError[] {
  if (name === "") return [fieldRequired(path)];
  const segments = name.split("/");
  if (segments.length !== 2) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [fieldInvalid(path, name, detail)];
  }
  const [domain, rest] = segments as [string, string];
  const errors: FieldError[] = [];
  const first = (segment: string, check: (label: string) => readonly string[]): void => {
    const label = segment.split(".").find((part) => check(part).length > 0);
    if (label === undefined) return;
    for (const message of check(label))
      errors.push(fieldInvalid(path, segment, `validating label ${quote(label)}: ${message}`));
  };
  if (Buffer.byteLength(domain) > maxSubdomainLength) errors.push(fieldTooLong(path, maxSubdomainLength));
  first(domain, dns1123LabelErrors);
  if (!domain.includes(".")) {
    const detail = "should be a domain with at least two segments separated by dots";
    errors.push(fieldInvalid(path, domain, detail));
  }
  first(rest, dns1123SubdomainErrors);
  const longest = 2 * maxSubdomainLength + maxLabelLength + 2;
  if (Buffer.byteLength(name) > longest) errors.push(fieldTooLong(path, longest));
  return errors;
}

function conditionErrors(object: KubeObject): FieldError[] {
  const conditions = listAt(object, "status", "conditions");
  const seen = new Set<string>();
  return conditions.flatMap((condition, index) => {
    const path = conditionsPath.index(index);
    const type = textAt(condition, "type");
    const status = textAt(condition, "status");
    const allowed = (lasting as readonly string[]).includes(type) ? ["True"] : ["False", "True", "Unknown"];
    const errors: FieldError[] = [];
    if (type === "") errors.push(fieldRequired(path.child("type")));
    if (status === "") errors.push(fieldRequired(path.child("status")));
    else if (!allowed.includes(status)) errors.push(fieldNotSupported(path.child("status"), status, allowed));
    if ((type === "Approved" && seen.has("Denied")) || (type === "Denied" && seen.has("Approved"))) {
      const detail = "Approved and Denied conditions are mutually exclusive";
      errors.push(fieldInvalid(conditionsPath, type, detail));
    }
    if (seen.has(type)) errors.push(fieldDuplicate(path.child("type"), type));
    seen.add(type);
    return errors;
  });
}

/** The approval endpoint adds decisions, the status endpoint the certificate; nobody changes either afterwards. */
function updateErrors(object: KubeObject, old: KubeObject, { subresource }: StrategyContext): FieldError[] {
  const count = (of: KubeObject, type: string): number => ofType(of, type).length;
  const errors: FieldError[] = lasting
    .filter((type) => count(object, type) < count(old, type))
    .map((type) =>
      fieldForbidden(conditionsPath, `updates may not remove a condition of type ${quote(type)}`),
    );
  if (subresource !== "approval") {
    for (const type of decisions) {
      if (count(object, type) > count(old, type))
        errors.push(fieldForbidden(conditionsPath, `updates may not add a condition of type ${quote(type)}`));
    }
  }
  const certificate = textAt(object, "status", "certificate");
  const before = textAt(old, "status", "certificate");
  if (certificate === before) return errors;
  const wrong = certificateError(certificate);
  if (wrong !== undefined) errors.push(fieldInvalid(certificatePath, "<certificate data>", wrong));
  if (subresource !== "status")
    errors.push(fieldForbidden(certificatePath, "updates may not set certificate content"));
  else if (before !== "")
    errors.push(fieldForbidden(certificatePath, "updates may not modify existing certificate content"));
  return errors;
}

/** `status.certificate` holds PEM blocks of certificates, and text around them. */
function certificateError(base64: string): string | undefined {
  if (base64 === "") return undefined;
  const pem = Buffer.from(base64, "base64").toString("latin1");
  const blocks = pemBlocks(pem);
  for (const { type, body, text } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${quote(type)}`;
    if (body.includes(":")) return "no PEM block headers are permitted";
    try {
      new X509Certificate(text);
    } catch {
      return "x509: malformed certificate";
    }
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}
