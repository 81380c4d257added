/** `node scripts/crash-campaign.ts [--kills 200]`: kills a writing store again and again, and judges what is left. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isClean, runCrashCampaign } from "#storage/embedded/crash/campaign.ts";

const { values } = parseArgs({ options: { kills: { type: "string", default: "200" } } });
const directory = await mkdtemp(join(tmpdir(), "myriad-crash-"));
const figures = await runCrashCampaign({
  directory,
  kills: Number(values.kills),
  random: Math.random,
  onRound: (round, soFar) => {
    if (round % 20 === 0) console.log(`${round} kills, ${soFar.acknowledged} transactions answered`);
  },
});
console.log(JSON.stringify(figures));
const clean = isClean(figures);
if (clean) await rm(directory, { recursive: true, force: true });
else console.log(`kept for inspection: ${directory}`);
process.exitCode = clean ? 0 : 1;
