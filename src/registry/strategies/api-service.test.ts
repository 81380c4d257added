/** APIServices: data whose status says that nothing is aggregated. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, update } from "./testing.ts";

const key = "apiregistration.k8s.io/apiservices";
const name = "v1beta1.metrics.k8s.io";
const spec = {
  ...{ group: "metrics.k8s.io", version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100 },
  service: { namespace: "kube-system", name: "metrics" },
};
const errors = (given: object, named = name): readonly string[] =>
  create(key, { metadata: { name: named }, spec: given }).errors;
const available = (given: object): Record<string, unknown> => {
  const { status } = create(key, { metadata: { name }, spec: given }).object;
  return (status as { conditions: [Record<string, unknown>] }).conditions[0];
};

test("one that names a Service gets its port, and is not available", () => {
  const { object, errors: found } = create(key, { metadata: { name }, spec });
  assert.deepEqual(found, []);
  assert.deepEqual((object.spec as { service: object }).service, { ...spec.service, port: 443 });
  const { status, reason, message } = available(spec);
  assert.deepEqual([status, reason], ["False", "NotAggregated"]);
  assert.equal(message, 'requests for the group are not passed on to service/metrics in "kube-system"');
});

test("a local one is available", () => {
  const { service: _, ...local } = spec;
  assert.deepEqual(errors(local), []);
  assert.deepEqual([available(local).status, available(local).reason], ["True", "Local"]);
  assert.deepEqual(errors({ ...local, group: "", version: "v1" }, "v1."), []);
});

test("what is wrong with one", () => {
  assert.deepEqual(errors({ ...spec, version: "V1", group: "", groupPriorityMinimum: 0 }), [
    `metadata.name: Invalid value: "${name}": must be \`spec.version+"."+spec.group\`: "V1."`,
    "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
    "spec.version: Invalid value: \"V1\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
  ]);
  const trust = { caBundle: "YWJj", insecureSkipTLSVerify: true };
  assert.deepEqual(errors({ ...spec, ...trust, service: { port: 0 } }), [
    "spec.service.namespace: Required value",
    "spec.service.name: Required value",
    "spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
    "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
  ]);
  const { service: _, ...local } = spec;
  assert.deepEqual(errors({ ...local, ...trust }), [
    'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
    "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
  ]);
});

test("conditions that somebody writes are true, false or unknown", () => {
  const { object } = create(key, { metadata: { name }, spec });
  const told = (status: string) =>
    update(key, object, { ...object, status: { conditions: [{ type: "Available", status }] } }, "status")
      .errors;
  assert.deepEqual(told("Unknown"), []);
  assert.deepEqual(told("Maybe"), [
    'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
  ]);
});
