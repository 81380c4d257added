/** Columns of nodes, storage, scheduling, flow control and devices. */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import {
  age,
  column,
  columns,
  conditionStatus,
  flag,
  get,
  list,
  members,
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
import type { Columns } from "./types.ts";

const rolePrefix = "node-role.kubernetes.io/";

const nodeStatus = (node: JsonObject): string => {
  const ready = conditionStatus(node, "Ready");
  const known = list(node, "status", "conditions").some((condition) => text(condition, "type") === "Ready");
  const status = !known ? "Unknown" : ready === "True" ? "Ready" : "NotReady";
  return flag(node, "spec", "unschedulable") ? `${status},SchedulingDisabled` : status;
};
const apiServiceAvailable = (object: JsonObject): string => {
  const found = list(object, "status", "conditions").find((one) => text(one, "type") === "Available");
  if (found === undefined) return "Unknown";
  const [status, reason] = [text(found, "status"), text(found, "reason")];
  return status === "True" || reason === "" ? status : `${status} (${reason})`;
};
const nodeRoles = (node: JsonObject): string => {
  const roles = new Set<string>();
  for (const [label, value] of members(node, "metadata", "labels")) {
    if (label.startsWith(rolePrefix)) roles.add(label.slice(rolePrefix.length));
    else if (label === "kubernetes.io/role" && typeof value === "string") roles.add(value);
  }
  roles.delete("");
  return sorted([...roles]).join(",") || "<none>";
};
const nodeAddress =
  (type: string) =>
  (node: JsonObject): string => {
    const address = list(node, "status", "addresses").find((one) => text(one, "type") === type);
    return address === undefined ? "<none>" : text(address, "address");
  };
const nodeInfo =
  (field: string) =>
  (node: JsonObject): string =>
    text(node, "status", "nodeInfo", field) || "<unknown>";
const kernel = (node: JsonObject): string => {
  const architecture = text(node, "status", "nodeInfo", "architecture");
  return nodeInfo("kernelVersion")(node) + (architecture === "" ? "" : ` (${architecture})`);
};

const shortModes: ReadonlyMap<JsonValue, string> = new Map([
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
]);
const accessModes = (modes: readonly JsonValue[]): string =>
  [...shortModes]
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(",");
const volumePhase = (volume: JsonObject): string =>
  present(volume, "metadata", "deletionTimestamp") ? "Terminating" : text(volume, "status", "phase");
const volumeClass = (volume: JsonObject): string => {
  const beta = get(volume, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class");
  return typeof beta === "string" ? beta : text(volume, "spec", "storageClassName");
};
const unset = (object: JsonObject, ...path: string[]): JsonValue => get(object, ...path) ?? "<unset>";
const bool = (title: string, fallback: boolean, ...path: string[]) =>
  column(title, (object) => get(object, ...path) ?? fallback, { type: "boolean" });

const defaultClass = (object: JsonObject): string =>
  ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"].some(
    (annotation) => get(object, "metadata", "annotations", annotation) === "true",
  )
    ? " (default)"
    : "";

const claimState = (claim: JsonObject): string => {
  const states = present(claim, "metadata", "deletionTimestamp") ? ["deleted"] : [];
  if (!present(claim, "status", "allocation")) return states[0] ?? "pending";
  states.push("allocated");
  if (list(claim, "status", "reservedFor").length > 0) states.push("reserved");
  return states.join(",");
};

const limited = (title: string, ...path: string[]) =>
  column(title, (level) => {
    const parent = get(level, "spec", "limited", ...path.slice(0, -1));
    return present(parent) ? (get(parent, path.at(-1)!) ?? 0) : "<none>";
  });

export const clusterColumns: Readonly<Record<string, Columns>> = {
  "/nodes": columns(
    name,
    column("Status", nodeStatus),
    column("Roles", nodeRoles),
    age,
    string("Version", "status", "nodeInfo", "kubeletVersion"),
    wide("Internal-IP", nodeAddress("InternalIP")),
    wide("External-IP", nodeAddress("ExternalIP")),
    wide("OS-Image", nodeInfo("osImage")),
    wide("Kernel-Version", kernel),
    wide("Container-Runtime", nodeInfo("containerRuntimeVersion")),
  ),
  "/persistentvolumes": columns(
    name,
    column("Capacity", (volume) => shown(get(volume, "spec", "capacity", "storage")) || "0"),
    column("Access Modes", (volume) => accessModes(list(volume, "spec", "accessModes"))),
    string("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy"),
    column("Status", volumePhase),
    column("Claim", (volume) => {
      const claim = get(volume, "spec", "claimRef");
      return present(claim) ? `${text(claim, "namespace")}/${text(claim, "name")}` : "";
    }),
    column("StorageClass", volumeClass),
    column("VolumeAttributesClass", (volume) => unset(volume, "spec", "volumeAttributesClassName")),
    string("Reason", "status", "reason"),
    age,
    wide("VolumeMode", (volume) => unset(volume, "spec", "volumeMode")),
  ),
  "/persistentvolumeclaims": columns(
    name,
    column("Status", volumePhase),
    string("Volume", "spec", "volumeName"),
    column("Capacity", (claim) =>
      text(claim, "spec", "volumeName") === ""
        ? ""
        : shown(get(claim, "status", "capacity", "storage")) || "0",
    ),
    column("Access Modes", (claim) =>
      text(claim, "spec", "volumeName") === "" ? "" : accessModes(list(claim, "status", "accessModes")),
    ),
    column("StorageClass", volumeClass),
    column("VolumeAttributesClass", (claim) => unset(claim, "spec", "volumeAttributesClassName")),
    age,
    wide("VolumeMode", (claim) => unset(claim, "spec", "volumeMode")),
  ),
  "storage.k8s.io/storageclasses": columns(
    column("Name", (object) => nameOf(object) + defaultClass(object), { format: "name" }),
    string("Provisioner", "provisioner"),
    column("ReclaimPolicy", (object) => text(object, "reclaimPolicy") || "Delete"),
    column("VolumeBindingMode", (object) => text(object, "volumeBindingMode") || "Immediate"),
    column("AllowVolumeExpansion", (object) => flag(object, "allowVolumeExpansion")),
    age,
  ),
  "storage.k8s.io/volumeattributesclasses": columns(name, string("DriverName", "driverName"), age),
  "storage.k8s.io/volumeattachments": columns(
    name,
    column("Attacher", (object) => text(object, "spec", "attacher"), { format: "name" }),
    string("PV", "spec", "source", "persistentVolumeName"),
    string("Node", "spec", "nodeName"),
    bool("Attached", false, "status", "attached"),
    age,
  ),
  "storage.k8s.io/csinodes": columns(
    name,
    column("Drivers", (object) => list(object, "spec", "drivers").length, { type: "integer" }),
    age,
  ),
  "storage.k8s.io/csidrivers": columns(
    name,
    bool("AttachRequired", true, "spec", "attachRequired"),
    bool("PodInfoOnMount", false, "spec", "podInfoOnMount"),
    bool("StorageCapacity", false, "spec", "storageCapacity"),
    column("TokenRequests", (object) =>
      present(object, "spec", "tokenRequests")
        ? list(object, "spec", "tokenRequests")
            .map((request) => text(request, "audience"))
            .join(",")
        : "<unset>",
    ),
    bool("RequiresRepublish", false, "spec", "requiresRepublish"),
    column("Modes", (object) => list(object, "spec", "volumeLifecycleModes").join(",") || "<none>"),
    age,
  ),
  "apiregistration.k8s.io/apiservices": columns(
    name,
    column("Service", (object) =>
      get(object, "spec", "service") === undefined
        ? "Local"
        : `${text(object, "spec", "service", "namespace")}/${text(object, "spec", "service", "name")}`,
    ),
    column("Available", apiServiceAvailable),
    age,
  ),
  "scheduling.k8s.io/priorityclasses": columns(
    name,
    column("Value", (object) => number(object, "value"), { type: "integer" }),
    bool("Global-Default", false, "globalDefault"),
    age,
    string("PreemptionPolicy", "preemptionPolicy"),
  ),
  "node.k8s.io/runtimeclasses": columns(name, string("Handler", "handler"), age),
  "flowcontrol.apiserver.k8s.io/flowschemas": columns(
    name,
    string("PriorityLevel", "spec", "priorityLevelConfiguration", "name"),
    column("MatchingPrecedence", (object) => number(object, "spec", "matchingPrecedence")),
    column(
      "DistinguisherMethod",
      (object) => text(object, "spec", "distinguisherMethod", "type") || "<none>",
    ),
    age,
    column("MissingPL", (object) => conditionStatus(object, "Dangling") || "?"),
  ),
  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations": columns(
    name,
    string("Type", "spec", "type"),
    limited("NominalConcurrencyShares", "nominalConcurrencyShares"),
    limited("Queues", "limitResponse", "queuing", "queues"),
    limited("HandSize", "limitResponse", "queuing", "handSize"),
    limited("QueueLengthLimit", "limitResponse", "queuing", "queueLengthLimit"),
    age,
  ),
  "resource.k8s.io/deviceclasses": columns(name, age),
  "resource.k8s.io/resourceclaims": columns(name, column("State", claimState), age),
  "resource.k8s.io/resourceclaimtemplates": columns(name, age),
  "resource.k8s.io/resourceslices": columns(
    name,
    string("Node", "spec", "nodeName"),
    string("Driver", "spec", "driver"),
    string("Pool", "spec", "pool", "name"),
    age,
  ),
};
