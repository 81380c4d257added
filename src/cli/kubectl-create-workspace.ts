#!/usr/bin/env node
import { launch } from "./launch.ts";

await launch(async () => (await import("./ws/program.ts")).runCreateWorkspace);
