/**
 * What kube-apiserver 1.36.3 said to some 260 requests for Services, with one range of addresses and with two: of all types, families
 * and policies, right and wrong values, created, replaced, patched, applied and deleted one after the other. Its answers are recorded,
 * what it chose by chance aside; ours are the same.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { type Answer, startLiveServer } from "./testing/live-server.ts";

interface Step {
  /** `rmw`: what is there is read, changed and put back. */
  readonly do: "create" | "put" | "rmw" | "merge" | "apply" | "delete";
  readonly name: string;
  readonly dryRun?: true;
  /** The spec; of `rmw`, its changes. */
  readonly body?: JsonObject;
  readonly answer: JsonObject;
}
interface Recorded {
  readonly addresses: readonly string[];
  readonly steps: readonly Step[];
}

const file = new URL("./testing/service-verdicts.generated.json", import.meta.url);
const all = JSON.parse(readFileSync(file, "utf8")) as Recorded[];

/** Requests ask for none of these, so they were chosen: addresses and ports of the upper parts. */
const chosen4 = /10\.96\.(?!0\.)\d+\.\d+(?!\/)/g;
const chosen6 = /fd00:10:96::(?!0*[0-9a-f]{1,2}\b)[0-9a-f:]+(?!\/)/g;
const chosenPort = (port: number): boolean => port >= 30_086 && port <= 32_767;

function plain(value: JsonValue): JsonValue {
  if (typeof value === "string") return value.replace(chosen4, "DYN4").replace(chosen6, "DYN6");
  if (typeof value === "number") return chosenPort(value) ? "DYNP" : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner as JsonValue)]));
}

function shown({ status, json, headers }: Answer): JsonValue {
  const causes = (json.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  const body =
    json.kind !== "Status"
      ? { spec: json.spec }
      : status === 422
        ? { causes: [...new Set(causes)].sort() }
        : { message: json.message };
  const warnings = [headers.warning ?? []].flat().flatMap((header) => quotedTexts(header));
  return plain({ code: status, ...body, ...(warnings.length > 0 && { warnings }) } as unknown as JsonValue);
}

/** `299 - "a", 299 - "b"` */
const quotedTexts = (header: string): string[] =>
  [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replaceAll('\\"', '"'));

for (const { addresses, steps } of all) {
  test(`Services are answered as upstream does, of ranges ${addresses.join(" and ")}`, async () => {
    const server = await startLiveServer({
      serviceRanges: { addresses, nodePorts: { first: 30_000, last: 32_767 } },
    });
    const path = `/clusters/${await server.workspace("w", { type: "kubernetes" })}/api/v1/namespaces/default/services`;
    const send = async ({ do: verb, name, body = {}, dryRun }: Step): Promise<Answer> => {
      const query = dryRun === true ? "dryRun=All" : "";
      const one = `${path}/${name}`;
      const object = (spec: unknown): object => ({ metadata: { name }, spec });
      const patch = (type: string, of: object, more = ""): Promise<Answer> =>
        server.call("PATCH", `${one}?${more}${query}`, { body: of, type });
      switch (verb) {
        case "create":
          return server.call("POST", `${path}?${query}`, { body: object(body) });
        case "put":
          return server.call("PUT", `${one}?${query}`, { body: object(body) });
        case "rmw": {
          const spec = { ...(await server.call("GET", one)).json.spec, ...(body.set as JsonObject) };
          for (const field of body.drop as string[]) delete spec[field];
          return server.call("PUT", `${one}?${query}`, { body: object(spec) });
        }
        case "merge":
          return patch("application/merge-patch+json", { spec: body });
        case "apply": {
          const applied = { apiVersion: "v1", kind: "Service", ...object(body) };
          return patch("application/apply-patch+yaml", applied, "fieldManager=m&force=true&");
        }
        case "delete":
          return server.call("DELETE", one);
      }
    };
    try {
      for (const [index, step] of steps.entries())
        assert.deepEqual(shown(await send(step)), step.answer, `step ${index}: ${JSON.stringify(step)}`);
      assert.deepEqual(server.bugs, []);
    } finally {
      await server.close();
    }
  });
}
