import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { readJson } from "#machinery/json/read.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { apiVersionOf } from "#machinery/meta/object.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { pick, randomOf, randomValue } from "../testing/random-objects.ts";
import { decodeObject, type ExpectedType } from "./decode-body.ts";
import { catalogue, codecs, comparable, upstreamKinds } from "./testing/upstream-kinds.ts";

const upstream = likeUpstream();
interface Case {
  readonly kind: ExpectedType;
  readonly body: string;
}

const pod: ExpectedType = { group: "", version: "v1", kind: "Pod", type: "io.k8s.api.core.v1.Pod" };
const hand = (bodies: readonly string[]): Case[] => bodies.map((body) => ({ kind: pod, body }));

/** Definitions with such keywords in their schema. */
const definitions = [
  '"additionalProperties":[]',
  '"additionalProperties":1,"maxLength":"x"',
  '"maxLength":"x","additionalProperties":{"maxLength":"y"}',
  '"additionalProperties":{"externalDocs":{"url":1}}',
  '"additionalProperties":{"unknown":1,"type":"string","nullable":false,"required":[]}',
  '"additionalProperties":{"type":"a","type":"b"}',
  '"additionalProperties":null,"items":null,"additionalItems":null,"dependencies":null',
  '"additionalItems":"true"',
  '"items":[]',
  '"items":[{"items":{"maxLength":"x"}},null]',
  '"items":["a"]',
  '"items":5',
  '"items":{"items":[{"type":"string"},{"unknown":1}]}',
  '"items":{"additionalProperties":[]}',
  '"dependencies":{"a":["b"],"c":{"type":"string"},"d":1,"e":null,"f":[]}',
  '"dependencies":{"a":["b",1]}',
  '"dependencies":{"a":[null]}',
  '"dependencies":[]',
  '"enum":[null,1,{"a":{"a":1,"a":2}}],"default":null,"example":{"a":null}',
  '"enum":{"a":1}',
  '"default":{"a":1,"a":2}',
  '"properties":{"items":{"items":{"properties":{"a":{"minimum":"x"}}}}}',
  '"not":{"anyOf":[{"items":{"x-kubernetes-validations":[{"rule":1}]}}]}',
].map((keywords): Case => {
  const schema = `{"openAPIV3Schema":{"type":"object",${keywords}}}`;
  const body = `{"spec":{"group":"a","names":{"plural":"b","kind":"B"},"scope":"Cluster","versions":[{"name":"v1","served":true,"storage":true,"schema":${schema}}]}}`;
  return { kind: upstreamKinds.find(({ kind }) => kind === "CustomResourceDefinition")!, body };
});

/** A body of some kind: mostly right, with something wrong, unknown or doubled here and there. */
const generate = fc.integer({ min: 0, max: 0x7fff_ffff }).map((seed): Case => {
  const random = randomOf(seed);
  const kind = pick(random, upstreamKinds);
  const value = randomValue(
    { kind: "ref", ref: kind.type },
    catalogue,
    random,
    pick(random, [15, 60, 300, 1e9]),
  );
  const { metadata } = Object(value) as { metadata?: unknown };
  const head = { apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind, metadata };
  const text = JSON.stringify({ ...head, ...(Object(value) as object), ...head });
  const roll = random();
  // Keys of their own that are put in, or said twice.
  const keys = [...text.matchAll(/[{,]"[a-zA-Z]+":/g)];
  const place = keys[Math.floor(random() * keys.length)];
  if (roll > 0.4 || place === undefined) return { kind, body: text };
  const at = place.index + 1;
  const extra = roll < 0.2 ? `"unknown${Math.floor(random() * 3)}":{"a":1},` : `${place[0].slice(1)}null,`;
  return { kind, body: text.slice(0, at) + extra + text.slice(at) };
});

/** What was told: the strict errors in an order of their own, the text of a wrong value, or that all is well. */
type Told = { strict: readonly string[] } | { wrong: string } | { object: JsonValue };

function ours({ kind, body }: Case): Told {
  const warnings: string[] = [];
  try {
    const bytes = Buffer.from(body);
    decodeObject(codecs, kind, bytes, "application/json", "Warn", (text) => warnings.push(text));
    if (warnings.length > 0) return { strict: warnings.sort() };
    // The oracle applies no defaults.
    const { value } = codecs.compiler.compile(kind.type).decode(readJson(body));
    return {
      object: comparable(
        { ...value, apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind },
        kind.type,
      ),
    };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const told = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: `;
    return { wrong: error.message.replace(told, "") };
  }
}

upstream.compare<Case>("bodies: strict errors and values of the wrong type, in all kinds", {
  runs: 2_000,
  cases: hand([
    "{}",
    '{"spec":{}}',
    '{"metadata":{"name":"a","name":"b"},"x":1}',
    '{"metadata":{"labels":{"a":1}}}',
    '{"metadata":{"creationTimestamp":"yesterday"}}',
    '{"spec":{"containers":[{"ports":[{"containerPort":"x"}],"y":1}]}}',
    '{"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}}',
    '{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":true}}}]}}',
    '{"spec":{"volumes":[{"name":"a","emptyDir":{"sizeLimit":[]}}]}}',
    '{"spec":{"terminationGracePeriodSeconds":9223372036854775808}}',
    '{"spec":{"priority":2147483648}}',
    '{"Spec":{}}',
    '{"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}}}]}}',
  ]).concat(definitions),
  generate,
  ours,
  theirs: async (oracle, { kind, body }) => {
    const told = (await oracle.ask("decode", {
      apiVersion: apiVersionOf(kind.group, kind.version),
      kind: kind.kind,
      body,
    })) as unknown as { strict: string[]; fault?: { text: string }; object?: JsonObject };
    if (told.fault !== undefined) return { wrong: told.fault.text };
    return told.strict.length > 0
      ? { strict: told.strict.sort() }
      : { object: comparable(told.object!, kind.type) };
  },
  // Messages show the beginning of a long value, and some of very many strict errors (docs/differences.md).
  known: ({ body }) => body.includes("x".repeat(1_000)) || body.startsWith('{"0":'),
});
