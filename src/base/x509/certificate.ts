import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } from "./der.ts";

/** A private key and the certificate for it, both PEM (PKCS #8 and X.509). */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: "ca" | "server" | "client";
  /** DNS names and IP addresses of a serving certificate. */
  readonly hosts?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

// ECDSA P-256 with SHA-256 (RFC 5758); names, usages and extensions by RFC 5280.
const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const serverAuth = oid("1.3.6.1.5.5.7.3.1");
const clientAuth = oid("1.3.6.1.5.5.7.3.2");
const SERIAL_BYTES = 16;

/**
 * A new key and its certificate, signed by `issuer` or by itself. Written here because a certificate library takes
 * longer to load (over 100 ms) than the whole server to start.
 */
export function createCertificate(
  request: CertificateRequest,
  issuer: KeyPair | undefined,
  randomBytes: (size: number) => Uint8Array,
): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuerKey = issuer === undefined ? privateKey : createPrivateKey(issuer.key);
  const issuerCertificate = issuer === undefined ? undefined : new X509Certificate(issuer.cert);
  const subject = nameOf(request.commonName, request.organizations ?? []);
  const issuerName = issuerCertificate === undefined ? subject : subjectOf(issuerCertificate);
  const issuerPublic = issuerCertificate === undefined ? publicKey : issuerCertificate.publicKey;
  const serial = Buffer.from(randomBytes(SERIAL_BYTES));
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuerName,
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    spki(publicKey),
    explicit(3, sequence(...extensions(request, keyId(publicKey), keyId(issuerPublic)))),
  );
  const signature = sign("sha256", body, issuerKey);
  const der = sequence(body, ecdsaWithSha256, bits(signature));
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }) as string, cert: pem(der) };
}

const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });
const keyId = (key: KeyObject): Buffer => createHash("sha1").update(spki(key)).digest();

function nameOf(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: string, value: string) => set(sequence(oid(type), utf8(value)));
  return sequence(
    ...organizations.map((organization) => attribute("2.5.4.10", organization)),
    attribute("2.5.4.3", commonName),
  );
}

function extensions({ usage, hosts = [] }: CertificateRequest, own: Buffer, issuer: Buffer): Buffer[] {
  const extension = (id: string, critical: boolean, value: Buffer) =>
    critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
  const ca = usage === "ca";
  const list = [
    // keyUsage: keyCertSign and cRLSign for a CA, digitalSignature for the others.
    extension("2.5.29.15", true, ca ? bits(Buffer.from([0x06]), 1) : bits(Buffer.from([0x80]), 7)),
    extension("2.5.29.19", true, ca ? sequence(boolean(true)) : sequence()),
    extension("2.5.29.14", false, octets(own)),
    extension("2.5.29.35", false, sequence(implicit(0, issuer))),
  ];
  if (!ca) list.push(extension("2.5.29.37", false, sequence(usage === "server" ? serverAuth : clientAuth)));
  if (hosts.length > 0) list.push(extension("2.5.29.17", false, sequence(...hosts.map(alternativeName))));
  return list;
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return implicit(2, Buffer.from(host, "ascii"));
  return implicit(7, isIP(host) === 4 ? Buffer.from(host.split(".").map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(address: string): Buffer {
  const [head = "", tail] = address.split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The subject of a certificate, byte for byte, as the issuer name of others must repeat it. */
function subjectOf(certificate: X509Certificate): Buffer {
  const der = certificate.raw;
  const certificateAt = contentAt(der, 0);
  let at = contentAt(der, certificateAt);
  // version, serial, algorithm, issuer, validity; then comes the subject.
  for (let i = 0; i < 5; i++) at = endAt(der, at);
  return der.subarray(at, endAt(der, at));
}

const contentAt = (der: Buffer, at: number): number =>
  at + 2 + (der[at + 1]! < 0x80 ? 0 : der[at + 1]! & 0x7f);
function endAt(der: Buffer, at: number): number {
  const start = contentAt(der, at);
  const first = der[at + 1]!;
  return start + (first < 0x80 ? first : der.readUIntBE(at + 2, first & 0x7f));
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replace(/.{64}/g, "$&\n").trimEnd()}\n-----END CERTIFICATE-----\n`;
