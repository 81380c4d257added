/** A CA and a certificate for 127.0.0.1 that live as long as the process. */
import { randomBytes } from "node:crypto";
import { ensurePki } from "#server/pki/pki.ts";

export function createPki(): { caPem: string; certPem: string; keyPem: string } {
  const files = new Map<string, string>();
  const { ca, serving } = ensurePki({
    files: { read: (name) => files.get(name), write: (name, text) => void files.set(name, text) },
    now: Date.now(),
    randomBytes: (size) => randomBytes(size),
    hosts: [],
  });
  return { caPem: ca, certPem: serving.cert, keyPem: serving.key };
}
