/** OpenAPI v3 values in Swagger 2.0: the inverse of k8s.io/kube-openapi pkg/openapiconv. */
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import { mapMembers } from "./custom-schemas.ts";
import { queryParameters } from "./parameters.ts";

/** Types that Swagger describes in another way. */
const scalars: Readonly<Record<TypeName, JsonObject>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { type: "string" },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { type: "string", format: "int-or-string" },
};

/** The definition of a built-in type: upstream publishes neither defaults nor enums here. */
export const swaggerDefinition = (name: TypeName, schema: JsonObject): JsonObject =>
  scalars[name] ?? swaggerSchema(schema, true);

/** References as Swagger writes them: beside them may stand more. `builtin` leaves out defaults and enums. */
export function swaggerSchema(schema: JsonObject, builtin: boolean): JsonObject {
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    if (builtin && (name === "default" || name === "enum")) continue;
    if (name === "$ref") out.$ref = swaggerRef(value);
    else if (name === "properties")
      out.properties = mapMembers(value as JsonObject, (one) => swaggerSchema(one, builtin));
    else if ((name === "items" || name === "additionalProperties") && isJsonObject(value))
      out[name] = swaggerSchema(value, builtin);
    else if (name === "allOf" && isReference(value)) out.$ref = swaggerRef((value[0] as JsonObject).$ref!);
    else out[name] = value;
  }
  return out;
}

const isReference = (allOf: JsonValue): allOf is [JsonObject] =>
  Array.isArray(allOf) && allOf.length === 1 && isJsonObject(allOf[0]) && allOf[0].$ref !== undefined;

const swaggerRef = (ref: JsonValue): string => String(ref).replace("#/components/schemas/", "#/definitions/");

/** Parameters that operations share by name. */
export const swaggerParameters = (): JsonObject =>
  Object.fromEntries(
    queryParameters().map((parameter) => [String(parameter.name), swaggerParameter(parameter)]),
  );

/** One member of `paths`. */
export function swaggerPathItem(item: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(item)) {
    out[name] = name === "parameters" ? parameters(value as JsonObject[]) : operation(value as JsonObject);
  }
  return out;
}

function operation(v3: JsonObject): JsonObject {
  const { requestBody, responses, parameters: query, ...rest } = v3;
  const body = requestBody as JsonObject | undefined;
  const content = isJsonObject(body?.content) ? body.content : undefined;
  const all: JsonValue[] = query === undefined ? [] : parameters(query as JsonObject[]);
  if (content !== undefined) {
    all.unshift({
      name: "body",
      in: "body",
      ...(body?.required === true && { required: true }),
      schema: swaggerSchema(schemaOf(content), false),
    });
  }
  const [codes, produces] = answers(responses as JsonObject);
  return {
    consumes: content === undefined ? ["*/*"] : Object.keys(content),
    produces,
    schemes: ["https"],
    ...rest,
    ...(all.length > 0 && { parameters: all }),
    responses: codes,
  };
}

function answers(responses: JsonObject): [codes: JsonObject, produces: string[]] {
  const codes: JsonObject = {};
  let produces: string[] = [];
  for (const [code, response] of Object.entries(responses as Record<string, JsonObject>)) {
    const { content, ...rest } = response;
    if (isJsonObject(content)) produces = Object.keys(content);
    codes[code] = isJsonObject(content) ? { ...rest, schema: swaggerSchema(schemaOf(content), false) } : rest;
  }
  return [codes, produces];
}

const schemaOf = (content: JsonObject): JsonObject => {
  const first = Object.values(content)[0] as JsonObject;
  return first.schema as JsonObject;
};

const parameters = (v3: readonly JsonObject[]): JsonObject[] =>
  v3.map((parameter) =>
    parameter.in === "query"
      ? { $ref: `#/parameters/${String(parameter.name)}` }
      : swaggerParameter(parameter),
  );

const swaggerParameter = ({ schema, ...rest }: JsonObject): JsonObject => ({
  ...rest,
  ...(schema as JsonObject),
});
