import { after, before, test } from "node:test";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { part } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

/** How many workspaces get a copy of the operator. */
const copies = 20;

/** What each copy checks at least. */
const checksEach = 20;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

test("an operator on controller-runtime, a copy in each of many workspaces", {
  timeout: testPatience,
}, async (t) => {
  const kubeconfigs = (await target.workspaces(copies)).map((each) => each.kubeconfig);
  await runChecks(t, [part("operator"), ...kubeconfigs], checksEach * kubeconfigs.length, {
    USE_EXISTING_CLUSTER: "true",
  });
});
