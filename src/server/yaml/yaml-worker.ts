/** Reads YAML in a thread of its own: a large document takes seconds, which nobody else should wait for. */
import { parentPort } from "node:worker_threads";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { writeJson } from "#machinery/json/write.ts";

/** `error` is a Status. */
export type YamlAnswer =
  | { readonly json: string; readonly duplicates: readonly string[] }
  | { readonly error: unknown };

parentPort?.on("message", (bytes: Uint8Array) => parentPort?.postMessage(answer(bytes)));

function answer(bytes: Uint8Array): YamlAnswer {
  try {
    const { value, duplicates } = readYaml(bytes, { duplicates: true });
    return { json: writeJson(value), duplicates };
  } catch (error) {
    if (error instanceof StatusError) return { error: error.status };
    throw error;
  }
}
