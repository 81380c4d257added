/** Reads every entry of a store; run as a process of its own, because a damaged file can end the process. */

import type { Key } from "../port.ts";
import { openReadOnlyStore } from "./read-only-store.ts";

const store = await openReadOnlyStore(process.argv[2]!);
store.visit({ start: "\u0001" as Key, end: "\u{10ffff}\u{10ffff}" as Key }, undefined, () => true);
await store.close();
