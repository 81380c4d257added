/** Ingresses and network policies (pkg/apis/networking/validation). */
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  pathSegmentErrors,
  patternError,
} from "#machinery/names/dns.ts";
import { labelSelectorErrors } from "../strategies/label-selector.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { ipErrors, isPartOf, parseRange, rangeErrors } from "./addresses.ts";
import {
  type Errors,
  has,
  invalids,
  ipFamily,
  numberAt,
  portErrors,
  portNameErrors,
  portNumberErrors,
} from "./checks.ts";
import { ingressHostErrors } from "./service.ts";

const spec = FieldPath.of("spec");
const classAnnotation = "kubernetes.io/ingress.class";

function* hostErrors(host: string, path: FieldPath): Errors {
  if (!host.includes("*")) yield* invalids(path, host, dns1123SubdomainErrors(host));
  else if (!host.startsWith("*.") || dns1123SubdomainErrors(host.slice(2)).length > 0) {
    const message =
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    const pattern = `\\*\\.${label}(\\.${label})*`;
    yield* invalids(path, host, [patternError(message, pattern, "*.example.com")]);
  }
}

export function* ingressErrors(object: KubeObject): Errors {
  const ingress = membersAt(object, "spec");
  const rules = listAt(ingress, "rules");
  if (rules.length === 0 && !has(ingress, "defaultBackend"))
    yield fieldInvalid(
      spec,
      valueAt(ingress, "rules") ?? null,
      "either `defaultBackend` or `rules` must be specified",
    );
  if (has(ingress, "defaultBackend"))
    yield* backendErrors(membersAt(ingress, "defaultBackend"), spec.child("defaultBackend"));
  for (const [index, rule] of rules.entries()) yield* ruleErrors(rule, spec.child("rules").index(index));
  for (const [index, tls] of listAt(ingress, "tls").entries()) {
    const at = spec.child("tls").index(index);
    for (const [place, host] of textsAt(tls, "hosts").entries())
      yield* hostErrors(host, at.child("hosts").index(place));
    const secret = textAt(tls, "secretName");
    if (secret !== "") yield* invalids(at.child("secretName"), secret, dns1123SubdomainErrors(secret));
  }
  if (!has(ingress, "ingressClassName")) return;
  const name = textAt(ingress, "ingressClassName");
  yield* invalids(spec.child("ingressClassName"), name, dns1123SubdomainErrors(name));
}

function* ruleErrors(rule: Members, path: FieldPath): Errors {
  const host = textAt(rule, "host");
  if (host !== "") {
    if (ipFamily(host) !== 0)
      yield fieldInvalid(path.child("host"), host, "must be a DNS name, not an IP address");
    yield* hostErrors(host, path.child("host"));
  }
  if (!has(rule, "http")) return;
  const at = path.child("http", "paths");
  const paths = listAt(rule, "http", "paths");
  if (paths.length === 0) yield fieldRequired(at);
  for (const [index, each] of paths.entries()) yield* pathErrors(each, at.index(index));
}

function* pathErrors(of: Members, path: FieldPath): Errors {
  if (!has(of, "pathType")) {
    yield fieldRequired(path.child("pathType"), "pathType must be specified");
    return;
  }
  const type = textAt(of, "pathType");
  const target = textAt(of, "path");
  const at = path.child("path");
  if (type === "Exact" || type === "Prefix") {
    if (!target.startsWith("/")) yield fieldInvalid(at, target, "must be an absolute path");
    for (const part of ["//", "/./", "/../", "%2f", "%2F"])
      if (target.includes(part)) yield fieldInvalid(at, target, `must not contain '${part}'`);
    for (const end of ["/..", "/."])
      if (target.endsWith(end)) yield fieldInvalid(at, target, `cannot end with '${end}'`);
  } else if (type === "ImplementationSpecific") {
    if (target !== "" && !target.startsWith("/")) yield fieldInvalid(at, target, "must be an absolute path");
  } else yield fieldNotSupported(path.child("pathType"), type, ["Exact", "ImplementationSpecific", "Prefix"]);
  yield* backendErrors(membersAt(of, "backend"), path.child("backend"));
}

function* backendErrors(backend: Members, path: FieldPath): Errors {
  const service = membersAt(backend, "service");
  if (has(backend, "resource") && has(backend, "service"))
    yield fieldInvalid(path, "", "cannot set both resource and service backends");
  else if (has(backend, "resource"))
    yield* referenceErrors(membersAt(backend, "resource"), path.child("resource"));
  else if (!has(backend, "service")) yield fieldInvalid(path, "", "resource or service backend is required");
  else {
    const at = path.child("service");
    const name = textAt(service, "name");
    if (name === "") yield fieldRequired(at.child("name"));
    else yield* invalids(at.child("name"), name, dns1123LabelErrors(name));
    const port = textAt(service, "port", "name");
    const number = numberAt(service, "port", "number") ?? 0;
    if (port !== "" && number !== 0) yield fieldInvalid(path, "", "cannot set both port name & port number");
    else if (port !== "") yield* invalids(at.child("port", "name"), port, portNameErrors(port));
    else if (number !== 0) yield* invalids(at.child("port", "number"), number, portNumberErrors(number));
    else yield fieldRequired(path, "port name or number is required");
  }
}

