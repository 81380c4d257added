import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serverIdentity } from "./server-identity.ts";

test("a root directory keeps its identity, other directories and hosts have others", (t) => {
  const [one, other] = [0, 1].map(() => mkdtempSync(join(tmpdir(), "myriad-identity-"))) as [string, string];
  t.after(() => {
    for (const folder of [one, other]) rmSync(folder, { recursive: true });
  });
  const first = serverIdentity(one, "host");
  assert.match(first, /^host_[0-9a-f-]{36}$/);
  assert.equal(serverIdentity(one, "host"), first);
  assert.notEqual(serverIdentity(other, "host"), first);
  assert.notEqual(serverIdentity(one, "host2"), first);
  writeFileSync(join(one, "server-identity"), "");
  assert.notEqual(serverIdentity(one, "host"), first);
});
