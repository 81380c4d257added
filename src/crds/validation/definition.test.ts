import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCatalogue } from "#api/catalogue.ts";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import { cloneJson } from "#machinery/json/clone.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import { versioned } from "#machinery/structural/testing/upstream.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import {
  customResourceDefinitionErrors,
  customResourceDefinitionStatusErrors,
  unrecognizedFormatWarnings,
} from "./definition.ts";
import { type DefinitionCase, definitions } from "./testing/upstream.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const context = {
  objectMeta: new TypeCompiler(loadCatalogue()).compile(meta),
  patterns: new PatternCache(),
};

const version = (schema: JsonValue, more: JsonObject = {}): JsonObject => ({
  name: "v1",
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  ...more,
});

/** A definition that is right, but for what is given. */
const definition = (spec: JsonObject, status: JsonObject = {}, metadata: JsonObject = {}): KubeObject =>
  ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "foos.example.com", ...metadata },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
      conversion: { strategy: "None" },
      versions: [version({ type: "object" })],
      ...spec,
    },
    status: { storedVersions: ["v1"], ...status },
  }) as unknown as KubeObject;

const asked: DefinitionCase[] = [];
const errorsOf = (one: KubeObject, old?: KubeObject): string[] => {
  const json = (object: KubeObject): JsonObject => versioned(object as unknown as JsonObject);
  asked.push({ definition: json(one), ...(old && { old: json(old) }) });
  return customResourceDefinitionErrors(one, old, context).map(fieldErrorText);
};

/** Errors of a definition with one version of this schema, without the path of the schema. */
const schemaErrorsOf = (schema: JsonValue, old?: JsonValue): string[] =>
  errorsOf(
    definition({ versions: [version(schema)] }),
    old === undefined ? undefined : definition({ versions: [version(old)] }),
  ).map((text) => text.replace("spec.validation.openAPIV3Schema", "$"));

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  ...more,
});

test("a plain definition is right", () => {
  assert.deepEqual(errorsOf(definition({})), []);
});

test("names, group, scope and versions", () => {
  const wrong = definition(
    {
      group: "example",
      scope: "Global",
      names: { plural: "Foos", singular: "", kind: "foo", listKind: "foo", shortNames: ["F"] },
      versions: [
        { name: "1", served: true, storage: false },
        { name: "1", served: true, storage: false },
      ],
    },
    { storedVersions: [] },
  );
  const label =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
  const one =
    '{"Name":"1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}';
  assert.deepEqual(errorsOf(wrong), [
    'metadata.name: Invalid value: "foos.example.com": must be spec.names.plural+"."+spec.group',
    'spec.group: Invalid value: "example": should be a domain with at least one dot',
    'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
    "spec.versions[0].schema.openAPIV3Schema: Required value",
    "spec.versions[1].schema.openAPIV3Schema: Required value",
    `spec.versions[0].name: Invalid value: "1": ${label}`,
    `spec.versions[1].name: Invalid value: "1": ${label}`,
    `spec.versions: Invalid value: [${one},${one}]: must contain unique version names`,
    `spec.versions: Invalid value: [${one},${one}]: must have exactly one version marked as storage version`,
    `spec.version: Invalid value: "1": ${label}`,
    "spec.names.singular: Required value",
    `spec.names.plural: Invalid value: "Foos": ${label}`,
    `spec.names.shortNames[0]: Invalid value: "F": ${label}`,
    'spec.names.listKind: Invalid value: "foo": kind and listKind may not be the same',
    "status.storedVersions: Invalid value: null: must have at least one stored version",
  ]);
});

test("schemas must be structural", () => {
  assert.deepEqual(
    schemaErrorsOf({
      properties: {
        untyped: {},
        list: { type: "array" },
        both: { type: "object", anyOf: [{ type: "string", description: "x" }] },
        metadata: { type: "object", properties: { labels: { type: "object" } } },
      },
      anyOf: [{ properties: { elsewhere: { minimum: 1 } } }],
    }),
    [
      "$.properties[both].anyOf[0].description: Forbidden: must be empty to be structural",
      "$.properties[both].anyOf[0].type: Forbidden: must be empty to be structural",
      "$.properties[elsewhere]: Required value: because it is defined in $.anyOf[0].properties[elsewhere]",
      "$.properties[list].items: Required value: must be specified",
      "$.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
      "$.properties[untyped].type: Required value: must not be empty for specified object fields",
      "$.type: Required value: must not be empty at the root",
    ].map((text) => text.replace("defined in $", "defined in spec.validation.openAPIV3Schema")),
  );
  assert.deepEqual(schemaErrorsOf(object({ a: { $ref: "#/x", type: "string" }, b: { type: "null" } })), [
    "$.properties[a].$ref: Forbidden: $ref is not supported",
    '$.properties[b].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string"',
    "$.properties[b].type: Forbidden: type cannot be set to null, use nullable as an alternative",
  ]);
});

