import assert from "node:assert/strict";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { certificationRequestError } from "./pkcs10.ts";
import { create, update } from "./testing.ts";

const key = "certificates.k8s.io/certificatesigningrequests";

/** One DER value of short form or with a length of two bytes. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}
const hex = (text: string): Buffer => Buffer.from(text, "hex");

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A certification request for CN=jane in PEM. */
function requestOf(keys: Keys, oid: string, digest: string | null, pss = false): string {
  const name = der(0x30, der(0x31, der(0x30, hex("0603550403"), der(0x0c, Buffer.from("jane")))));
  const spki = keys.publicKey.export({ format: "der", type: "spki" });
  const info = der(0x30, hex("020100"), name, spki, hex("a000"));
  const padding = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  const signature = sign(digest, info, { key: keys.privateKey, ...padding });
  const algorithm = der(0x30, der(0x06, hex(oid)));
  const request = der(0x30, info, algorithm, der(0x03, hex("00"), signature));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${request.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const pems: ReadonlyMap<string, string> = new Map([
  ["ec", requestOf(generateKeyPairSync("ec", { namedCurve: "P-256" }), "2a8648ce3d040302", "sha256")],
  ["rsa", requestOf(rsa, "2a864886f70d01010b", "sha256")],
  ["pss", requestOf(rsa, "2a864886f70d01010a", "sha256", true)],
  ["ed25519", requestOf(generateKeyPairSync("ed25519"), "2b6570", null)],
]);

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const specOf = (more: object = {}) => ({
  request: base64(pems.get("ec")!),
  signerName: "kubernetes.io/kube-apiserver-client",
  usages: ["client auth"],
  ...more,
});

test("requests of each kind of key are accepted, and none whose content was changed", () => {
  for (const [name, pem] of pems) {
    assert.equal(certificationRequestError(pem), undefined, name);
    const [head, body, tail] = /^(-+[^-]+-+)([\s\S]+?)(-+[^-]+-+\s*)$/.exec(pem)!.slice(1);
    const der = Buffer.from(body!, "base64");
    const at = der.indexOf("jane");
    der[at] = der[at]! ^ 1;
    assert.match(
      certificationRequestError(`${head}\n${der.toString("base64")}\n${tail}`) ?? "",
      /signature does not match/,
    );
  }
});

test("anything else is refused without an exception", () => {
  const header = "PEM block type must be CERTIFICATE REQUEST";
  assert.equal(certificationRequestError(""), header);
  assert.equal(certificationRequestError("-----BEGIN CERTIFICATE REQUEST-----\n".repeat(200_000)), header);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const body = Buffer.from(bytes).toString("base64");
      const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----\n`;
      assert.equal(typeof certificationRequestError(pem), "string");
    }),
  );
});

test("the requester is told by the server", () => {
  const user = { name: "jane", uid: "7", groups: ["a", "b"], extra: { k: ["v"] } };
  const { object, errors } = create(
    key,
    { spec: specOf({ username: "root", groups: ["system:masters"] }) },
    user,
  );
  assert.deepEqual(errors, []);
  const { username, uid, groups, extra } = object.spec as Record<string, unknown>;
  assert.deepEqual({ name: username, uid, groups, extra }, user);
});

test("what a request must say", () => {
  assert.deepEqual(
    create(key, {
      spec: specOf({ usages: ["x", "any", "any"], signerName: "a", expirationSeconds: 1 }),
    }).errors.map((error) => error.split(": supported")[0]),
    [
      'spec.usages[0]: Unsupported value: "x"',
      'spec.usages[2]: Duplicate value: "any"',
      "spec.signerName: Invalid value: \"a\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
      "spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 600 seconds (10 minutes)",
    ],
  );
  assert.deepEqual(create(key, { spec: specOf({ usages: [], request: "", signerName: "" }) }).errors, [
    'spec.request: Invalid value: "": PEM block type must be CERTIFICATE REQUEST',
    "spec.usages: Required value",
    "spec.signerName: Required value",
  ]);
});

const now = "2026-01-02T03:04:05Z";

test("each endpoint changes its own part only", () => {
  const { object } = create(key, { spec: specOf() });
  const approved = { type: "Approved", status: "True", lastUpdateTime: null, lastTransitionTime: null };
  const main = update(key, object, { spec: specOf({ usages: ["any"] }), status: { conditions: [approved] } });
  assert.deepEqual(main.object.spec, object.spec);
  assert.deepEqual(main.object.status, {});

  const status = update(key, object, { spec: {}, status: { conditions: [approved] } }, "status");
  assert.deepEqual(status.errors, [
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  ]);

  const approval = update(
    key,
    object,
    { spec: {}, status: { conditions: [approved], certificate: "eA==" } },
    "approval",
  );
  assert.deepEqual(approval.errors, []);
  const dated = { ...approved, lastUpdateTime: now, lastTransitionTime: now };
  assert.deepEqual(approval.object.status, { conditions: [dated] });
  assert.deepEqual(approval.object.spec, object.spec);

  const denied = { ...approved, type: "Denied" };
  assert.deepEqual(
    update(key, approval.object, { status: { conditions: [dated, denied] } }, "approval").errors,
    ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
  );
  assert.deepEqual(update(key, approval.object, { status: {} }, "approval").errors, [
    'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
  ]);
  assert.deepEqual(
    update(key, approval.object, { status: { conditions: [dated], certificate: base64("x") } }, "status")
      .errors,
    [
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ],
  );
});
