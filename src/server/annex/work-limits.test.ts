import assert from "node:assert/strict";
import { test } from "node:test";
import { workLimits } from "./work-limits.ts";

const definitions = "apiextensions.k8s.io";
const isLarge = (value: unknown, apiGroup: string): boolean =>
  workLimits.isLarge(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), apiGroup);
const filler = (bytes: number): object => ({ description: "x".repeat(bytes) });

test("any body above 32 KiB goes to the second thread", () => {
  assert.equal(isLarge(filler(32_700), ""), false);
  assert.equal(isLarge(filler(32_800), ""), true);
});

test("an ordinary definition stays in the first thread, one with programs goes", () => {
  assert.equal(isLarge(filler(20_000), definitions), false);
  assert.equal(isLarge({ ...filler(20_000), "x-kubernetes-validations": [] }, definitions), true);
  assert.equal(isLarge({ "x-kubernetes-validations": [] }, definitions), false);
  const patterns = (count: number): object => ({
    ...filler(5_000),
    all: Array(count).fill({ pattern: "a" }),
  });
  assert.equal(isLarge(patterns(16), definitions), false);
  assert.equal(isLarge(patterns(17), definitions), true);
  const versions = (count: number): object => ({ ...filler(5_000), versions: Array(count).fill({}) });
  assert.equal(isLarge(versions(64), definitions), false);
  assert.equal(isLarge(versions(65), definitions), true);
});

test("an escape hides no program, and a repetition counts at any size", () => {
  assert.equal(isLarge(`${JSON.stringify(filler(5_000))}"\\u0070attern"`, definitions), true);
  assert.equal(isLarge({ pattern: "a{1000}" }, definitions), true);
  assert.equal(isLarge({ pattern: "a{9}" }, definitions), false);
});

test("policies and webhook configurations go above 4 KiB", () => {
  assert.equal(isLarge(filler(4_000), "admissionregistration.k8s.io"), false);
  assert.equal(isLarge(filler(4_200), "admissionregistration.k8s.io"), true);
});
