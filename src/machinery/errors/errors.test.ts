import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "./errors.ts";
import {
  fieldDuplicate,
  fieldErrorBody,
  fieldErrorText,
  fieldForbidden,
  fieldInternalError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
  fieldTypeInvalid,
} from "./field-error.ts";
import { FieldPath } from "./field-path.ts";

const configMaps = { group: "", resource: "configmaps" };
const foos = { group: "example.com", resource: "foos" };

test("notFound is the whole Status kubectl knows", () => {
  assert.deepEqual(errors.notFound(foos, "x").status, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'foos.example.com "x" not found',
    reason: "NotFound",
    details: { name: "x", group: "example.com", kind: "foos" },
    code: 404,
  });
  assert.deepEqual(errors.notFound(configMaps, "x").status.details, { name: "x", kind: "configmaps" });
  assert.equal(errors.notFoundGeneric().message, "the server could not find the requested resource");
});

test("every reason has its code and text", () => {
  const rows: [
    errors: { status: { code: number; reason?: string; message?: string } },
    code: number,
    reason: string,
    message: string,
  ][] = [
    [errors.badRequest("why"), 400, "BadRequest", "why"],
    [errors.unauthorized(), 401, "Unauthorized", "Unauthorized"],
    [errors.forbiddenResource(configMaps, "x", "no"), 403, "Forbidden", 'configmaps "x" is forbidden: no'],
    [errors.forbiddenResource(configMaps, "", "no"), 403, "Forbidden", "configmaps is forbidden: no"],
    [
      errors.methodNotSupported(foos, "create"),
      405,
      "MethodNotAllowed",
      'create is not supported on resources of kind "foos.example.com"',
    ],
    [
      errors.notAcceptable(["application/json", "application/yaml"]),
      406,
      "NotAcceptable",
      "only the following media types are accepted: application/json, application/yaml",
    ],
    [
      errors.notAcceptable(["a/b"], "meta.k8s.io/v1, Kind=Table"),
      406,
      "NotAcceptable",
      "only the following media types are accepted when converting to meta.k8s.io/v1, Kind=Table: a/b",
    ],
    [errors.alreadyExists(configMaps, "x"), 409, "AlreadyExists", 'configmaps "x" already exists'],
    [
      errors.alreadyExists(configMaps, "x", true),
      409,
      "AlreadyExists",
      'object is being deleted: configmaps "x" already exists',
    ],
    [
      errors.generateNameConflict(configMaps, "x"),
      409,
      "AlreadyExists",
      'configmaps "x" already exists, the server was not able to generate a unique name for the object',
    ],
    [
      errors.conflict(foos, "x"),
      409,
      "Conflict",
      'Operation cannot be fulfilled on foos.example.com "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [errors.applyConflict([], "Apply failed"), 409, "Conflict", "Apply failed"],
    [errors.gone("m"), 410, "Gone", "m"],
    [errors.expired("m"), 410, "Expired", "m"],
    [
      errors.requestEntityTooLarge(3145728),
      413,
      "RequestEntityTooLarge",
      "Request entity too large: limit is 3145728",
    ],
    [
      errors.unsupportedMediaType(["a/b"]),
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: a/b",
    ],
    [
      errors.invalidPatch("test failed"),
      422,
      "Invalid",
      "the server rejected our request due to an error in our request",
    ],
    [errors.tooManyRequests("m", 3), 429, "TooManyRequests", "m"],
    [errors.internalError("m"), 500, "InternalError", "Internal error occurred: m"],
    [errors.serviceUnavailable("m"), 503, "ServiceUnavailable", "m"],
    [errors.timeout("m"), 504, "Timeout", "Timeout: m"],
    [
      errors.tooLargeResourceVersion(9, 3),
      504,
      "Timeout",
      "Timeout: Too large resource version: 9, current: 3",
    ],
  ];
  for (const [{ status }, code, reason, message] of rows) {
    assert.deepEqual([status.code, status.reason, status.message], [code, reason, message]);
  }
});

test("details carry what clients read", () => {
  assert.deepEqual(errors.tooLargeResourceVersion(9, 3).status.details, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
  assert.deepEqual(errors.generateNameConflict(configMaps, "x").status.details, {
    name: "x",
    kind: "configmaps",
    retryAfterSeconds: 1,
  });
  assert.deepEqual(errors.tooManyRequests("m", 3).status.details, { retryAfterSeconds: 3 });
  assert.deepEqual(errors.expired("m", "token").status.metadata, { continue: "token" });
  assert.deepEqual(errors.internalError("m").status.details, { causes: [{ message: "m" }] });
  assert.deepEqual(errors.deleted(foos, "x", "u-1"), {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "x", group: "example.com", kind: "foos", uid: "u-1" },
  });
  assert.equal(errors.success().code, 200);
});

test("forbidden names user, verb and place, and escapes HTML but not the reason", () => {
  const resource = { group: "", resource: "configmaps", namespace: "ns", name: "x" };
  assert.equal(
    errors.forbidden({ user: "u<b>&", verb: "get", resource }).message,
    'configmaps "x" is forbidden: User "u&lt;b&gt;&amp;" cannot get resource "configmaps" in API group "" in the namespace "ns"',
  );
  assert.equal(
    errors.forbidden(
      { user: "u", verb: "list", resource: { group: "apps", resource: "deployments", subresource: "scale" } },
      "a<b",
    ).message,
    'deployments.apps is forbidden: User "u" cannot list resource "deployments/scale" in API group "apps" at the cluster scope: a<b',
  );
  const path = errors.forbidden({ user: "u", verb: "get", path: "/x" });
  assert.equal(path.message, 'forbidden: User "u" cannot get path "/x"');
  assert.deepEqual(path.status.details, {});
});

test("invalid has one cause for each error and joins the texts", () => {
  const spec = FieldPath.of("spec");
  const kind = { group: "example.com", kind: "Foo" };
  const one = errors.invalid(kind, "x", [fieldInvalid(spec.child("a"), "v", "must be b")]);
  assert.equal(one.message, 'Foo.example.com "x" is invalid: spec.a: Invalid value: "v": must be b');
  const two = errors.invalid({ group: "", kind: "Foo" }, "x", [
    fieldRequired(spec.child("a")),
    fieldForbidden(spec.child("b"), "no"),
    fieldRequired(spec.child("a")),
  ]);
  assert.equal(two.message, 'Foo "x" is invalid: [spec.a: Required value, spec.b: Forbidden: no]');
  assert.deepEqual(two.status.details, {
    name: "x",
    kind: "Foo",
    causes: [
      { reason: "FieldValueRequired", message: "Required value", field: "spec.a" },
      { reason: "FieldValueForbidden", message: "Forbidden: no", field: "spec.b" },
      { reason: "FieldValueRequired", message: "Required value", field: "spec.a" },
    ],
  });
  assert.equal(errors.invalid(kind, "x", []).message, 'Foo.example.com "x" is invalid');
});

test("field errors print their values as Go does", () => {
  const at = FieldPath.of("f");
  const rows: [string, string][] = [
    [fieldErrorBody(fieldInvalid(at, 'a"b', "d")), 'Invalid value: "a\\"b": d'],
    [fieldErrorBody(fieldInvalid(at, 3, "d")), "Invalid value: 3: d"],
    [fieldErrorBody(fieldInvalid(at, 9223372036854775807n, "d")), "Invalid value: 9223372036854775807: d"],
    [fieldErrorBody(fieldInvalid(at, null, "d")), "Invalid value: null: d"],
    [fieldErrorBody(fieldInvalid(at, { a: "<" }, "d")), 'Invalid value: {"a":"\\u003c"}: d'],
    [fieldErrorBody(fieldTypeInvalid(at, ["x"], "d")), 'Invalid value: ["x"]: d'],
    [
      fieldErrorBody(fieldNotSupported(at, "x", ["a", "b"])),
      'Unsupported value: "x": supported values: "a", "b"',
    ],
    [fieldErrorBody(fieldNotSupported(at, "x", [])), 'Unsupported value: "x"'],
    [fieldErrorBody(fieldDuplicate(at, "x")), 'Duplicate value: "x"'],
    [fieldErrorBody(fieldTooLong(at, 1)), "Too long: may not be more than 1 byte"],
    [fieldErrorBody(fieldTooLong(at, 63)), "Too long: may not be more than 63 bytes"],
    [fieldErrorBody(fieldTooLong(at, -1)), "Too long: value is too long"],
    [fieldErrorBody(fieldTooMany(at, 3, 1)), "Too many: 3: must have at most 1 item"],
    [fieldErrorBody(fieldTooMany(at, -1, 2)), "Too many: must have at most 2 items"],
    [fieldErrorBody(fieldInternalError(at, "boom")), "Internal error: boom"],
    [fieldErrorText(fieldRequired(undefined)), "<nil>: Required value"],
  ];
  for (const [actual, expected] of rows) assert.equal(actual, expected);
});

test("paths print names, subscripts and keys", () => {
  const path = FieldPath.of("spec", "ports").index(0).child("name");
  assert.equal(path.toString(), "spec.ports[0].name");
  assert.equal(FieldPath.of("data").key("a.b").toString(), "data[a.b]");
});

test("anything thrown becomes a Status", () => {
  assert.equal(errors.statusOf(new Error("boom")).message, "Internal error occurred: boom");
  assert.equal(errors.statusOf(errors.badRequest("x")).code, 400);
  assert.equal(errors.hasReason(errors.conflict(foos, "x"), "Conflict"), true);
  assert.equal(errors.hasReason(new Error("Conflict"), "Conflict"), false);
});

test("of errors that each show a large value only the first are told, and the first in any case", () => {
  const large = (length: number) =>
    Array.from({ length: 500 }, () => fieldInvalid("f", "x".repeat(length), "w"));
  const causes = (length: number): number =>
    errors.invalid({ group: "", kind: "K" }, "a", large(length)).status.details?.causes?.length ?? 0;
  assert.equal(causes(10), 500);
  assert.equal(causes(50_000), 3);
  assert.equal(causes(1_000_000), 1);
});

test("of very many errors the first thousand are told", () => {
  const many = Array.from({ length: 5_000 }, (_, i) => fieldInvalid(`data[${i}]`, i, "no"));
  const { status } = errors.invalid({ group: "", kind: "ConfigMap" }, "x", many);
  assert.equal(status.details?.causes?.length, 1_000);
});
