import fc from "fast-check";
import { type FieldError, fieldErrorText } from "#machinery/errors/field-error.ts";
import { dns1123LabelErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import { answered, likeUpstream, outcome } from "#machinery/testing/like-upstream.ts";
import type { KubeObject } from "./object.ts";
import { objectMetaErrors, objectMetaUpdateErrors } from "./validation.ts";

const upstream = likeUpstream();

type Meta = KubeObject["metadata"];

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const name = fc.constantFrom(
  "x",
  "x",
  "x",
  "a.b",
  "A",
  "",
  "x-",
  "a/b",
  "..",
  "é",
  "a".repeat(64),
  "a".repeat(254),
);
const key = fc.constantFrom("a", "b.c/d", "A.B/c", "", "/", "a b", "-", "x/y/z", "__proto__", "é");
const value = fc.constantFrom("", "v", "v-", "a b", "é", "x".repeat(64));
const strings = fc
  .array(fc.tuple(key, value), { maxLength: 2 })
  .map((pairs) => Object.fromEntries(pairs) as Record<string, string>);
const finalizer = fc.constantFrom("a.b/c", "orphan", "foregroundDeletion", "a b", "", "kubernetes", "x/y/z");
const owner = fc.record({
  apiVersion: fc.constantFrom("v1", "apps/v1", "", "a/b/c", "/v1", "v1/", "/", "a/"),
  kind: fc.constantFrom("Pod", "Event", ""),
  name: fc.constantFrom("p", "q", ""),
  uid: fc.constantFrom("u", ""),
  controller: fc.constantFrom(true, false),
  blockOwnerDeletion: fc.constantFrom(true, false),
});
const moment = fc.constantFrom("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");

const without = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).filter(([, member]) => member !== undefined)) as T;

const meta: fc.Arbitrary<Meta> = fc
  .record({
    name: rarely(name),
    generateName: rarely(name),
    namespace: rarely(name),
    generation: rarely(fc.constantFrom(-1, 0, 1, 2)),
    labels: rarely(strings),
    annotations: rarely(strings),
    finalizers: rarely(fc.array(finalizer, { maxLength: 3 })),
    ownerReferences: rarely(fc.array(owner, { maxLength: 3 })),
  })
  .map((record) => without(record) as Meta);

/** Texts in an order of their own: upstream goes through maps of labels in a random one. */
const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorText).sort();
const theirTexts = (told: unknown): string[] => (told as { text: string }[]).map(({ text }) => text).sort();

const rules = { subdomain: undefined, label: dns1123LabelErrors, pathSegment: pathSegmentErrors };
interface Case {
  readonly metadata: Meta;
  readonly namespaced: boolean;
  readonly rule: keyof typeof rules;
}

upstream.compare<Case>("metadata of new objects", {
  cases: [
    { metadata: {}, namespaced: true, rule: "subdomain" },
    { metadata: { name: "x", namespace: "ns" }, namespaced: false, rule: "subdomain" },
    {
      metadata: { name: "x", annotations: { a: "v".repeat(256 * 1_024 - 1) } },
      namespaced: false,
      rule: "subdomain",
    },
    {
      metadata: { name: "x", annotations: { a: "v".repeat(256 * 1_024) } },
      namespaced: false,
      rule: "subdomain",
    },
  ],
  generate: fc.record({
    metadata: meta,
    namespaced: fc.boolean(),
    rule: fc.constantFrom("subdomain", "label", "pathSegment"),
  }),
  ours: ({ metadata, namespaced, rule }) =>
    outcome(() =>
      texts(
        objectMetaErrors(
          { apiVersion: "v1", kind: "ConfigMap", metadata },
          { namespaced, validateName: rules[rule] },
        ),
      ),
    ),
  theirs: (oracle, input) => answered(oracle.ask("meta.validate", input), theirTexts),
});

const updated: fc.Arbitrary<Meta> = fc
  .record({
    resourceVersion: fc.constant("1"),
    name: fc.constantFrom("x", "x", "y"),
    namespace: fc.constantFrom("ns", "ns", ""),
    uid: fc.constantFrom("u", "u", "v", ""),
    generation: rarely(fc.constantFrom(0, 1, 2)),
    creationTimestamp: rarely(moment),
    deletionTimestamp: rarely(moment),
    deletionGracePeriodSeconds: rarely(fc.constantFrom(0, 30)),
    labels: rarely(strings),
    annotations: rarely(strings),
    finalizers: rarely(fc.array(finalizer, { maxLength: 3 })),
    ownerReferences: rarely(fc.array(owner, { maxLength: 2 })),
  })
  .map((record) => without(record) as Meta);

interface Update {
  readonly metadata: Meta;
  readonly old: Meta;
}

upstream.compare<Update>("metadata of changed objects", {
  cases: [{ metadata: { name: "x", resourceVersion: "1" }, old: { name: "x" } }],
  generate: fc.oneof(
    fc.record({ metadata: updated, old: updated }),
    fc.tuple(updated, updated).map(([metadata, old]) => ({ metadata: { ...old, ...metadata }, old })),
  ),
  ours: ({ metadata, old }) =>
    outcome(() =>
      texts(
        objectMetaUpdateErrors(
          { apiVersion: "v1", kind: "ConfigMap", metadata },
          { apiVersion: "v1", kind: "ConfigMap", metadata: old },
        ),
      ),
    ),
  theirs: (oracle, input) => answered(oracle.ask("meta.validateUpdate", input), theirTexts),
});
