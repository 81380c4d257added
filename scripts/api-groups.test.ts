import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { universalResources } from "#api/builtins.ts";
import { apiGroupsPage, apiGroupsTable, withTable } from "./api-groups.ts";

test("docs/reference/api-groups.md lists what is served (else: node scripts/api-groups.ts)", () => {
  const page = readFileSync(apiGroupsPage, "utf8");
  assert.ok(page.includes(`\n${apiGroupsTable()}\n`), "the table is not what the server serves");
  assert.equal(withTable(page), page, "writing the table again changes the page");
});

test("a universal workspace serves nothing that a kubernetes one does not", () => {
  const listed = apiGroupsTable();
  for (const { group, resource } of universalResources()) {
    assert.match(
      listed,
      new RegExp(`^\\| ${group === "" ? "core" : group} \\|[^|]*\\| ${resource} \\|.*\\| all \\|`, "m"),
    );
  }
});
