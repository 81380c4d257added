/**
 * Integers that a double cannot hold, wherever the API has room for them. They are objects here, and code that takes them
 * for numbers breaks.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { fullSamples } from "#base/testing/samples.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { deref, type Schema } from "#machinery/schema/types.ts";
import { checkAnswer } from "./testing/answers.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

const catalogue = loadCatalogue();
const values = ["4611686018427387905", "-4611686018427387905"].map(rawNumber);

/** Paths of all integers of 64 bits whose struct is there, or is one level away. */
function* places(value: JsonValue | undefined, schema: Schema, deeper = 2): Iterable<string[]> {
  const node = deref(schema, catalogue);
  if (node.kind === "integer" && node.format === "int64") yield [];
  if (node.kind === "list" && Array.isArray(value) && value.length > 0)
    for (const path of places(value[0], node.items, deeper)) yield ["0", ...path];
  if (node.kind !== "object" || (value !== undefined && !isJsonObject(value)) || deeper < 0) return;
  for (const { name, schema: inner } of node.fields.values()) {
    const member = value?.[name];
    const left = member === undefined ? deeper - 1 : deeper;
    for (const path of places(member, inner, left)) yield [name, ...path];
  }
}

function withValue(object: JsonObject, path: readonly string[], value: JsonValue): JsonObject {
  const copy = cloneJson(object);
  let at = copy as Record<string, JsonValue>;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as typeof at;
  }
  at[path.at(-1)!] = value;
  return copy;
}

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(() => server.close());

test("objects as users write them, with one large integer each, created and replaced", async () => {
  const file = new URL("../registry/validation/testing/verdicts.generated.json", import.meta.url);
  const objects = (JSON.parse(readFileSync(file, "utf8")) as { object: JsonObject }[]).map(
    ({ object }) => object,
  );
  const base = `/clusters/${await server.workspace("large", { type: "kubernetes" })}`;
  let asked = 0;
  for (const object of objects) {
    const [version = "", group = ""] = String(object.apiVersion).split("/").reverse();
    const info = kubernetesResources().find(
      (one) =>
        one.group === group && one.versions.some((at) => at.version === version && at.kind === object.kind),
    )!;
    const { type } = info.versions.find((at) => at.version === version)!;
    const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const collection = `${base}${root}${info.namespaced ? "/namespaces/default" : ""}/${info.resource}`;
    const { name } = object.metadata as { name: string };
    await server.call("POST", collection, { body: object });
    for (const path of places(object, { kind: "ref", ref: type })) {
      // Everyday one value, in turns.
      for (const value of fullSamples ? values : [values[asked % values.length]!]) {
        const body = withValue(object, path, value);
        const sent: [string, string][] = [
          ["POST", `${collection}?dryRun=All`],
          ["PUT", `${collection}/${name}?dryRun=All`],
          ["PUT", `${collection}/${name}/status?dryRun=All`],
        ];
        for (const [method, to] of sent) {
          const answer = await server.call(method, to, { body });
          checkAnswer(server, answer, `${method} ${to} ${path.join(".")} ${JSON.stringify(body)}`);
          asked++;
        }
      }
    }
  }
  assert.deepEqual(server.bugs, []);
  assert.ok(asked > 1_000, `${asked} requests`);
});
