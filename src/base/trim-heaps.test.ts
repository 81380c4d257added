import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { trimHeaps } from "./trim-heaps.ts";

const report = process.report?.getReport() as { header: { glibcVersionRuntime?: string } } | undefined;
const hasGlibc = process.platform === "linux" && report?.header.glibcVersionRuntime !== undefined;

const anonymousMiB = (): number => {
  const rollup = readFileSync("/proc/self/smaps_rollup", "utf8");
  return Number(/^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1]) / 1_024;
};

test("free pages between pieces that are in use go back to the system", { skip: !hasGlibc }, async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const pieces = Array.from({ length: 20_000 }, () => Buffer.allocUnsafeSlow(4_000).fill(1));
  // One in a hundred lives on.
  const kept = pieces.filter((_, index) => index % 100 === 0);
  pieces.length = 0;
  gc();
  // V8 frees the memory of buffers in another thread.
  for (let looks = 0; looks < 100 && process.memoryUsage().arrayBuffers > 10e6; looks++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const before = anonymousMiB();
  assert.equal(await trimHeaps(), true);
  const after = anonymousMiB();
  assert.ok(before - after > 30, `of 80 MiB that were freed, ${before - after} went back`);
  assert.ok(kept.every((piece) => piece[3_999] === 1));
});
