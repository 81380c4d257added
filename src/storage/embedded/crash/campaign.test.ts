import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sampleOf } from "#base/testing/samples.ts";
import { isClean, runCrashCampaign } from "./campaign.ts";

/** The long campaign is `node scripts/crash-campaign.ts`. */
const kills = sampleOf(10, 3);

test("nothing answered or shown is lost when the process is killed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "myriad-crash-"));
  try {
    const figures = await runCrashCampaign({ directory, kills, random: Math.random });
    assert.ok(isClean(figures), JSON.stringify(figures));
    assert.ok(figures.acknowledged > 0 && figures.kills === kills);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
