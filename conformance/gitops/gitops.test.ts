import { after, before, test } from "node:test";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

/** How many workspaces get a copy of each tool and of what it delivers. */
const copies = 10;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

// `least` is how many checks each copy makes at least.
for (const { tool, program, least } of [{ tool: "Flux", program: "flux", least: 45 }] as const) {
  test(`the engine of ${tool}, a copy in each of many workspaces`, { timeout: testPatience }, async (t) => {
    const kubeconfigs = (await target.workspaces(copies, "kubernetes")).map((each) => each.kubeconfig);
    await runChecks(t, [part(program), ...kubeconfigs], least * kubeconfigs.length);
  });
}
