/** The cells of a Pod: its one word of status is worked out from all its containers (printPod upstream). */
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { ageOf } from "./age.ts";
import {
  age,
  column,
  columns,
  conditionStatus,
  flag,
  get,
  list,
  name,
  number,
  present,
  text,
  wide,
} from "./define.ts";
import type { Columns } from "./types.ts";

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** RFC 3339; undefined when no container was restarted. */
  readonly lastRestart: string | undefined;
}

/** Restarts of containers, and when the last one ended. */
class Restarts {
  count = 0;
  last: string | undefined;

  add(status: JsonValue): void {
    this.count += number(status, "restartCount");
    const ended = text(status, "lastState", "terminated", "finishedAt");
    if (ended !== "" && (this.last === undefined || Date.parse(this.last) < Date.parse(ended)))
      this.last = ended;
  }
}

function terminatedReason(terminated: JsonValue | undefined): string {
  if (text(terminated, "reason") !== "") return text(terminated, "reason");
  const signal = number(terminated, "signal");
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${number(terminated, "exitCode")}`;
}

function summarize(pod: JsonObject): Summary {
  const phase = text(pod, "status", "phase");
  let reason = text(pod, "status", "reason") || phase;
  for (const condition of list(pod, "status", "conditions")) {
    if (text(condition, "type") === "PodScheduled" && text(condition, "reason") === "SchedulingGated") {
      reason = "SchedulingGated";
    }
  }
  const initContainers = list(pod, "spec", "initContainers");
  // Init containers that keep running are sidecars: they count as containers.
  const sidecars = new Set(
    initContainers.filter((one) => text(one, "restartPolicy") === "Always").map((one) => text(one, "name")),
  );
  const total =
    list(pod, "spec", "containers").length +
    initContainers.filter((one) => sidecars.has(text(one, "name"))).length;
  let restarts = new Restarts();
  const sidecarRestarts = new Restarts();
  let ready = 0;
  let initializing = false;

  for (const [index, status] of list(pod, "status", "initContainerStatuses").entries()) {
    const sidecar = sidecars.has(text(status, "name"));
    restarts.add(status);
    if (sidecar) sidecarRestarts.add(status);
    const terminated = get(status, "state", "terminated");
    if (present(terminated) && number(terminated, "exitCode") === 0) continue;
    if (sidecar && flag(status, "started")) {
      if (flag(status, "ready")) ready++;
      continue;
    }
    const waiting = text(status, "state", "waiting", "reason");
    if (present(terminated)) reason = `Init:${terminatedReason(terminated)}`;
    else if (waiting !== "" && waiting !== "PodInitializing") reason = `Init:${waiting}`;
    else reason = `Init:${index}/${initContainers.length}`;
    initializing = true;
    break;
  }

  if (!initializing || conditionStatus(pod, "Initialized") === "True") {
    restarts = sidecarRestarts;
    let running = false;
    let failure = "";
    for (const status of list(pod, "status", "containerStatuses").toReversed()) {
      restarts.add(status);
      const terminated = get(status, "state", "terminated");
      const waiting = text(status, "state", "waiting", "reason");
      if (waiting !== "") {
        reason = waiting;
      } else if (present(terminated)) {
        reason = terminatedReason(terminated);
        if (number(terminated, "exitCode") !== 0) failure = reason;
      } else if (flag(status, "ready") && present(status, "state", "running")) {
        running = true;
        ready++;
      }
    }
    if (reason === "Completed") {
      if (running && conditionStatus(pod, "Ready") === "True") reason = "Running";
      else if (failure !== "") reason = failure;
      else if (running) reason = "NotReady";
    }
  }

  if (present(pod, "metadata", "deletionTimestamp")) {
    if (text(pod, "status", "reason") === "NodeLost") reason = "Unknown";
    else if (phase !== "Failed" && phase !== "Succeeded") reason = "Terminating";
  }
  return { ready, total, reason, restarts: restarts.count, lastRestart: restarts.last };
}

const readinessGates = (pod: JsonObject): string => {
  const gates = list(pod, "spec", "readinessGates");
  if (gates.length === 0) return "<none>";
  const met = gates.filter((gate) => conditionStatus(pod, text(gate, "conditionType")) === "True");
  return `${met.length}/${gates.length}`;
};

export const podColumns: Columns = columns(
  name,
  column("Ready", (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }),
  column("Status", (pod) => summarize(pod).reason),
  column("Restarts", (pod, now) => {
    const { restarts, lastRestart } = summarize(pod);
    return restarts !== 0 && lastRestart !== undefined
      ? `${restarts} (${ageOf(lastRestart, now)} ago)`
      : String(restarts);
  }),
  age,
  wide(
    "IP",
    (pod) => text(list(pod, "status", "podIPs")[0], "ip") || text(pod, "status", "podIP") || "<none>",
  ),
  wide("Node", (pod) => text(pod, "spec", "nodeName") || "<none>"),
  wide("Nominated Node", (pod) => text(pod, "status", "nominatedNodeName") || "<none>"),
  wide("Readiness Gates", readinessGates),
);
