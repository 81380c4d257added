#!/usr/bin/env node
import { restartWithAllocatorLimits } from "./allocator.ts";
import { launch } from "./launch.ts";

if (process.argv.includes("start", 2)) restartWithAllocatorLimits();
await launch(async () => (await import("./program.ts")).runMyriad);
