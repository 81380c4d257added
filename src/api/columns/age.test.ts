import assert from "node:assert/strict";
import { test } from "node:test";
import { ageOf } from "./age.ts";

test("an age is that of an RFC 3339 time and of nothing else", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  assert.deepEqual(
    ["2026-01-01T23:59:00Z", "2026-01-02T01:59:00+02:00", "2020-01-01", "yesterday", "", undefined].map(
      (text) => ageOf(text, now),
    ),
    ["60s", "60s", "<invalid>", "<invalid>", "<unknown>", "<unknown>"],
  );
  assert.equal(ageOf("0001-01-01T00:00:00Z", now), "<unknown>");
});
