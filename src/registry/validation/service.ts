/** Services (pkg/apis/core/validation validateService). */
import { trimSpace } from "#base/spaces.ts";
import {
  type FieldError,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { labelsErrors } from "#machinery/meta/validation.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { needsHealthPort } from "../services/given-values.ts";
import {
  jsonOf,
  listAt,
  type Members,
  membersAt,
  pairsAt,
  textAt,
  textsAt,
  valueAt,
} from "../strategies/members.ts";
import { ipErrors, rangeErrors } from "./addresses.ts";
import {
  type Errors,
  has,
  invalids,
  ipFamily,
  numberAt,
  oneOf,
  optionalWord,
  portErrors,
  portNumberErrors,
  protocols,
} from "./checks.ts";

const spec = FieldPath.of("spec");
const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] as const;
const policies = ["Cluster", "Local"] as const;
const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"] as const;
const maxAffinitySeconds = 86_400;
const onlyBalancers = "may only be used when `type` is 'LoadBalancer'";

const isHeadless = (service: Members): boolean => {
  const addresses = textsAt(service, "clusterIPs");
  return addresses.length > 0 ? addresses[0] === "None" : textAt(service, "clusterIP") === "None";
};

export function* serviceErrors(object: KubeObject): Errors {
  const service = membersAt(object, "spec");
  const type = textAt(service, "type");
  const ports = listAt(service, "ports");
  const headless = isHeadless(service);
  const at = spec.child("ports");
  if (ports.length === 0 && !headless && type !== "ExternalName") yield fieldRequired(at);
  if (headless && (type === "LoadBalancer" || type === "NodePort"))
    yield fieldInvalid(
      spec.child("clusterIPs").index(0),
      "None",
      `may not be set to 'None' for ${type} services`,
    );
  if (type === "ExternalName") yield* externalNameErrors(service);
  const names = new Set<string>();
  for (const [index, port] of ports.entries())
    yield* servicePortErrors(port, ports.length > 1, names, at.index(index));
  yield* labelsErrors(Object.fromEntries(pairsAt(service, "selector")), spec.child("selector"));
  yield* affinityErrors(service);
  if (type !== "ExternalName") yield* addressFieldErrors(service);
  for (const [index, ip] of textsAt(service, "externalIPs").entries())
    yield* externalAddressErrors(ip, spec.child("externalIPs").index(index));
  yield* oneOf(type, spec.child("type"), types, true);
  yield* repeatedPortErrors(service);
  yield* balancerErrors(object);
  yield* trafficErrors(service);
}

function* externalNameErrors(service: Members): Errors {
  const never = "may not be set for ExternalName services";
  if (textsAt(service, "clusterIPs").length > 0) yield fieldForbidden(spec.child("clusterIPs"), never);
  if (textsAt(service, "ipFamilies").length > 0) yield fieldForbidden(spec.child("ipFamilies"), never);
  if (has(service, "ipFamilyPolicy")) yield fieldForbidden(spec.child("ipFamilyPolicy"), never);
  const name = textAt(service, "externalName").replace(/\.$/, "");
  if (name === "") yield fieldRequired(spec.child("externalName"));
  else yield* invalids(spec.child("externalName"), name, dns1123SubdomainErrors(name));
}

function* servicePortErrors(port: Members, named: boolean, names: Set<string>, path: FieldPath): Errors {
  const name = textAt(port, "name");
  if (name === "") {
    if (named) yield fieldRequired(path.child("name"));
  } else {
    yield* invalids(path.child("name"), name, dns1123LabelErrors(name));
    if (names.has(name)) yield fieldDuplicate(path.child("name"), name);
    names.add(name);
  }
  const number = numberAt(port, "port") ?? 0;
  yield* invalids(path.child("port"), number, portNumberErrors(number));
  yield* oneOf(textAt(port, "protocol"), path.child("protocol"), protocols, true);
  yield* portErrors(valueAt(port, "targetPort"), path.child("targetPort"));
  if (!has(port, "appProtocol")) return;
  const protocol = textAt(port, "appProtocol");
  yield* invalids(path.child("appProtocol"), protocol, qualifiedNameErrors(protocol));
}

