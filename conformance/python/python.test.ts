import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runChecks } from "../harness/checks.ts";
import { testPatience } from "../harness/child.ts";
import { python } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

const script = join(dirname(fileURLToPath(import.meta.url)), "checks.py");

/** How many checks the script makes at least. */
const leastChecks = 14;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

test("the Python client", { timeout: testPatience }, async (t) => {
  const [workspace] = await target.workspaces(1);
  await runChecks(t, [python(), script, workspace?.kubeconfig ?? ""], leastChecks, {
    PYTHONDONTWRITEBYTECODE: "1",
  });
});
