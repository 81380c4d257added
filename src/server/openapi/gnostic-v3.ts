/** Field numbers of gnostic-models openapiv3/OpenAPIv3.proto, as far as our documents have such members. */
import { isJsonObject, isRawNumber } from "#machinery/json/value.ts";
import {
  any,
  bool,
  choice,
  double,
  externalDocs,
  type FieldWriter,
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

/** Only numbers, booleans and texts can be defaults here; upstream leaves the others empty too. */
const defaultType = choice((value) => {
  if (typeof value === "boolean") return [2, presentBool];
  if (typeof value === "string") return [3, presentText];
  return [1, typeof value === "number" || isRawNumber(value) ? presentNumber : nothing];
});
const nothing: FieldWriter = () => {};
const presentText: FieldWriter = (out, number, value) => {
  out.string(String(value));
  out.varint(number * 8 + 2);
};
const presentNumber: FieldWriter = (out, number, value) => {
  out.fixed64(Number(JSON.stringify(value)));
  out.varint(number * 8 + 1);
};

const schemaOrReference: MessageWriter = choice((value) =>
  isReference(value) ? [2, message(reference)] : [1, message(schemaV3)],
);
const schemaV3: MessageWriter = struct(
  () => [
    ["nullable", 1, bool],
    ["externalDocs", 6, message(externalDocs)],
    ["example", 7, any],
    ["title", 9, text],
    ["multipleOf", 10, double],
    ["maximum", 11, double],
    ["exclusiveMaximum", 12, bool],
    ["minimum", 13, double],
    ["exclusiveMinimum", 14, bool],
    ["maxLength", 15, int64],
    ["minLength", 16, int64],
    ["pattern", 17, text],
    ["maxItems", 18, int64],
    ["minItems", 19, int64],
    ["uniqueItems", 20, bool],
    ["maxProperties", 21, int64],
    ["minProperties", 22, int64],
    ["required", 23, list(text)],
    ["enum", 24, list(any)],
    ["type", 25, text],
    ["allOf", 26, list(message(schemaOrReference))],
    ["oneOf", 27, list(message(schemaOrReference))],
    ["anyOf", 28, list(message(schemaOrReference))],
    ["not", 29, message(schemaV3)],
    ["items", 30, message(wrapper(1, message(schemaOrReference)))],
    ["properties", 31, message(propertiesV3)],
    ["additionalProperties", 32, message(additional)],
    ["default", 33, message(defaultType)],
    ["description", 34, text],
    ["format", 35, text],
  ],
  36,
);
/** Of a schema. */
export const propertiesV3: MessageWriter = wrapper(1, named(message(schemaOrReference)));
const additional = choice((value) =>
  isJsonObject(value) ? [1, message(schemaOrReference)] : [2, presentBool],
);

const parameter = struct(
  () => [
    ["name", 1, text],
    ["in", 2, text],
    ["required", 4, bool],
    ["schema", 10, message(schemaOrReference)],
  ],
  14,
);
const parameters = list(message(wrapper(1, message(parameter))));

const mediaType = struct(() => [["schema", 1, message(schemaOrReference)]], 5);
const content = message(wrapper(1, named(message(mediaType))));
const requestBody = struct(
  () => [
    ["content", 2, content],
    ["required", 3, bool],
  ],
  4,
);
const response = struct(
  () => [
    ["description", 1, text],
    ["content", 3, content],
  ],
  5,
);
const operation = struct(
  () => [
    ["tags", 1, list(text)],
    ["description", 3, text],
    ["operationId", 5, text],
    ["parameters", 6, parameters],
    ["requestBody", 7, message(wrapper(1, message(requestBody)))],
    ["responses", 8, message(wrapper(2, named(message(wrapper(1, message(response))))))],
  ],
  13,
);
const pathItem = struct(
  () => [
    ["get", 4, message(operation)],
    ["put", 5, message(operation)],
    ["post", 6, message(operation)],
    ["delete", 7, message(operation)],
    ["patch", 10, message(operation)],
    ["parameters", 13, parameters],
  ],
  14,
);

const info = struct(() => [
  ["title", 1, text],
  ["version", 6, text],
]);
const securityScheme = struct(() => [
  ["type", 1, text],
  ["name", 3, text],
  ["in", 4, text],
]);
const components = struct(() => [
  ["schemas", 1, message(wrapper(1, named(message(schemaOrReference))))],
  ["securitySchemes", 7, message(wrapper(1, named(message(wrapper(1, message(securityScheme))))))],
]);

/** A whole document. Parts of `paths` and `components` may be written as documents of their own, one behind the other. */
export const documentV3 = struct(() => [
  ["openapi", 1, text],
  ["info", 2, message(info)],
  ["paths", 4, message(wrapper(1, named(message(pathItem))))],
  ["components", 5, message(components)],
  ["security", 6, list(message(wrapper(1, named(message(wrapper(1, list(text)))))))],
]);
