import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Only this repository needs it: the example tests the sources beside it, not the published package.
const sources = fileURLToPath(new URL("../../src/index.ts", import.meta.url));

export default defineConfig({
  resolve: { alias: { myriad: sources } },
  // The limits end what hangs, on slow machines too.
  test: { include: ["*.test.ts"], pool: "forks", testTimeout: 120_000, hookTimeout: 120_000 },
});
