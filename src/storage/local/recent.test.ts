import assert from "node:assert/strict";
import { test } from "node:test";
import type { Revision } from "../port.ts";
import { Recent } from "./recent.ts";

const at = (revision: number): Revision => revision as Revision;

test("what was read at a revision is known at this one only", () => {
  const recent = new Recent<string>();
  recent.set("a", at(1), "one");
  assert.equal(recent.get("a", at(1)), "one");
  assert.equal(recent.get("a", at(2)), undefined);
  recent.set("b", at(2), "two");
  assert.equal(recent.get("a", at(2)), undefined);
  assert.equal(recent.get("a", at(1)), undefined);
  assert.equal(recent.get("b", at(2)), "two");
});

test("after a rebuild the same revision is another one", () => {
  const recent = new Recent<string>();
  recent.set("a", at(1), "one");
  recent.forget();
  assert.equal(recent.get("a", at(1)), undefined);
  recent.set("b", at(1), "two");
  assert.equal(recent.get("a", at(1)), undefined);
});

test("so many keys are kept and no more", () => {
  const recent = new Recent<number>();
  for (let i = 0; i < 5_000; i++) recent.set(String(i), at(1), i);
  assert.equal(recent.get("0", at(1)), 0);
  assert.equal(recent.get("4999", at(1)), undefined);
});
