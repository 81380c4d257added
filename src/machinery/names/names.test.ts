import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from "./dns.ts";
import { generateName, randomSuffix } from "./generate.ts";
import { annotationKeyErrors, labelValueErrors, qualifiedNameErrors } from "./labels.ts";

test("DNS names are told apart, with upstream's texts", () => {
  for (const name of ["a", "0", "a-b", "a".repeat(63)]) assert.deepEqual(dns1123LabelErrors(name), []);
  assert.deepEqual(dns1123LabelErrors("a.b"), ["must not contain dots"]);
  assert.deepEqual(dns1123LabelErrors("A"), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.deepEqual(dns1123LabelErrors("a".repeat(64)), ["must be no more than 63 characters"]);
  assert.deepEqual(dns1123SubdomainErrors("a.b-c.0"), []);
  assert.deepEqual(dns1123SubdomainErrors("a_b"), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.equal(dns1123SubdomainErrors("a".repeat(254)).length, 1);
  assert.equal(dns1035LabelErrors("0a").length, 1);
  assert.deepEqual(dns1035LabelErrors("a0"), []);
  assert.equal(dns1123LabelErrors("a\n").length, 1);
});

test("a prefix may end with a dash", () => {
  assert.deepEqual(dns1123SubdomainErrors("job-", true), []);
  assert.equal(dns1123SubdomainErrors("job-", false).length, 1);
  assert.equal(dns1123LabelErrors("-", true).length, 1);
  assert.deepEqual(pathSegmentErrors("..", true), []);
});

test("path segments only exclude what breaks a path", () => {
  assert.deepEqual(pathSegmentErrors("system:node ñ"), []);
  assert.deepEqual(pathSegmentErrors("."), ["may not be '.'"]);
  assert.deepEqual(pathSegmentErrors("a/b%"), ["may not contain '/'", "may not contain '%'"]);
});

test("label keys and values", () => {
  for (const key of [
    "simple",
    "1.2.3.4/5678",
    "example.com/Uppercase_Is_OK_123",
    `${"a".repeat(253)}/${"b".repeat(63)}`,
  ]) {
    assert.deepEqual(qualifiedNameErrors(key), [], key);
  }
  for (const key of [
    "",
    "a b",
    "ends-",
    "a/b/c",
    "Example.com/abc",
    "/simple",
    "example.com/",
    "a".repeat(64),
    "ñ",
    `${"a".repeat(254)}/abc`,
  ]) {
    assert.notDeepEqual(qualifiedNameErrors(key), [], key);
  }
  assert.deepEqual(annotationKeyErrors("Example.com/abc"), []);
  assert.equal(qualifiedNameErrors("/a")[0], "prefix part must be non-empty");
  assert.equal(qualifiedNameErrors("")[0], "name part must be non-empty");
  assert.deepEqual(labelValueErrors(""), []);
  assert.deepEqual(labelValueErrors("a".repeat(64)), ["must be no more than 63 bytes"]);
  assert.deepEqual(labelValueErrors("a b"), [
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ]);
});

test("checks of hostile names end soon", () => {
  const hostile = `${"a-.".repeat(200_000)}!`;
  assert.equal(dns1123SubdomainErrors(hostile).length, 2);
  assert.ok(qualifiedNameErrors(`${hostile}/${hostile}`).length > 0);
  assert.ok(labelValueErrors(`${"a.".repeat(200_000)}!`).length > 0);
});

test("generated names have 58 + 5 characters of the alphabet at most", () => {
  let next = 0;
  const random = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => next++ % 256);
  assert.equal(generateName("job-", random), "job-bcdfg");
  assert.match(generateName("x".repeat(80), random), /^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(Buffer.byteLength(generateName("é".repeat(40), random)), 63);
  assert.throws(() => randomSuffix(5, (count) => new Uint8Array(count).fill(255)), /random source/);
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z][a-z0-9-]{0,70}$/),
      fc.infiniteStream(fc.nat(255)),
      (base, stream) => {
        const bytes = (count: number): Uint8Array =>
          Uint8Array.from({ length: count }, () => stream.next().value as number);
        assert.deepEqual(dns1123LabelErrors(generateName(base, bytes)), []);
      },
    ),
  );
});
