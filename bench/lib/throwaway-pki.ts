/** A CA and a certificate for 127.0.0.1 that live as long as the process. */
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

export async function createPki(): Promise<{ caPem: string; certPem: string; keyPem: string }> {
  const { crypto } = globalThis;
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const notBefore = new Date(Date.now() - dayMs);
  const notAfter = new Date(Date.now() + dayMs);
  const common = { notBefore, notAfter, signingAlgorithm: algorithm };
  const ca = await X509CertificateGenerator.createSelfSigned(
    {
      ...common,
      serialNumber: "01",
      name: "CN=bench-ca",
      keys: caKeys,
      extensions: [new BasicConstraintsExtension(true)],
    },
    crypto,
  );
  const cert = await X509CertificateGenerator.create(
    {
      ...common,
      serialNumber: "02",
      subject: "CN=127.0.0.1",
      issuer: ca.subject,
      signingKey: caKeys.privateKey,
      publicKey: keys.publicKey,
      extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
    },
    crypto,
  );
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
  return { caPem: `${ca.toString("pem")}\n`, certPem: cert.toString("pem"), keyPem };
}
