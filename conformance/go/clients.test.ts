import { after, before, test } from "node:test";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

/** How many workspaces each program works in at once. */
const workspaces = 3;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

for (const program of [
  ...["typed", "conflict", "dynamic", "metadata", "informers"],
  ...["watch", "paging", "leader", "reconcile"],
]) {
  test(`go ${program}, in several workspaces at once`, { timeout: testPatience }, async (t) => {
    const kubeconfigs = (await target.workspaces(workspaces)).map((each) => each.kubeconfig);
    await runChecks(t, [part("go-clients"), program, ...kubeconfigs], kubeconfigs.length + 1);
  });
}
