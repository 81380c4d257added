import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import { pathSegmentErrors } from "#machinery/names/dns.ts";
import type { KubeObject } from "./object.ts";
import { objectMetaErrors, objectMetaUpdateErrors } from "./validation.ts";

type Meta = KubeObject["metadata"];
const object = (metadata: Meta): KubeObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
const created = (metadata: Meta, namespaced = true): string[] =>
  objectMetaErrors(object(metadata), { namespaced }).map(fieldErrorText);
const base: Meta = {
  name: "x",
  namespace: "ns",
  uid: "u",
  creationTimestamp: "2026-01-01T00:00:00Z",
  generation: 1,
};
const updated = (next: Meta, old: Meta = base): string[] =>
  objectMetaUpdateErrors(object({ ...base, ...next }), object({ ...base, ...old })).map(fieldErrorText);

test("names and namespaces", () => {
  assert.deepEqual(created({ name: "x", namespace: "ns" }), []);
  assert.deepEqual(created({ namespace: "ns" }), [
    "metadata.name: Required value: name or generateName is required",
  ]);
  assert.deepEqual(created({ name: "x" }), ["metadata.namespace: Required value"]);
  assert.deepEqual(created({ name: "x", namespace: "a.b" }), [
    'metadata.namespace: Invalid value: "a.b": must not contain dots',
  ]);
  assert.deepEqual(created({ name: "x", namespace: "ns" }, false), [
    "metadata.namespace: Forbidden: not allowed on this type",
  ]);
  assert.match(
    created({ name: "X", namespace: "ns" })[0]!,
    /^metadata.name: Invalid value: "X": a lowercase RFC 1123 subdomain/,
  );
  assert.match(
    created({ name: "x", generateName: "XY-", namespace: "ns" })[0]!,
    /^metadata.generateName: Invalid value: "XY-"/,
  );
  assert.deepEqual(
    objectMetaErrors(object({ name: "system:x" }), { namespaced: false, validateName: pathSegmentErrors }),
    [],
  );
  assert.deepEqual(created({ name: "x", namespace: "ns", generation: -1 }), [
    "metadata.generation: Invalid value: -1: must be greater than or equal to 0",
  ]);
});

test("labels and annotations", () => {
  const errors = created({
    name: "x",
    namespace: "ns",
    labels: { "a b": "c d" },
    annotations: { "Ok.com/x": "any thing", "/": "" },
  });
  assert.match(errors[0]!, /^metadata.labels: Invalid value: "a b": name part must consist/);
  assert.match(errors[1]!, /^metadata.labels: Invalid value: "c d": a valid label must be/);
  assert.match(errors[2]!, /^metadata.annotations: Invalid value: "\/": prefix part must be non-empty/);
  const most = 256 * 1024 - 1;
  assert.deepEqual(created({ name: "x", namespace: "ns", annotations: { a: "v".repeat(most) } }), []);
  assert.deepEqual(created({ name: "x", namespace: "ns", annotations: { a: "v".repeat(most + 1) } }), [
    "metadata.annotations: Too long: may not be more than 262144 bytes",
  ]);
  assert.equal(
    created({ name: "x", namespace: "ns", annotations: { a: "é".repeat(140_000) } }).length,
    1,
    "the limit counts bytes",
  );
});

test("finalizers and owners", () => {
  assert.deepEqual(created({ name: "x", namespace: "ns", finalizers: ["orphan", "foregroundDeletion"] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ]);
  assert.equal(created({ name: "x", namespace: "ns", finalizers: ["a b"] }).length, 1);
  const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true };
  assert.deepEqual(created({ name: "x", namespace: "ns", ownerReferences: [owner] }), []);
  assert.match(
    created({ name: "x", namespace: "ns", ownerReferences: [owner, { ...owner, name: "q" }] })[0]!,
    /Only one reference can have Controller set to true. Found "true" in references for Pod\/p and Pod\/q$/,
  );
  assert.deepEqual(
    created({
      name: "x",
      namespace: "ns",
      ownerReferences: [{ apiVersion: "", kind: "", name: "", uid: "" }],
    }),
    [
      'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
      'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
      'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
  );
  assert.match(
    created({ name: "x", namespace: "ns", ownerReferences: [{ ...owner, kind: "Event" }] })[0]!,
    /\/v1, Kind=Event is disallowed from being an owner$/,
  );
});

test("what an update may not change", () => {
  assert.deepEqual(updated({}), []);
  assert.deepEqual(
    updated({
      name: "y",
      namespace: "m",
      uid: "v",
      creationTimestamp: "2027-01-01T00:00:00Z",
      deletionTimestamp: "2027-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
    }),
    [
      'metadata.name: Invalid value: "y": field is immutable',
      'metadata.namespace: Invalid value: "m": field is immutable',
      'metadata.uid: Invalid value: "v": field is immutable',
      'metadata.creationTimestamp: Invalid value: "2027-01-01T00:00:00Z": field is immutable',
      'metadata.deletionTimestamp: Invalid value: "2027-01-01T00:00:00Z": field is immutable',
      "metadata.deletionGracePeriodSeconds: Invalid value: 0: field is immutable",
    ],
  );
  assert.deepEqual(updated({ generation: 0 }), [
    "metadata.generation: Invalid value: 0: must not be decremented",
  ]);
  assert.deepEqual(updated({}, { deletionTimestamp: "2027-01-01T00:00:00Z" }), [
    "metadata.deletionTimestamp: Invalid value: null: field is immutable",
  ]);
});

test("a deleting object gets no new finalizers", () => {
  const deleting: Meta = { deletionTimestamp: "2027-01-01T00:00:00Z", finalizers: ["a.b/c"] };
  assert.deepEqual(updated({ ...deleting, finalizers: ["a.b/c"] }, deleting), []);
  assert.deepEqual(updated({ ...deleting, finalizers: [] }, deleting), []);
  assert.deepEqual(updated({ ...deleting, finalizers: ["a.b/c", "z/z", "b/b"] }, deleting), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b/b", "z/z"}',
  ]);
  assert.deepEqual(updated({ finalizers: ["new/one"] }), []);
});
