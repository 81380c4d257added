import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeFolder } from "./make-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "myriad-folders-"));
after(() => rmSync(folder, { recursive: true }));

test("folders are made with their parents, for the owner alone, and may be there", () => {
  const path = join(folder, "a", "b", "c");
  for (const each of [path, path, join(folder, "a"), folder, "/", "."]) makeFolder(each);
  for (const each of [path, join(folder, "a")]) assert.equal(statSync(each).mode & 0o777, 0o700);
  symlinkSync(path, join(folder, "link"));
  makeFolder(join(folder, "link"));
  makeFolder(join(folder, "link", "below"));
  assert.ok(existsSync(join(path, "below")));
});

test("what cannot be made is an error that names it", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  symlinkSync(join(folder, "nowhere"), join(folder, "broken"));
  for (const path of [file, join(folder, "broken")])
    assert.throws(() => makeFolder(path), { code: "EEXIST", path });
  for (const path of [join(file, "a"), join(file, "a", "b")])
    assert.throws(() => makeFolder(path), { code: "ENOTDIR" });
});

test("a file system that takes no folders is told of", { skip: !existsSync("/proc/self") }, () => {
  for (const path of ["/proc/missing", "/proc/missing/a/b", "/proc/self/fd/missing/a"])
    assert.throws(() => makeFolder(path), { code: "ENOENT" });
});