function* affinityErrors(service: Members): Errors {
  const affinity = textAt(service, "sessionAffinity");
  const at = spec.child("sessionAffinityConfig");
  yield* oneOf(affinity, spec.child("sessionAffinity"), ["ClientIP", "None"], true);
  if (affinity === "ClientIP") {
    const seconds = numberAt(service, "sessionAffinityConfig", "clientIP", "timeoutSeconds") ?? 0;
    if (seconds <= 0 || seconds > maxAffinitySeconds) {
      const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`;
      yield fieldInvalid(at.child("clientIP", "timeoutSeconds"), seconds, detail);
    }
  } else if (affinity === "None" && has(service, "sessionAffinityConfig"))
    yield fieldForbidden(at, "must not be set when session affinity is None");
}

/** ValidateServiceClusterIPsRelatedFields: upstream looks at these before addresses are given out, too. */
export function* addressFieldErrors(service: Members): Errors {
  const first = textAt(service, "clusterIP");
  const all = textsAt(service, "clusterIPs");
  const at = spec.child("clusterIPs");
  if (first !== "" && all.length === 0) yield fieldRequired(at);
  else if (first !== "" && all[0] !== first)
    yield fieldInvalid(at, all, "first value must match `clusterIP`");
  else if (first === "" && all.length > 0)
    yield fieldInvalid(at, all, "must be empty when `clusterIP` is not specified");
  const families = textsAt(service, "ipFamilies");
  const known = new Set<string>();
  for (const [index, family] of families.entries()) {
    yield* oneOf(family, spec.child("ipFamilies").index(index), ["IPv4", "IPv6"]);
    if (known.has(family)) yield fieldDuplicate(spec.child("ipFamilies").index(index), family);
    known.add(family);
  }
  yield* optionalWord(service, "ipFamilyPolicy", spec, [
    "PreferDualStack",
    "RequireDualStack",
    "SingleStack",
  ]);
  let broken = false;
  for (const [index, address] of all.entries()) {
    if (index === 0 && address === "None") {
      if (all.length > 1) yield fieldInvalid(at, all, "'None' must be the first and only value");
      broken ||= all.length > 1;
      continue;
    }
    const errors = ipErrors(address, at.index(index));
    broken ||= errors.length > 0;
    yield* errors;
  }
  if (all.length > 2) yield fieldInvalid(at, all, "may only hold up to 2 values");
  if (broken) return;
  if (all.length > 1 && (all.length > 2 || ipFamily(all[0]!) === ipFamily(all[1]!)))
    yield fieldInvalid(at, all, "may specify no more than one IP for each IP family");
  for (const [index, address] of all.slice(0, families.length).entries()) {
    const wanted = families[index];
    if (address !== "None" && ["IPv4", "IPv6"].includes(wanted!) && `IPv${ipFamily(address)}` !== wanted) {
      const detail = `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``;
      yield fieldInvalid(at.index(index), address, detail);
    }
  }
}

function* externalAddressErrors(ip: string, path: FieldPath): Errors {
  const errors = ipErrors(ip, path);
  yield* errors;
  if (errors.length === 0) yield* specialAddressErrors(ip, path);
}

