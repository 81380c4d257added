import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadCatalogue } from "#api/catalogue.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { fromCoreEvent, toCoreEvent } from "./event-conversion.ts";

const compiler = new TypeCompiler(loadCatalogue());
const decode = (type: string, object: JsonObject): KubeObject =>
  compiler.compile(type).decode(object).value as unknown as KubeObject;
const core = (object: JsonObject) =>
  decode("io.k8s.api.core.v1.Event", { ...object, apiVersion: "v1", kind: "Event" });

test("the two shapes say the same", () => {
  const event = core({
    metadata: { name: "e", namespace: "default" },
    involvedObject: { kind: "Pod", name: "p" },
    reason: "Why",
    message: "what",
    source: { component: "c" },
    firstTimestamp: "2026-01-01T00:00:00Z",
    count: 3,
    type: "Normal",
    reportingComponent: "x",
  });
  const shown = fromCoreEvent(event);
  assert.deepEqual(JSON.parse(JSON.stringify(shown)), {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: event.metadata,
    eventTime: null,
    reportingController: "x",
    reason: "Why",
    regarding: { kind: "Pod", name: "p" },
    note: "what",
    type: "Normal",
    deprecatedSource: { component: "c" },
    deprecatedFirstTimestamp: "2026-01-01T00:00:00Z",
    deprecatedLastTimestamp: null,
    deprecatedCount: 3,
  });
  assert.equal(JSON.stringify(toCoreEvent(shown)), JSON.stringify(event));
});

test("there and back again is what was there, member for member", () => {
  const time = fc.constantFrom(undefined, "2026-01-01T00:00:00Z");
  const text = fc.option(fc.string(), { nil: undefined });
  const events = fc.record({
    metadata: fc.constant({ name: "e" }),
    involvedObject: fc.option(fc.record({ kind: text, name: text }), { nil: undefined }),
    reason: text,
    message: text,
    source: fc.option(fc.record({ component: text, host: text }), { nil: undefined }),
    firstTimestamp: time,
    lastTimestamp: time,
    count: fc.option(fc.nat(), { nil: undefined }),
    type: text,
    eventTime: fc.constantFrom(undefined, "2026-01-01T00:00:00.000001Z"),
    series: fc.option(fc.record({ count: fc.nat() }), { nil: undefined }),
    action: text,
    related: fc.option(fc.record({ name: text }), { nil: undefined }),
    reportingComponent: text,
    reportingInstance: text,
  });
  fc.assert(
    fc.property(events, (object) => {
      const event = core(JSON.parse(JSON.stringify(object)) as JsonObject);
      const shown = fromCoreEvent(event);
      assert.equal(JSON.stringify(toCoreEvent(shown)), JSON.stringify(event));
      // The other shape is as its own decoder would leave it.
      const again = decode("io.k8s.api.events.v1.Event", JSON.parse(JSON.stringify(shown)) as JsonObject);
      assert.equal(JSON.stringify(again), JSON.stringify(shown));
    }),
  );
});