test("defaults are valid and have no unknown fields", () => {
  assert.deepEqual(
    schemaErrorsOf(
      object({
        number: { type: "integer", default: "x" },
        pruned: { type: "object", default: { b: 1, a: 2 }, properties: { a: { type: "integer" } } },
        metadata: { type: "object", default: {} },
      }),
    ),
    [
      '$.properties[number].default: Invalid value: "string":  in body must be of type integer: "string"',
      '$.properties[pruned].default: Invalid value: {"a":2,"b":1}: must not have unknown fields',
      "$.properties[metadata].default: Forbidden: must not be set in top-level metadata",
    ],
  );
});

test("list types", () => {
  const keyed = { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"] };
  assert.deepEqual(
    schemaErrorsOf(
      object({
        map: {
          type: "array",
          ...keyed,
          items: object({ name: { type: "string", nullable: true } }, { required: ["name"] }),
        },
        set: { type: "array", "x-kubernetes-list-type": "set", items: object({}) },
        odd: { type: "string", "x-kubernetes-list-type": "other", "x-kubernetes-map-type": "atomic" },
      }),
    ),
    [
      '$.properties[map].x-kubernetes-list-map-keys: Invalid value: ["name","port"]: entries must all be names of item properties',
      "$.properties[map].items.properties[name].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
      '$.properties[odd].type: Invalid value: "string": must be object if x-kubernetes-map-type is specified',
      '$.properties[odd].type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
      '$.properties[odd].x-kubernetes-list-type: Unsupported value: "other": supported values: "atomic", "set", "map"',
      "$.properties[set].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
    ],
  );
});

test("rules compile, cost little, and use oldSelf only where it can be found", () => {
  const rule = (text: string, more: JsonObject = {}): JsonObject => ({
    "x-kubernetes-validations": [{ rule: text, ...more }],
  });
  const exceeds =
    "exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
  const shown = (text: string): string =>
    `{"Rule":"${text}","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}`;
  assert.deepEqual(
    schemaErrorsOf(
      object({
        wrong: { type: "string", ...rule("self.foo") },
        number: { type: "integer", ...rule("self + 1") },
        odd: { type: "integer", ...rule("'a'.find('(') == ''") },
        list: { type: "array", items: { type: "string", ...rule("self == oldSelf") } },
        empty: { type: "string", ...rule(" ", { fieldPath: ".x" }) },
      }),
    ),
    [
      "$.properties[empty].x-kubernetes-validations[0].rule: Required value: rule is not specified",
      '$.properties[empty].x-kubernetes-validations[0].fieldPath: Invalid value: ".x": must be a valid path',
      `$.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost ${exceeds}`,
      '$.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[list]',
      `$.properties[number].x-kubernetes-validations[0].rule: Invalid value: ${shown("self + 1")}: cel expression must evaluate to a bool`,
      `$.properties[odd].x-kubernetes-validations[0].rule: Invalid value: ${shown("'a'.find('(') == ''")}: program instantiation failed: error parsing regexp: missing closing ): \`(\``,
      `$.properties[wrong].x-kubernetes-validations[0].rule: Invalid value: ${shown("self.foo")}: compilation failed: ERROR: <input>:1:5: type 'string' does not support field selection\n | self.foo\n | ....^`,
      "$.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
      `$: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema ${exceeds}`,
    ],
  );
});

test("selectable fields, columns and subresources", () => {
  const schema = object({
    spec: object({ a: { type: "string" }, b: object({}) }),
    metadata: object({ name: { type: "string" } }),
  });
  const one = version(schema, {
    selectableFields: [
      { jsonPath: ".spec.a" },
      { jsonPath: ".spec.a" },
      { jsonPath: ".spec.b" },
      { jsonPath: ".spec.c" },
      { jsonPath: ".metadata.name" },
    ],
    additionalPrinterColumns: [{ name: "", type: "text", jsonPath: "spec.a" }],
    subresources: { scale: { specReplicasPath: ".status.a", statusReplicasPath: "" } },
  });
  assert.deepEqual(errorsOf(definition({ versions: [one] })), [
    'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec',
    "spec.subresources.scale.statusReplicasPath: Required value",
    "spec.additionalPrinterColumns[0].name: Required value",
    'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
    'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.a"',
    'spec.selectableFields[2].jsonPath: Invalid value: ".spec.b": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
    'spec.selectableFields[3].jsonPath: Invalid value: ".spec.c": is an invalid path: does not refer to a valid field',
    'spec.selectableFields[4].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata',
  ]);
});

test("conversion by webhook", () => {
  const conversion = (webhook: JsonObject): KubeObject =>
    definition({ conversion: { strategy: "Webhook", webhook } });
  assert.deepEqual(
    errorsOf(
      conversion({ conversionReviewVersions: ["v2", "v2"], clientConfig: { url: "http://u@h:1/?q#f" } }),
    ),
    [
      `spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      'spec.conversion.webhookClientConfig.url: Invalid value: "u": user information is not permitted in the URL',
      'spec.conversion.webhookClientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
      'spec.conversion.webhookClientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
      'spec.conversion.conversionReviewVersions[1]: Invalid value: "v2": duplicate version',
      'spec.conversion.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
    ],
  );
  assert.deepEqual(errorsOf(conversion({ conversionReviewVersions: ["v1"], clientConfig: {} })), [
    "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required",
  ]);
});

test("updates: what is fixed, and what may stay wrong because it was", () => {
  const established = { conditions: [{ type: "Established", status: "True" }] };
  const names = { plural: "bars", singular: "foo", kind: "Bar", listKind: "FooList" };
  const next = definition({ scope: "Cluster", names }, established);
  assert.deepEqual(errorsOf(next, definition({}, established)), [
    'spec.scope: Invalid value: "Cluster": field is immutable',
    'spec.names.kind: Invalid value: "Bar": field is immutable',
    'spec.names.plural: Invalid value: "bars": field is immutable',
  ]);
  const twice = { ...object({}), "x-kubernetes-list-type": "map" };
  assert.notDeepEqual(schemaErrorsOf(twice, object({})), []);
  const set = object({ set: { type: "array", "x-kubernetes-list-type": "set", items: object({}) } });
  assert.deepEqual(schemaErrorsOf(set, cloneJson(set)), []);
  assert.deepEqual(errorsOf(definition({}, { storedVersions: ["v1", "v0"] }), definition({})), [
    'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
  ]);
});

test("groups of the community need approval", () => {
  const named = (annotations: JsonObject): KubeObject =>
    definition({ group: "x.k8s.io" }, {}, { name: "foos.x.k8s.io", annotations });
  const path = "metadata.annotations[api-approved.kubernetes.io]";
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  assert.deepEqual(errorsOf(named({})), [
    `${path}: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", ${see}`,
  ]);
  assert.deepEqual(errorsOf(named({ "api-approved.kubernetes.io": "yes" })), [
    `${path}: Invalid value: "yes": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", ${see}`,
  ]);
  assert.deepEqual(errorsOf(named({ "api-approved.kubernetes.io": "https://example.com/1" })), []);
  assert.deepEqual(errorsOf(named({}), named({})), []);
});

test("status writes, and warnings about formats", () => {
  const wrong = definition({}, { acceptedNames: { kind: "a b" } });
  assert.equal(customResourceDefinitionStatusErrors(wrong, wrong).length, 1);
  const odd = definition({ versions: [version(object({ a: { type: "string", format: "nonsense" } }))] });
  assert.deepEqual(unrecognizedFormatWarnings(odd, undefined), ['unrecognized format "nonsense"']);
  assert.deepEqual(unrecognizedFormatWarnings(odd, odd), []);
});

// What the tests above have asked, upstream is asked too.
likeUpstream().compare<DefinitionCase>("definitions, by hand", { cases: asked, ...definitions(context) });
