/**
 * Event as its two groups show it (k8s.io/kubernetes pkg/apis/events/v1/conversion.go). The stored form is core/v1. Members come
 * in the order of the schema, and those that Go always writes are there, as the decoder leaves them.
 */
import { isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";

interface Member {
  readonly core: string;
  readonly events: string;
}

/** In the order of core/v1's schema. */
const members: readonly Member[] = [
  { core: "involvedObject", events: "regarding" },
  { core: "reason", events: "reason" },
  { core: "message", events: "note" },
  { core: "source", events: "deprecatedSource" },
  { core: "firstTimestamp", events: "deprecatedFirstTimestamp" },
  { core: "lastTimestamp", events: "deprecatedLastTimestamp" },
  { core: "count", events: "deprecatedCount" },
  { core: "type", events: "type" },
  { core: "eventTime", events: "eventTime" },
  { core: "series", events: "series" },
  { core: "action", events: "action" },
  { core: "related", events: "related" },
  { core: "reportingComponent", events: "reportingController" },
  { core: "reportingInstance", events: "reportingInstance" },
];
/** In the order of events.k8s.io/v1's schema. */
const eventsOrder: readonly string[] = [
  "eventTime",
  "series",
  "reportingController",
  "reportingInstance",
  "action",
  "reason",
  "regarding",
  "related",
  "note",
  "type",
  "deprecatedSource",
  "deprecatedFirstTimestamp",
  "deprecatedLastTimestamp",
  "deprecatedCount",
];
const inEventsOrder = eventsOrder.map((name) => members.find(({ events }) => events === name)!);

/** What stands for nothing, in the members that are written all the same. */
const zeros: Readonly<Record<"core" | "events", Readonly<Record<string, () => JsonValue>>>> = {
  core: {
    involvedObject: () => ({}),
    source: () => ({}),
    firstTimestamp: () => null,
    lastTimestamp: () => null,
    eventTime: () => null,
    reportingComponent: () => "",
    reportingInstance: () => "",
  },
  events: {
    eventTime: () => null,
    regarding: () => ({}),
    deprecatedSource: () => ({}),
    deprecatedFirstTimestamp: () => null,
    deprecatedLastTimestamp: () => null,
  },
};

export const toCoreEvent = (event: KubeObject): KubeObject => convert(event, "events", "core", "v1", members);

export const fromCoreEvent = (event: KubeObject): KubeObject =>
  convert(event, "core", "events", "events.k8s.io/v1", inEventsOrder);

function convert(
  event: KubeObject,
  from: keyof Member,
  to: keyof Member,
  apiVersion: string,
  order: readonly Member[],
): KubeObject {
  if (event.apiVersion === apiVersion) return event;
  const out: KubeObject = { apiVersion, kind: "Event", metadata: event.metadata };
  for (const member of order) {
    const value = event[member[from]] as JsonValue | undefined;
    const empty = value === undefined || value === null || value === "";
    const shown = empty ? zeros[to][member[to]]?.() : value;
    if (shown !== undefined) out[member[to]] = member.core === "series" ? seriesAs(to, shown) : shown;
  }
  return out;
}

/** Only the newer group writes a count of zero. */
function seriesAs(to: keyof Member, series: JsonValue): JsonValue {
  if (!isJsonObject(series)) return series;
  const { count = 0, ...rest } = series;
  return to === "events" || count !== 0 ? { count, ...rest } : rest;
}
