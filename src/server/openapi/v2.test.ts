import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOpenApiV2 } from "./v2.ts";

test("OpenAPI v2 is a document without definitions, in JSON and in the protobuf that kubectl asks for", () => {
  const json = answerOpenApiV2("application/json", "v1.36.3");
  assert.deepEqual(JSON.parse(json!.body.toString("utf8")), {
    swagger: "2.0",
    info: { title: "Kubernetes", version: "v1.36.3" },
    paths: {},
    definitions: {},
  });
  const old = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const protobuf = answerOpenApiV2(old, "v1");
  assert.equal(
    protobuf!.headers["content-type"],
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
  );
  const expected = Buffer.concat([
    Buffer.from([0x0a, 3]),
    Buffer.from("2.0"),
    Buffer.from([0x12, 16, 0x0a, 10]),
    Buffer.from("Kubernetes"),
    Buffer.from([0x12, 2]),
    Buffer.from("v1"),
    Buffer.from([0x42, 0]),
  ]);
  assert.deepEqual(protobuf!.body, expected);
  assert.equal(answerOpenApiV2("text/html", "v1"), undefined);
});
