/** What a compiled schema takes in memory: heap growth over some hundreds of distinct ones, every one used. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import type { CompiledCustomSchema } from "#machinery/structural/custom-schema.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import { objectMeta } from "#machinery/structural/testing.ts";
import type { Report } from "../lib/report.ts";
import { largeSchema, largeSpec } from "./custom.ts";

/** Whose names are shared: by the groups and by all schemas, or each of the 200 fields has a name and a limit of its own. */
type Names = "shared names" | "no name or limit twice";

/** A schema of 200 fields with five rules, and an object of it, as texts. */
function texts(index: number, names: Names): readonly [schema: string, object: string] {
  const value = {
    apiVersion: "bench.example.com/v1",
    kind: "Large",
    metadata: { name: "x" },
    spec: largeSpec(),
  };
  const schema = JSON.stringify(largeSchema()).replaceAll("1000", `${1_000 + index}`);
  const object = JSON.stringify(value);
  if (names === "shared names") return [schema, object];
  const renamed = (text: string): string =>
    text
      .replaceAll(/"group(\d)":\{.*?(?="group\d":|$)/g, (part, group) =>
        part.replaceAll(/"(field\d+|list)":/g, `"$1of${group}in${index}":`),
      )
      .replaceAll(/self\.group(\d)\.(field\d+|list)/g, `self.group$1.$2of$1in${index}`);
  let limits = 0;
  const unlike = renamed(schema).replaceAll(
    /("max\w+"):(\d+)/g,
    (_, key, at) => `${key}:${Number(at) + limits++}`,
  );
  return [unlike, renamed(object)];
}

function use(schema: CompiledCustomSchema, object: JsonObject): void {
  const { value } = schema.decode(object);
  schema.applyDefaults(value);
  const errors = [...schema.validate(value), ...schema.validateRules(value, undefined, [])];
  if (errors.length > 0) throw new Error(JSON.stringify(errors[0]));
}

export function schemaMemory(report: Report, count: number): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (const names of ["shared names", "no name or limit twice"] as const) {
    report.add(
      `a schema of 200 fields and five rules, used, ${names}`,
      "myriad",
      measured(names, count, collect),
    );
  }
}

/** A call of its own, so that what it held is garbage when the next one begins. */
function measured(names: Names, count: number, collect: () => void): Record<string, number> {
  const heap = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const patterns = new PatternCache();
  const parse = (text: string): JsonObject => readOwnJson(Buffer.from(text)) as JsonObject;
  const make = (index: number): CompiledCustomSchema => {
    const [schema, object] = texts(index, names);
    const compiled = compileCustomSchema(parse(schema), { objectMeta, patterns });
    use(compiled, parse(object));
    return compiled;
  };
  for (let i = 0; i < 50; i++) make(count + i);
  const before = heap();
  const started = process.cpuUsage();
  const held = Array.from({ length: count }, (_, index) => make(index));
  const { user } = process.cpuUsage(started);
  const growth = heap() - before;
  return { "KB each": growth / held.length / 1_000, "CPU ms to compile and use once": user / 1_000 / count };
}
