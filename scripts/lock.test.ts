import assert from "node:assert/strict";
import { test } from "node:test";
import { completeLock, missingOptional } from "./lock.ts";

test("optional packages without an entry get one that says their platform", () => {
  const lock = {
    lockfileVersion: 3,
    packages: {
      "": {},
      "node_modules/tool": {
        version: "1.2.3",
        dev: true,
        license: "MIT",
        optionalDependencies: { "@tool/linux-x64": "1.2.3", "@tool/linux-arm64-musl": "1.2.3" },
      },
      "node_modules/@tool/linux-x64": { version: "1.2.3" },
    },
  };
  assert.deepEqual(missingOptional(lock), [
    { parent: "node_modules/tool", name: "@tool/linux-arm64-musl", version: "1.2.3" },
  ]);
  const complete = completeLock(lock);
  assert.deepEqual(missingOptional(complete), []);
  assert.deepEqual(complete.packages["node_modules/@tool/linux-arm64-musl"], {
    version: "1.2.3",
    cpu: ["arm64"],
    dev: true,
    libc: ["musl"],
    license: "MIT",
    optional: true,
    os: ["linux"],
  });
});
