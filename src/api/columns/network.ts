/** Columns of services and of what leads traffic to them. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import {
  age,
  column,
  columns,
  fewOf,
  get,
  list,
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
import { formattedSelector, labelsText } from "./selector.ts";
import type { Columns } from "./types.ts";

const strings = (values: readonly JsonValue[]): string[] =>
  values.filter((value) => typeof value === "string");

const balancerAddresses = (object: JsonObject): string[] => {
  const ingress = list(object, "status", "loadBalancer", "ingress");
  return sorted(
    [...new Set(ingress.map((one) => text(one, "ip") || text(one, "hostname")))].filter((one) => one !== ""),
  );
};

const externalIP = (service: JsonObject): string => {
  const external = strings(list(service, "spec", "externalIPs"));
  switch (text(service, "spec", "type")) {
    case "ClusterIP":
    case "NodePort":
      return external.join(",") || "<none>";
    case "LoadBalancer":
      return [...balancerAddresses(service), ...external].join(",") || "<pending>";
    case "ExternalName":
      return text(service, "spec", "externalName");
    default:
      return "<unknown>";
  }
};

const servicePorts = (service: JsonObject): string =>
  list(service, "spec", "ports")
    .map((port) => {
      const node = number(port, "nodePort") > 0 ? `:${number(port, "nodePort")}` : "";
      return `${number(port, "port")}${node}/${text(port, "protocol")}`;
    })
    .join(",") || "<none>";

const endpointAddresses = (endpoints: JsonObject): string => {
  const all: string[] = [];
  const subsets = list(endpoints, "subsets");
  if (subsets.length === 0) return "<none>";
  for (const subset of subsets) {
    const addresses = list(subset, "addresses").map((address) => text(address, "ip"));
    const ports = list(subset, "ports");
    if (ports.length === 0) all.push(...addresses);
    for (const port of ports) {
      const joined = (ip: string) => `${ip.includes(":") ? `[${ip}]` : ip}:${number(port, "port")}`;
      all.push(...addresses.map(joined));
    }
  }
  return fewOf(all, 3);
};

const hosts = (ingress: JsonObject): string => {
  const rules = list(ingress, "spec", "rules");
  const max = 3;
  const found: string[] = [];
  let more = false;
  for (const rule of rules) {
    if (found.length === max) more = true;
    else if (text(rule, "host") !== "") found.push(text(rule, "host"));
  }
  if (found.length === 0) return "*";
  return more ? `${found.join(",")} + ${rules.length - max} more...` : found.join(",");
};

const slicePort = (port: JsonValue): string =>
  present(port, "port") ? shown(get(port, "port")) : present(port, "name") ? text(port, "name") : "*";

const isDefault = (object: JsonObject, annotation: string): string =>
  get(object, "metadata", "annotations", annotation) === "true" ? " (default)" : "";

const classParameters = (ingressClass: JsonObject): string => {
  const parameters = get(ingressClass, "spec", "parameters");
  if (!present(parameters)) return "<none>";
  const group = present(parameters, "apiGroup") ? `.${text(parameters, "apiGroup")}` : "";
  return `${text(parameters, "kind")}${group}/${text(parameters, "name")}`;
};

const parentRef = (address: JsonObject): string => {
  const parent = get(address, "spec", "parentRef");
  if (!present(parent)) return "<none>";
  const group = text(parent, "group");
  const resource = `${text(parent, "resource")}${group === "" ? "" : `.${group}`}`.toLowerCase();
  return [resource, text(parent, "namespace"), text(parent, "name")].filter((part) => part !== "").join("/");
};

export const networkColumns: Readonly<Record<string, Columns>> = {
  "/services": columns(
    name,
    string("Type", "spec", "type"),
    column("Cluster-IP", (service) => strings(list(service, "spec", "clusterIPs"))[0] ?? "<none>"),
    column("External-IP", externalIP),
    column("Port(s)", servicePorts),
    age,
    wide("Selector", (service) => labelsText(get(service, "spec", "selector"))),
  ),
  "/endpoints": columns(name, column("Endpoints", endpointAddresses), age),
  "discovery.k8s.io/endpointslices": columns(
    name,
    string("AddressType", "addressType"),
    column("Ports", (slice) => fewOf(list(slice, "ports").map(slicePort), 3) || "<unset>"),
    column("Endpoints", (slice) => {
      const addresses = list(slice, "endpoints").flatMap((endpoint) => strings(list(endpoint, "addresses")));
      return fewOf(addresses, 3) || "<unset>";
    }),
    age,
  ),
  "networking.k8s.io/ingresses": columns(
    name,
    column("Class", (ingress) => text(ingress, "spec", "ingressClassName") || "<none>"),
    column("Hosts", hosts),
    column("Address", (ingress) => balancerAddresses(ingress).join(",")),
    column("Ports", (ingress) => (list(ingress, "spec", "tls").length > 0 ? "80, 443" : "80")),
    age,
  ),
  "networking.k8s.io/ingressclasses": columns(
    column("Name", (one) => nameOf(one) + isDefault(one, "ingressclass.kubernetes.io/is-default-class"), {
      format: "name",
    }),
    string("Controller", "spec", "controller"),
    column("Parameters", classParameters),
    age,
  ),
  "networking.k8s.io/networkpolicies": columns(
    name,
    column("Pod-Selector", (policy) => formattedSelector(get(policy, "spec", "podSelector"))),
    age,
  ),
  "networking.k8s.io/servicecidrs": columns(
    name,
    column("CIDRs", (cidr) => strings(list(cidr, "spec", "cidrs")).join(",")),
    age,
  ),
  "networking.k8s.io/ipaddresses": columns(name, column("ParentRef", parentRef)),
};
