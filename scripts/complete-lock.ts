/**
 * Adds to package-lock.json the optional, per-platform packages that the registry at hand did not offer when the lock
 * was written (a partial mirror). Without their entries `npm ci` refuses the lock as out of step. They are pinned
 * exactly by their parents, so the entry is known but for the checksum, which npm then takes from the registry it
 * installs from. Run after `npm install` when `npm test -- 'scripts/**'` asks for it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { completeLock, type Lock, missingOptional } from "./lock.ts";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
const added = missingOptional(lock);
writeFileSync(file, `${JSON.stringify(completeLock(lock), undefined, 2)}\n`);
for (const { name, version } of added) process.stdout.write(`added ${name}@${version}\n`);
