import { after, before, test } from "node:test";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

// `copies` is how many workspaces get a copy of the tool and of what it delivers: Argo CD's watches every kind of its own.
// `least` is how many checks each copy makes at least.
for (const { tool, program, copies, least } of [
  { tool: "Flux", program: "flux", copies: 10, least: 45 },
  { tool: "Argo CD", program: "argo", copies: 4, least: 51 },
] as const) {
  test(`the engine of ${tool}, a copy in each of many workspaces`, { timeout: testPatience }, async (t) => {
    const kubeconfigs = (await target.workspaces(copies, "kubernetes")).map((each) => each.kubeconfig);
    await runChecks(t, [part(program), ...kubeconfigs], least * kubeconfigs.length);
  });
}