function* referenceErrors(reference: Members, path: FieldPath): Errors {
  if (has(reference, "apiGroup")) {
    const group = textAt(reference, "apiGroup");
    yield* invalids(path.child("apiGroup"), group, dns1123SubdomainErrors(group));
  }
  for (const field of ["kind", "name"]) {
    const value = textAt(reference, field);
    if (value === "") yield fieldRequired(path.child(field));
    else yield* invalids(path.child(field), value, pathSegmentErrors(value));
  }
}

/** The class may be told twice, once in the way of before there was a field. */
export function ingressClassErrors({ metadata, spec: ingress }: KubeObject): FieldError[] {
  const annotation = new Map(pairsAt(metadata, "annotations")).get(classAnnotation);
  const name = valueAt(ingress, "ingressClassName");
  if (annotation === undefined || name === undefined || annotation === name) return [];
  const at = FieldPath.of("annotations").child(classAnnotation);
  return [fieldInvalid(at, annotation, "must match `ingressClassName` when both are specified")];
}

export function ingressWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const { metadata, spec: ingress } = object;
  const told = new Map(pairsAt(metadata, "annotations")).has(classAnnotation);
  if (old !== undefined || !told || valueAt(ingress, "ingressClassName") !== undefined) return [];
  return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
}

export function* ingressStatusErrors(object: KubeObject): Errors {
  for (const [index, ingress] of listAt(object, "status", "loadBalancer", "ingress").entries()) {
    const at = FieldPath.of("status", "loadBalancer", "ingress").index(index);
    if (textAt(ingress, "ip") !== "") yield* ipErrors(textAt(ingress, "ip"), at.child("ip"));
    yield* ingressHostErrors(textAt(ingress, "hostname"), at);
  }
}

const directions = [
  ["ingress", "from"],
  ["egress", "to"],
] as const;

export function* networkPolicyErrors(object: KubeObject): Errors {
  const policy = membersAt(object, "spec");
  yield* labelSelectorErrors(valueAt(policy, "podSelector"), spec.child("podSelector"));
  for (const [direction, peers] of directions) {
    for (const [index, rule] of listAt(policy, direction).entries()) {
      const at = spec.child(direction).index(index);
      for (const [place, port] of listAt(rule, "ports").entries())
        yield* policyPortErrors(port, at.child("ports").index(place));
      for (const [place, peer] of listAt(rule, peers).entries())
        yield* peerErrors(peer, at.child(peers).index(place));
    }
  }
  const types = textsAt(policy, "policyTypes");
  const at = spec.child("policyTypes");
  if (types.length > 2) yield fieldInvalid(at, types, "may not specify more than two policyTypes");
  else
    for (const [index, type] of types.entries()) {
      if (type !== "Ingress" && type !== "Egress")
        yield fieldNotSupported(at.index(index), type, ["Ingress", "Egress"]);
    }
}

function* policyPortErrors(port: Members, path: FieldPath): Errors {
  const protocol = valueAt(port, "protocol");
  if (protocol !== undefined && !["TCP", "UDP", "SCTP"].includes(String(protocol)))
    yield fieldNotSupported(path.child("protocol"), protocol, ["TCP", "UDP", "SCTP"]);
  const first = valueAt(port, "port");
  const last = numberAt(port, "endPort");
  const at = path.child("endPort");
  if (first === undefined) {
    if (last !== undefined) yield fieldInvalid(at, last, "may not be specified when `port` is not specified");
  } else if (typeof first === "string") {
    if (last !== undefined) yield fieldInvalid(at, last, "may not be specified when `port` is non-numeric");
    yield* portErrors(first, path.child("port"));
  } else {
    yield* portErrors(first, path.child("port"));
    if (last === undefined) return;
    if (last < Number(first))
      yield fieldInvalid(at, Number(first), "must be greater than or equal to `port`");
    yield* invalids(at, last, portNumberErrors(last));
  }
}

function* peerErrors(peer: Members, path: FieldPath): Errors {
  for (const field of ["podSelector", "namespaceSelector"])
    yield* labelSelectorErrors(valueAt(peer, field), path.child(field));
  const block = has(peer, "ipBlock");
  if (block) yield* blockErrors(membersAt(peer, "ipBlock"), path.child("ipBlock"));
  const others = has(peer, "podSelector") || has(peer, "namespaceSelector");
  if (!block && !others) yield fieldRequired(path, "must specify a peer");
  if (block && others) yield fieldForbidden(path, "may not specify both ipBlock and another peer");
}

function* blockErrors(block: Members, path: FieldPath): Errors {
  const text = textAt(block, "cidr");
  if (text === "") {
    yield fieldRequired(path.child("cidr"));
    return;
  }
  yield* rangeErrors(text, path.child("cidr"));
  const range = parseRange(text);
  if (range === undefined) return;
  for (const [index, except] of textsAt(block, "except").entries()) {
    const at = path.child("except").index(index);
    yield* rangeErrors(except, at);
    const inner = parseRange(except);
    if (inner !== undefined && !isPartOf(inner, range))
      yield fieldInvalid(at, except, "must be a strict subset of `cidr`");
  }
}
