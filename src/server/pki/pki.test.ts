import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { memoryFiles } from "../testing/tls-server.ts";
import { pkiDirectory } from "./directory.ts";
import { ensurePki } from "./pki.ts";

const now = Date.UTC(2026, 10, 1);
const day = 86_400_000;

it("makes certificates that OpenSSL reads as meant", () => {
  const { ca, serving, admin } = ensurePki({
    files: memoryFiles(),
    now,
    randomBytes,
    hosts: ["node-1", "10.1.2.3"],
  });
  const authority = new X509Certificate(ca);
  assert.ok(authority.ca && authority.verify(authority.publicKey) && authority.checkIssued(authority));
  const server = new X509Certificate(serving.cert);
  assert.ok(!server.ca && server.verify(authority.publicKey) && server.checkIssued(authority));
  for (const host of ["localhost", "kubernetes.default.svc", "node-1"])
    assert.equal(server.checkHost(host), host);
  for (const ip of ["127.0.0.1", "::1", "10.1.2.3"]) assert.equal(server.checkIP(ip), ip);
  assert.deepEqual(server.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  const client = new X509Certificate(admin.cert);
  assert.equal(client.subject, "O=system:masters\nCN=kcp-admin");
  assert.deepEqual(client.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.equal(Date.parse(client.validTo), now + 365 * day);
  assert.equal(Date.parse(authority.validTo), now + 3650 * day);
});

it("keeps what is good, renews what ends soon, and replaces what another authority signed", () => {
  const files = memoryFiles();
  const options = { files, randomBytes, hosts: [] };
  const first = ensurePki({ ...options, now });
  assert.deepEqual(ensurePki({ ...options, now: now + 300 * day }), first);
  const later = ensurePki({ ...options, now: now + 340 * day });
  assert.equal(later.ca, first.ca);
  assert.notEqual(later.serving.cert, first.serving.cert);
  const renamed = ensurePki({ ...options, now: now + 340 * day, hosts: ["new-name"] });
  assert.equal(renamed.admin.cert, later.admin.cert);
  assert.notEqual(renamed.serving.cert, later.serving.cert);
  files.files.delete("ca.key");
  const fresh = ensurePki({ ...options, now: now + 340 * day });
  assert.notEqual(fresh.ca, first.ca);
  assert.notEqual(fresh.admin.cert, later.admin.cert);
});

it("keeps keys from other users of the machine", () => {
  const directory = mkdtempSync(join(tmpdir(), "pki-"));
  try {
    const files = pkiDirectory(join(directory, "pki"));
    const made = ensurePki({ files, now, randomBytes, hosts: [] });
    assert.equal(files.read("ca.crt"), made.ca);
    assert.equal(statSync(join(directory, "pki", "ca.key")).mode & 0o777, 0o600);
    assert.equal(statSync(join(directory, "pki", "ca.crt")).mode & 0o777, 0o644);
    assert.equal(files.read("nothing"), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
