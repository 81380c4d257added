import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runChecks } from "../harness/checks.ts";
import { python } from "../harness/parts.ts";
import { openTarget, type Target } from "../harness.ts";

const script = join(dirname(fileURLToPath(import.meta.url)), "checks.py");

/** How many checks the script makes at least. */
const leastChecks = 14;

/** A script that hangs is killed after this many milliseconds. */
const patience = 300_000;

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.close());

test("the Python client", { timeout: patience }, async (t) => {
  const [workspace] = await target.workspaces(1);
  await runChecks(t, [python(), script, workspace?.kubeconfig ?? ""], leastChecks, {
    PYTHONDONTWRITEBYTECODE: "1",
  });
});
