import { after, before, test } from "node:test";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

/** How many workspaces get a copy of the tool and of what it delivers. */
const copies = 10;

/** What the tool checks at least in each. */
const checksEach = 45;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

test("the engine of Flux, a copy in each of many workspaces", { timeout: testPatience }, async (t) => {
  const kubeconfigs = (await target.workspaces(copies, "kubernetes")).map((each) => each.kubeconfig);
  await runChecks(t, [part("gitops"), ...kubeconfigs], checksEach * kubeconfigs.length);
});
