/**
 * Preloaded into a server under test (`node --import`): tells how long its event loop was held in one go, in time and in CPU time of its
 * main thread, so that a machine with other work does not look like a stall. Answers each message of the parent with both, and
 * begins anew.
 */
import { isMainThread } from "node:worker_threads";

const everyMs = 1;

let heldMs = 0;
let heldCpuMs = 0;
let lastTime = performance.now();
let lastCpu = process.threadCpuUsage();

function look(): void {
  const time = performance.now();
  const cpu = process.threadCpuUsage();
  heldMs = Math.max(heldMs, time - lastTime - everyMs);
  heldCpuMs = Math.max(heldCpuMs, (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1_000);
  lastTime = time;
  lastCpu = cpu;
}

if (isMainThread) {
  setInterval(look, everyMs).unref();
  process.on("message", () => {
    look();
    process.send?.({ heldMs, heldCpuMs });
    heldMs = 0;
    heldCpuMs = 0;
  });
  process.channel?.unref();
}
