/** PATCH with `application/apply-patch+yaml`: server-side apply (k8s.io/apiserver pkg/endpoints/handlers/patch.go applyPatcher). */
import { badRequest, conflict } from "#machinery/errors/errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { RequestContext } from "#server/context.ts";
import { jsonTypeName } from "./decode-body.ts";
import type { ObjectResponder } from "./encoder.ts";
import { requestBody } from "./request-body.ts";
import type { EndpointServices } from "./services.ts";
import { checkBodyAgainstUrl, type FieldValidation, parseWriteOptions } from "./write-options.ts";
import { WriteRequest } from "./write-request.ts";
import type { WriteTarget } from "./write-target.ts";

export async function serveApply(
  services: EndpointServices,
  context: RequestContext,
  target: WriteTarget,
  encoder: ObjectResponder,
): Promise<void> {
  const options = parseWriteOptions(context.query, "PatchOptions", true);
  const { patch, duplicates } = readApplyBody(services, await requestBody(services, context));
  context.exchange.audit?.requestPatch(patch);
  const { name } = context.info;
  const write = new WriteRequest(services, context, target, options);
  const result = await write.update({
    createsMissing: true,
    patches: true,
    async transform(current) {
      const applied = await write.tracking.apply(current, patch);
      checkDuplicates(duplicates, options.fieldValidation, (text) => context.warn(text));
      if (current === undefined) checkNew(target, name, applied);
      checkBodyAgainstUrl(applied.metadata, { name, namespace: write.namespace });
      return write.admitted(current, applied);
    },
  });
  encoder.respond(context.exchange, result.created ? 201 : 200, result.stored);
}

interface ApplyBody {
  readonly patch: JsonObject;
  /** Paths of keys that stand twice. */
  readonly duplicates: readonly string[];
}

/** YAML, of which JSON is a part that can be read much faster. @throws StatusError 400 */
function readApplyBody({ yaml }: EndpointServices, bytes: Buffer): ApplyBody {
  try {
    const { value, duplicates } = yaml.read(bytes, { duplicates: true });
    if (isJsonObject(value)) return { patch: value, duplicates };
    if (value === null) return { patch: {}, duplicates };
    const into = "Go value of type map[string]interface {}";
    const why = `json: cannot unmarshal ${jsonTypeName(value)} into ${into}`;
    throw badRequest(`error unmarshaling JSON: while decoding JSON: ${why}`);
  } catch (error) {
    if (error instanceof StatusError) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
}

function checkDuplicates(
  duplicates: readonly string[],
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): void {
  if (duplicates.length === 0 || fieldValidation === "Ignore") return;
  const lines = duplicates.map((path) => `key ${JSON.stringify(path)} already set in map`);
  const text = `error converting YAML to JSON: yaml: unmarshal errors:\n  ${lines.join("\n  ")}`;
  if (fieldValidation === "Strict") throw badRequest(`error strict decoding YAML: ${text}`);
  warn(text.replaceAll("\n", " "));
}

function checkNew({ resource }: WriteTarget, name: string, { metadata }: KubeObject): void {
  const { uid = "" } = metadata;
  if (uid === "") return;
  throw conflict(
    resource,
    name,
    `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
  );
}
