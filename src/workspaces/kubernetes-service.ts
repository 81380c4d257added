/**
 * Service, EndpointSlice and Endpoints `default/kubernetes` of workspaces of type `kubernetes`: how the server itself is
 * reached (k8s.io/kubernetes pkg/controlplane/controller/kubernetesservice and pkg/controlplane/reconcilers). Nothing routes
 * to a cluster IP here, so the Service is headless and its endpoint is the server's own address.
 */
import { isIP } from "node:net";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ownServiceCidr, type ServiceRanges, serviceCidrs } from "#registry/services/service-ranges.ts";
import type { Companion } from "#registry/strategy.ts";
import { timestamp } from "#registry/system-fields.ts";

export const kubernetesService = { namespace: "default", name: "kubernetes" } as const;

export const services = { group: "", resource: "services" } as const;
export const endpointSlices = { group: "discovery.k8s.io", resource: "endpointslices" } as const;
export const endpoints = { group: "", resource: "endpoints" } as const;

const portName = "https";
const servicePort = 443;

/** `serverUrl` begins with the address and port that clients reach the server by. */
export function kubernetesServiceContent(cluster: ClusterName, serverUrl: string): Companion[] {
  const url = new URL(serverUrl);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? servicePort : Number(url.port);
  const family = isIP(host);
  const { namespace, name } = kubernetesService;
  const objects: [Companion["resource"], KubeObject][] = [
    [services, service(name, port, family === 6 ? "IPv6" : "IPv4")],
    [endpointSlices, slice(name, host, port, family)],
  ];
  // Endpoints know no names.
  if (family !== 0) objects.push([endpoints, endpointsOf(name, host, port)]);
  return objects.map(([resource, object]) => ({ resource, cluster, namespace, object }));
}

/** The ranges that the server gives out of (pkg/controlplane/controller/defaultservicecidr). */
export function serviceCidrContent(
  cluster: ClusterName,
  { addresses }: ServiceRanges,
  nowMs: number,
): Companion {
  const ready = {
    type: "Ready",
    status: "True",
    lastTransitionTime: timestamp(nowMs),
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
  };
  const object: KubeObject = {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: ownServiceCidr },
    spec: { cidrs: addresses },
    status: { conditions: [ready] },
  };
  return { resource: serviceCidrs, cluster, namespace: "", object };
}

function service(name: string, port: number, family: "IPv4" | "IPv6"): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      clusterIP: "None",
      clusterIPs: ["None"],
      internalTrafficPolicy: "Cluster",
      ipFamilies: [family],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: portName, port: servicePort, protocol: "TCP", targetPort: port }],
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  };
}

function slice(name: string, host: string, port: number, family: number): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, labels: { "kubernetes.io/service-name": name } },
    addressType: family === 0 ? "FQDN" : `IPv${family}`,
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: portName, port, protocol: "TCP" }],
  };
}

function endpointsOf(name: string, host: string, port: number): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: host }], ports: [{ name: portName, port, protocol: "TCP" }] }],
  };
}
