#!/usr/bin/env node
import { restartWithAllocatorLimits } from "./allocator.ts";
import { launch } from "./launch.ts";

const command = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
if (command === "start") restartWithAllocatorLimits();
await launch(async () => (await import("./program.ts")).runMyriad);
