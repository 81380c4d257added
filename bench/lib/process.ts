/** What the kernel knows of a process (Linux /proc). */
import { readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** User and system CPU seconds so far, of all threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Bytes that belong to the process alone: anonymous memory. The pages of a mapped file are the page cache's. */
export function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const anonymous = /^Anonymous:\s+(\d+) kB$/m.exec(rollup);
  if (anonymous === null) throw new Error("smaps_rollup has no Anonymous line");
  return Number(anonymous[1]) * 1024;
}
