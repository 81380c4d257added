/** Where Services lead to (pkg/apis/core/validation ValidateEndpoints, pkg/apis/discovery/validation). */
import { fieldDuplicate, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import { listAt, type Members, textAt, textsAt } from "../strategies/members.ts";
import { ipErrors } from "./addresses.ts";
import {
  type Errors,
  has,
  invalids,
  ipFamily,
  numberAt,
  oneOf,
  portNumberErrors,
  protocols,
} from "./checks.ts";
import { specialAddressErrors } from "./service.ts";

export function* endpointsErrors(object: KubeObject): Errors {
  for (const [index, subset] of listAt(object, "subsets").entries()) {
    const path = FieldPath.of("subsets").index(index);
    const lists = ["addresses", "notReadyAddresses"] as const;
    if (lists.every((list) => listAt(subset, list).length === 0))
      yield fieldRequired(path, "must specify `addresses` or `notReadyAddresses`");
    for (const list of lists)
      for (const [place, address] of listAt(subset, list).entries())
        yield* addressErrors(address, path.child(list).index(place));
    const ports = listAt(subset, "ports");
    for (const [place, port] of ports.entries())
      yield* portErrors(port, ports.length > 1, path.child("ports").index(place));
  }
}

function* addressErrors(address: Members, path: FieldPath): Errors {
  const ip = textAt(address, "ip");
  const errors = ipErrors(ip, path.child("ip"));
  yield* errors;
  if (ipFamily(ip) === 0) yield fieldInvalid(path.child("ip"), ip, "must be a valid IP address");
  else yield* specialAddressErrors(ip, path.child("ip"));
  const host = textAt(address, "hostname");
  if (host !== "") yield* invalids(path.child("hostname"), host, dns1123LabelErrors(host));
  if (!has(address, "nodeName")) return;
  const node = textAt(address, "nodeName");
  yield* invalids(path.child("nodeName"), node, dns1123SubdomainErrors(node));
}

function* portErrors(port: Members, named: boolean, path: FieldPath): Errors {
  const name = textAt(port, "name");
  if (name !== "") yield* invalids(path.child("name"), name, dns1123LabelErrors(name));
  else if (named) yield fieldRequired(path.child("name"));
  const number = numberAt(port, "port") ?? 0;
  yield* invalids(path.child("port"), number, portNumberErrors(number));
  yield* oneOf(textAt(port, "protocol"), path.child("protocol"), protocols, true);
  yield* appProtocolErrors(port, path);
}

function* appProtocolErrors(port: Members, path: FieldPath): Errors {
  if (!has(port, "appProtocol")) return;
  const protocol = textAt(port, "appProtocol");
  yield* invalids(path.child("appProtocol"), protocol, qualifiedNameErrors(protocol));
}

export function* endpointSliceErrors(object: KubeObject): Errors {
  const type = textAt(object, "addressType");
  yield* oneOf(type, FieldPath.of("addressType"), ["FQDN", "IPv4", "IPv6"], true);
  for (const [index, endpoint] of listAt(object, "endpoints").entries()) {
    const path = FieldPath.of("endpoints").index(index);
    const addresses = textsAt(endpoint, "addresses");
    const at = path.child("addresses");
    if (addresses.length === 0) yield fieldRequired(at, "must contain at least 1 address");
    for (const [place, address] of addresses.entries()) {
      if (type === "FQDN") yield* invalids(at, address, dns1123SubdomainErrors(address));
      else if (type === "IPv4" || type === "IPv6") {
        const family = ipFamily(address);
        if (family === 0) yield* ipErrors(address, at.index(place));
        else {
          if (`IPv${family}` !== type) yield fieldInvalid(at, address, `must be an ${type} address`);
          yield* specialAddressErrors(address, at.index(place));
        }
      }
    }
    const host = textAt(endpoint, "hostname");
    if (has(endpoint, "hostname")) yield* invalids(path.child("hostname"), host, dns1123LabelErrors(host));
  }
  const names = new Set<string>();
  for (const [index, port] of listAt(object, "ports").entries()) {
    const path = FieldPath.of("ports").index(index);
    const name = textAt(port, "name");
    if (name !== "") yield* invalids(path.child("name"), name, dns1123LabelErrors(name));
    if (names.has(name)) yield fieldDuplicate(path.child("name"), name);
    names.add(name);
    yield* oneOf(textAt(port, "protocol"), path.child("protocol"), protocols, true);
    yield* appProtocolErrors(port, path);
  }
}
