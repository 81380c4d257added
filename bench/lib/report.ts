/** Figures of one run, printed as they come and written as JSON at the end. */
import { cpuSeconds } from "./process.ts";
import type { RunningServer } from "./servers.ts";

export interface Figure {
  readonly scenario: string;
  readonly server: string;
  readonly values: Readonly<Record<string, number>>;
}

export class Report {
  readonly figures: Figure[] = [];

  add(scenario: string, server: string, values: Record<string, number>): void {
    this.figures.push({ scenario, server, values });
    const text = Object.entries(values).map(([name, value]) => `${name} ${round(value)}`);
    process.stdout.write(`${scenario} | ${server} | ${text.join(", ")}\n`);
  }
}

export const round = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));

/** Runs `work` and tells how much CPU time the server's processes used meanwhile. */
export async function withServerCpu<T>(
  server: RunningServer,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: number }> {
  const cpu = (): number => server.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = cpu();
  const result = await work();
  return { result, cpu: cpu() - before };
}