/** Addresses that lead to nobody else. */
export function* specialAddressErrors(ip: string, path: FieldPath): Errors {
  const plain = ip.replace(/^::ffff:(?=[0-9.]+$)/i, "");
  if (/^[0.:]+$/.test(plain)) yield fieldInvalid(path, ip, `may not be unspecified (${ip})`);
  if (/^127\./.test(plain) || /^(0*:)*:?0*1$/.test(plain))
    yield fieldInvalid(path, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (/^169\.254\./.test(plain) || /^fe[89ab][0-9a-f]:/i.test(plain))
    yield fieldInvalid(path, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (/^224\.0\.0\./.test(plain) || /^ff.2:/i.test(plain))
    yield fieldInvalid(path, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

function* repeatedPortErrors(service: Members): Errors {
  const ports = listAt(service, "ports");
  const at = spec.child("ports");
  const inner = textAt(service, "type") === "ClusterIP";
  for (const [index, port] of ports.entries()) {
    if (inner && (numberAt(port, "nodePort") ?? 0) !== 0)
      yield fieldForbidden(at.index(index).child("nodePort"), "may not be used when `type` is 'ClusterIP'");
  }
  for (const field of ["nodePort", "port"]) {
    const seen = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const number = numberAt(port, field) ?? 0;
      if (number === 0 && field === "nodePort") continue;
      const protocol = textAt(port, "protocol");
      const key = `${protocol}/${number}`;
      if (seen.has(key)) {
        if (field === "nodePort") yield fieldDuplicate(at.index(index).child("nodePort"), number);
        else yield fieldDuplicate(at.index(index), portKey(protocol, number));
      }
      seen.add(key);
    }
  }
}

/** As the struct that upstream compares by is printed. */
const portKey = (protocol: string, port: number): unknown => ({
  Name: "",
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

const rangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

function* balancerErrors({ metadata, spec: of }: KubeObject): Errors {
  const service = membersAt(of);
  const balancer = textAt(service, "type") === "LoadBalancer";
  const ranges = textsAt(service, "loadBalancerSourceRanges");
  const annotation = new Map(pairsAt(metadata, "annotations")).get(rangesAnnotation);
  if (ranges.length > 0) {
    const at = spec.child("LoadBalancerSourceRanges");
    if (!balancer) yield fieldForbidden(at, onlyBalancers);
    for (const [index, range] of ranges.entries()) yield* rangeErrors(trimSpace(range), at.index(index));
  } else if (annotation !== undefined) {
    const at = FieldPath.of("metadata", "annotations").key(rangesAnnotation);
    if (!balancer) yield fieldForbidden(at, onlyBalancers);
    for (const range of trimSpace(annotation) === "" ? [] : annotation.split(","))
      yield* rangeErrors(trimSpace(range), at);
  }
  if (has(service, "allocateLoadBalancerNodePorts") && !balancer)
    yield fieldForbidden(spec.child("allocateLoadBalancerNodePorts"), onlyBalancers);
  if (!has(service, "loadBalancerClass")) return;
  const name = textAt(service, "loadBalancerClass");
  const at = spec.child("loadBalancerClass");
  if (!balancer) yield fieldForbidden(at, onlyBalancers);
  else yield* invalids(at, name, qualifiedNameErrors(name));
}

function* trafficErrors(service: Members): Errors {
  const type = textAt(service, "type");
  const external = textAt(service, "externalTrafficPolicy");
  const at = spec.child("externalTrafficPolicy");
  const accessible =
    type === "LoadBalancer" ||
    type === "NodePort" ||
    (type === "ClusterIP" && textsAt(service, "externalIPs").length > 0);
  if (accessible) yield* oneOf(external, at, policies, true);
  else if (external !== "")
    yield fieldInvalid(at, external, "may only be set for externally-accessible services");
  const health = numberAt(service, "healthCheckNodePort") ?? 0;
  const healthAt = spec.child("healthCheckNodePort");
  if (health !== 0) {
    if (type !== "LoadBalancer" || external !== "Local") {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      yield fieldInvalid(healthAt, health, detail);
    } else yield* invalids(healthAt, health, portNumberErrors(health));
  }
  yield* optionalWord(service, "internalTrafficPolicy", spec, policies);
  yield* optionalWord(service, "trafficDistribution", spec, distributions);
}

/** What stays: addresses and families, once they are told (a second one may come and go); the class of a balancer. */
export function serviceUpdateErrors(object: KubeObject, old: KubeObject): FieldError[] {
  const now = membersAt(object, "spec");
  const before = membersAt(old, "spec");
  const errors: FieldError[] = [];
  const types = [textAt(now, "type"), textAt(before, "type")];
  const headless = [isHeadless(now), isHeadless(before)];
  if (!types.includes("ExternalName")) {
    if (!(headless[0] && headless[1])) errors.push(...keptErrors("clusterIPs", now, before));
    if (!headless[0] && !headless[1]) errors.push(...keptErrors("ipFamilies", now, before));
  }
  const classOf = (of: Members) => jsonOf(valueAt(of, "loadBalancerClass") ?? null);
  if (types.every((type) => type === "LoadBalancer") && !jsonEqual(classOf(now), classOf(before))) {
    const where = spec.child("loadBalancerClass");
    errors.push(fieldInvalid(where, classOf(now), "may not change once set"));
  }
  const health = (of: Members) => numberAt(of, "healthCheckNodePort") ?? 0;
  if (needsHealthPort(now) && needsHealthPort(before) && health(now) !== health(before))
    errors.push(fieldForbidden(spec.child("healthCheckNodePort"), "field is immutable"));
  return errors;
}

/** validateUpgradeDowngradeClusterIPs and -IPFamilies. */
function* keptErrors(field: "clusterIPs" | "ipFamilies", now: Members, before: Members): Errors {
  const values = textsAt(now, field);
  const had = textsAt(before, field);
  const at = spec.child(field);
  const shown = valueAt(now, field) ?? null;
  const addresses = field === "clusterIPs";
  const changed = "may not change once set";
  if (values.length === had.length) {
    for (const [index, value] of had.entries())
      if (value !== values[index]) yield fieldInvalid(at.index(addresses ? index : 0), shown, changed);
    return;
  }
  // Of families upstream shows the addresses.
  const other = addresses ? shown : (valueAt(now, "clusterIPs") ?? null);
  const fewer = values.length < had.length;
  if (fewer && textsAt(now, "clusterIPs").length === 0)
    yield fieldInvalid(
      at.index(0),
      shown,
      `primary ${addresses ? "clusterIP" : "ipFamily"} can not be unset`,
    );
  if (had.length > 0 && values.length > 0 && values[0] !== had[0])
    yield fieldInvalid(at.index(0), other, changed);
  if (!fewer || values.length !== 1 || textAt(now, "ipFamilyPolicy") === "SingleStack") return;
  const detail = `must be set to 'SingleStack' when releasing the secondary ${addresses ? "clusterIP" : "ipFamily"}`;
  yield fieldInvalid(spec.child("ipFamilyPolicy"), valueAt(now, "ipFamilyPolicy") ?? null, detail);
}

/** Where a balancer was reached, told by whoever made it. */
export function* balancerStatusErrors(object: KubeObject): Errors {
  const path = FieldPath.of("status", "loadBalancer", "ingress");
  const list = listAt(object, "status", "loadBalancer", "ingress");
  if (textAt(object, "spec", "type") !== "LoadBalancer" && list.length > 0) {
    yield fieldForbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  for (const [index, ingress] of list.entries()) {
    const at = path.index(index);
    const ip = textAt(ingress, "ip");
    if (ip !== "") yield* ipErrors(ip, at.child("ip"));
    const mode = valueAt(ingress, "ipMode");
    if (mode === undefined) {
      if (ip !== "") yield fieldRequired(at.child("ipMode"), "must be specified when `ip` is set");
    } else if (ip === "")
      yield fieldForbidden(at.child("ipMode"), "may not be specified when `ip` is not set");
    else if (mode !== "VIP" && mode !== "Proxy")
      yield fieldNotSupported(at.child("ipMode"), mode, ["Proxy", "VIP"]);
    yield* ingressHostErrors(textAt(ingress, "hostname"), at);
  }
}

/** Of an Ingress' status, too. */
export function* ingressHostErrors(hostname: string, path: FieldPath): Errors {
  if (hostname === "") return;
  yield* invalids(path.child("hostname"), hostname, dns1123SubdomainErrors(hostname));
  if (ipFamily(hostname) !== 0)
    yield fieldInvalid(path.child("hostname"), hostname, "must be a DNS name, not an IP address");
}

export function serviceWarnings(object: KubeObject): string[] {
  const service = membersAt(object, "spec");
  const type = textAt(service, "type");
  const headless = isHeadless(service);
  const external = textsAt(service, "externalIPs").length > 0;
  const warnings: string[] = [];
  if (headless) {
    if (textAt(service, "loadBalancerIP") !== "")
      warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (external) warnings.push("spec.externalIPs is ignored for headless services");
    if (textAt(service, "sessionAffinity") !== "None")
      warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  if (external && !headless && type !== "ExternalName")
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (external && type === "ExternalName")
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== "ExternalName" && textAt(service, "externalName") !== "")
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (textAt(service, "trafficDistribution") === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}
