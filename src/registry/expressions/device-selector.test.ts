/** What kube-apiserver 1.36.3 said to expressions that choose devices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorBody } from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { deviceSelectorErrors } from "./device-selector.ts";

const path = FieldPath.of("expression");
const told = (source: string): string[] => deviceSelectorErrors(source, path).map(fieldErrorBody);

test("expressions that give a truth, or what is not known yet", () => {
  for (const source of [
    "device.attributes['a'].b",
    "device.allowMultipleAllocations",
    "device.capacity['a'].b.compareTo(quantity('1')) > 0",
    "device.attributes['a'].?b.orValue(true)",
    "cel.bind(d, device.attributes['a'], d.b && d.c)",
    "device.attributes['a'].b.isGreaterThan(semver('1.0.0'))",
    "string(device.attributes['a'].b) == '1'",
  ])
    assert.deepEqual(told(source), [], source);
});

test("others are refused", () => {
  const other = (source: string, type: string): void =>
    assert.deepEqual(told(source), [
      `Invalid value: "${source}": must evaluate to bool or the unknown type, not ${type}`,
    ]);
  other("device.driver", "string");
  other("device.capacity['a'].b", "kubernetes.Quantity");
  other("device.attributes['a']", "map(string, google.protobuf.Any)");
  other("device", "kubernetes.DRADevice");
  other("dyn(1)", "dyn");
  assert.deepEqual(told("device.nope"), [
    `Invalid value: "device.nope": compilation failed: ERROR: <input>:1:7: undefined field 'nope'\n | device.nope\n | ......^`,
  ]);
  assert.deepEqual(told("'x'.find('(') == ''"), [
    "Internal error: program instantiation failed: error parsing regexp: missing closing ): `(`",
  ]);
});
