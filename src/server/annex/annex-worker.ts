/** Begins the annex: code that was compiled once is taken from the cache of the program, which halves the time to load it. */
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";
import { workerData } from "node:worker_threads";
import type { AnnexData } from "./protocol.ts";

const { compileCache } = workerData as AnnexData;
if (compileCache)
  nodeModule.enableCompileCache(
    fileURLToPath(new URL("../../../node_modules/.cache/myriad", import.meta.url)),
  );
await import("./annex-thread.ts");
// A thread that is ended from outside writes nothing at its end.
if (compileCache) nodeModule.flushCompileCache();
