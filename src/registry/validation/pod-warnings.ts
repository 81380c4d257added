/** What is allowed in pods and templates and yet seldom meant (k8s.io/kubernetes pkg/api/pod/warnings.go). */
import { quote } from "#base/quote.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { canonicalQuantity } from "#machinery/values/quantity.ts";
import { listAt, type Members, membersAt, pairsAt, textAt, valueAt } from "../strategies/members.ts";
import { quantityMillis } from "../strategies/quantities.ts";
import { has, numberAt } from "./checks.ts";

/** Path of a part, as text: the spec of a Pod has no prefix of its own. */
type At = (...parts: readonly (string | number)[]) => string;

const removedVolumes = new Map([
  ["photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "deprecated in v1.28, non-functional in v1.31+"],
]);
const deprecatedAnnotations = new Map([
  [
    "scheduler.alpha.kubernetes.io/critical-pod",
    `non-functional in v1.16+; use the "priorityClassName" field instead`,
  ],
  ["security.alpha.kubernetes.io/sysctls", `non-functional in v1.11+; use the "sysctls" field instead`],
  [
    "security.alpha.kubernetes.io/unsafe-sysctls",
    `non-functional in v1.11+; use the "sysctls" field instead`,
  ],
]);
const containerLists = ["initContainers", "containers", "ephemeralContainers"] as const;

/** `template`: the Pod itself or a PodTemplateSpec; `prefix`: where it is, with a point at the end. */
export function podWarnings(template: unknown, prefix: string): string[] {
  const spec = membersAt(template, "spec");
  const at: At = (...parts) =>
    `${prefix}spec${parts.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("")}`;
  const containers = containerLists.flatMap((list) =>
    listAt(spec, list).map((container, index) => ({ container, where: at(list, index) })),
  );
  return [
    ...spreadWarnings(spec, at),
    ...annotationWarnings(template, prefix),
    ...volumeWarnings(spec, at),
    ...repeated(spec, "hostAliases", "ip", at),
    ...repeated(spec, "imagePullSecrets", "name", at),
    ...listAt(spec, "imagePullSecrets").flatMap((item, index) =>
      textAt(item, "name") === "" ? [`${at("imagePullSecrets", index, "name")}: invalid empty name ""`] : [],
    ),
    ...containers.flatMap((each) => containerWarnings(each.container, each.where)),
    ...portWarnings(containers),
    ...((numberAt(spec, "terminationGracePeriodSeconds") ?? 0) < 0
      ? [
          `${at("terminationGracePeriodSeconds")}: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...affinityWarnings(spec, at),
  ];
}

const nullSelector = "a null labelSelector results in matching no pod";

function spreadWarnings(spec: Members, at: At): string[] {
  return listAt(spec, "topologySpreadConstraints").flatMap((each, index) =>
    has(each, "labelSelector")
      ? []
      : [`${at("topologySpreadConstraints", index, "labelSelector")}: ${nullSelector}`],
  );
}

function affinityWarnings(spec: Members, at: At): string[] {
  const warnings: string[] = [];
  for (const field of ["podAffinity", "podAntiAffinity"]) {
    const required = "requiredDuringSchedulingIgnoredDuringExecution";
    const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (const [index, term] of listAt(spec, "affinity", field, required).entries()) {
      if (!has(term, "labelSelector"))
        warnings.push(`${at("affinity", field, required, index, "labelSelector")}: ${nullSelector}`);
    }
    for (const [index, term] of listAt(spec, "affinity", field, preferred).entries()) {
      if (valueAt(term, "podAffinityTerm", "labelSelector") !== undefined) continue;
      const where = at("affinity", field, preferred, index, "podAffinityTerm", "labelSelector");
      warnings.push(`${where}: ${nullSelector}`);
    }
  }
  return warnings;
}

const annotationWarnings = (template: unknown, prefix: string): string[] => {
  const annotations = new Map(pairsAt(template, "metadata", "annotations"));
  return [...deprecatedAnnotations].flatMap(([key, text]) =>
    annotations.has(key) ? [`${prefix}metadata.annotations[${key}]: ${text}`] : [],
  );
};

const volumeWarnings = (spec: Members, at: At): string[] => [
  ...listAt(spec, "volumes").flatMap((volume, index) =>
    [...removedVolumes].flatMap(([type, text]) => {
      const shown = type === "storageos" ? "storageOS" : type;
      return has(volume, type) ? [`${at("volumes", index, shown)}: ${text}`] : [];
    }),
  ),
  ...listAt(spec, "volumes").flatMap((volume) =>
    listAt(volume, "projected", "sources")
      .filter((source) => Object.values(source).every((value) => (value ?? null) === null))
      .map(() => `volume ${quote(textAt(volume, "name"))} (Projected) has no sources provided`),
  ),
];

function repeated(spec: Members, list: string, field: string, at: At): string[] {
  const seen = new Set<string>();
  return listAt(spec, list).flatMap((item, index) => {
    const value = textAt(item, field);
    if (seen.has(value)) return [`${at(list, index, field)}: duplicate ${field} ${quote(value)}`];
    seen.add(value);
    return [];
  });
}

function containerWarnings(container: Members, where: string): string[] {
  const warnings = ["memory", "ephemeral-storage"].flatMap((name) =>
    fractionalBytes(container, `${where}.resources`, ["limits", "requests"], [name]),
  );
  const seen = new Set<string>();
  for (const [index, variable] of listAt(container, "env").entries()) {
    const name = textAt(variable, "name");
    // A value that builds on the one before it is meant.
    const reference = `$(${name})`;
    const value = textAt(variable, "value");
    const builds = value !== reference && value.includes(reference);
    if (seen.has(name) && (has(variable, "valueFrom") || !builds)) {
      const text = `hides previous definition of ${quote(name)}, which may be dropped when using apply`;
      warnings.push(`${where}.env[${index}]: ${text}`);
    }
    seen.add(name);
  }
  return warnings;
}

/** Half a byte is none. */
export function fractionalBytes(
  of: unknown,
  path: FieldPath | string,
  kinds: readonly string[],
  names: readonly string[],
): string[] {
  return kinds.flatMap((kind) => {
    const amounts = new Map(pairsAt(of, "resources", kind));
    return names.flatMap((name) => {
      const amount = amounts.get(name);
      if (amount === undefined || quantityMillis(amount) % 1_000n === 0n) return [];
      const shown = quote(String(canonicalQuantity(amount)));
      return [`${path}.${kind}[${name}]: fractional byte value ${shown} is invalid, must be an integer`];
    });
  });
}

interface Port {
  readonly where: string;
  readonly hostIP: string;
  readonly hostPort: number;
}

/** Warnings about ports, of which an answer shows fewer anyway. */
const maxClashes = 64;
/** Ports of the same number that another is compared with. */
const maxCompared = 64;

function portWarnings(containers: readonly { container: Members; where: string }[]): string[] {
  const ports = new Map<string, Port[]>();
  const names = new Map<string, string>();
  const clashes: string[] = [];
  const sameNames: string[] = [];
  for (const { container, where } of containers) {
    for (const [index, each] of listAt(container, "ports").entries()) {
      const key = `${numberAt(each, "containerPort") ?? 0}/${textAt(each, "protocol")}`;
      const port: Port = {
        where: `${where}.ports[${index}]`,
        hostIP: textAt(each, "hostIP"),
        hostPort: numberAt(each, "hostPort") ?? 0,
      };
      const others = ports.get(key) ?? [];
      if (clashes.length < maxClashes)
        clashes.push(...others.slice(0, maxCompared).flatMap((other) => clash(port, other)));
      others.push(port);
      ports.set(key, others);
      const name = textAt(each, "name");
      const first = names.get(name);
      if (name === "") continue;
      if (first === undefined) names.set(name, port.where);
      else {
        const text = `duplicate port name ${quote(name)} with ${first}, services and probes that select ports by name will use ${first}`;
        sameNames.push(`${port.where}: ${text}`);
      }
    }
  }
  return [...clashes, ...sameNames];
}

function clash(port: Port, other: Port): string[] {
  const say = (what: string): string[] => [`${port.where}: ${what} port definition with ${other.where}`];
  if (port.hostIP === other.hostIP && port.hostPort === other.hostPort) return say("duplicate");
  if (port.hostPort === 0 || other.hostPort === 0) return say("overlapping");
  const oneIsAny = (port.hostIP === "") !== (other.hostIP === "");
  return port.hostPort === other.hostPort && oneIsAny ? say("dangerously ambiguous") : [];
}
