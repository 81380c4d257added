/** Field numbers of gnostic-models openapiv2/OpenAPIv2.proto, as far as our documents have such members. */
import { isJsonObject, type JsonValue } from "#machinery/json/value.ts";
import {
  any,
  bool,
  choice,
  double,
  externalDocs,
  int64,
  isReference,
  list,
  type MessageWriter,
  message,
  named,
  presentBool,
  reference,
  struct,
  text,
  wrapper,
} from "./gnostic.ts";

const schemaV2: MessageWriter = struct(
  () => [
    ["$ref", 1, text],
    ["format", 2, text],
    ["title", 3, text],
    ["description", 4, text],
    ["default", 5, any],
    ["multipleOf", 6, double],
    ["maximum", 7, double],
    ["exclusiveMaximum", 8, bool],
    ["minimum", 9, double],
    ["exclusiveMinimum", 10, bool],
    ["maxLength", 11, int64],
    ["minLength", 12, int64],
    ["pattern", 13, text],
    ["maxItems", 14, int64],
    ["minItems", 15, int64],
    ["uniqueItems", 16, bool],
    ["maxProperties", 17, int64],
    ["minProperties", 18, int64],
    ["required", 19, list(text)],
    ["enum", 20, list(any)],
    ["additionalProperties", 21, message(additional)],
    ["type", 22, message(wrapper(1, text))],
    ["items", 23, message(wrapper(1, message(schemaV2)))],
    ["properties", 25, message(propertiesV2)],
    ["externalDocs", 29, message(externalDocs)],
    ["example", 30, any],
  ],
  31,
);
/** Of a schema. */
export const propertiesV2: MessageWriter = wrapper(1, named(message(schemaV2)));
const additional = choice((value) => (isJsonObject(value) ? [1, message(schemaV2)] : [2, presentBool]));

const bodyParameter = struct(
  () => [
    ["description", 1, text],
    ["name", 2, text],
    ["in", 3, text],
    ["required", 4, bool],
    ["schema", 5, message(schemaV2)],
  ],
  6,
);
const queryParameter = struct(
  () => [
    ["in", 2, text],
    ["name", 4, text],
    ["type", 6, text],
    ["uniqueItems", 20, bool],
  ],
  23,
);
const pathParameter = struct(
  () => [
    ["required", 1, bool],
    ["in", 2, text],
    ["name", 4, text],
    ["type", 5, text],
    ["uniqueItems", 19, bool],
  ],
  22,
);
const isIn = (value: JsonValue, place: string): boolean => isJsonObject(value) && value.in === place;
const nonBody = choice((value) =>
  isIn(value, "query") ? [3, message(queryParameter)] : [4, message(pathParameter)],
);
const parameterV2 = choice((value) =>
  isIn(value, "body") ? [1, message(bodyParameter)] : [2, message(nonBody)],
);
const parametersItem = choice((value) =>
  isReference(value) ? [2, message(reference)] : [1, message(parameterV2)],
);

const response = struct(
  () => [
    ["description", 1, text],
    ["schema", 2, message(wrapper(1, message(schemaV2)))],
  ],
  5,
);
const responses: MessageWriter = wrapper(1, named(message(wrapper(1, message(response)))));

const operation = struct(
  () => [
    ["tags", 1, list(text)],
    ["description", 3, text],
    ["operationId", 5, text],
    ["produces", 6, list(text)],
    ["consumes", 7, list(text)],
    ["parameters", 8, list(message(parametersItem))],
    ["responses", 9, message(responses)],
    ["schemes", 10, list(text)],
  ],
  13,
);
const pathItemV2 = struct(
  () => [
    ["get", 2, message(operation)],
    ["put", 3, message(operation)],
    ["post", 4, message(operation)],
    ["delete", 5, message(operation)],
    ["patch", 8, message(operation)],
    ["parameters", 9, list(message(parametersItem))],
  ],
  10,
);

const apiKey = struct(() => [
  ["type", 1, text],
  ["name", 2, text],
  ["in", 3, text],
]);
const security = wrapper(1, named(message(wrapper(1, list(text)))));

/** A whole document. Parts of `paths` and `definitions` may be written as documents of their own, one behind the other. */
export const documentV2 = struct(
  () => [
    ["swagger", 1, text],
    [
      "info",
      2,
      message(
        struct(() => [
          ["title", 1, text],
          ["version", 2, text],
        ]),
      ),
    ],
    ["paths", 8, message(wrapper(2, named(message(pathItemV2))))],
    ["definitions", 9, message(wrapper(1, named(message(schemaV2))))],
    ["parameters", 10, message(wrapper(1, named(message(parameterV2))))],
    ["security", 12, list(message(security))],
    ["securityDefinitions", 13, message(wrapper(1, named(message(wrapper(2, message(apiKey))))))],
  ],
  16,
);
