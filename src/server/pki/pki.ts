import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type CertificateRequest, createCertificate, type KeyPair } from "#base/x509/certificate.ts";

/** Where keys and certificates are kept. `write` is atomic; `secret` files are readable by the owner only (0600). */
export interface PkiFiles {
  /** Undefined when there is no such file. */
  read(name: string): string | undefined;
  write(name: string, text: string, secret: boolean): void;
}

export interface PkiOptions {
  readonly files: PkiFiles;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Names and addresses the server is reached by, besides loopback and the in-cluster names. */
  readonly hosts: readonly string[];
}

export interface Pki {
  /** PEM certificate of the authority: clients trust it, and the client certificates below come from it. */
  readonly ca: string;
  readonly serving: KeyPair;
  /** User `kcp-admin` of the contexts `root` and `base`. */
  readonly admin: KeyPair;
  /** User `shard-admin` of the contexts `system:admin` and `shard-base`. */
  readonly shardAdmin: KeyPair;
}

const DAY = 86_400_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** A certificate that ends sooner than this is made anew at start. */
const RENEW_DAYS = 30;
/** Clocks of clients may be behind ours. */
const BACKDATE_MS = 3_600_000;

const alwaysHosts = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "127.0.0.1",
  "::1",
];
const masters = ["system:masters"];

/**
 * Keys and certificates under the root directory: those that are there and good for another while, new ones otherwise.
 * A new authority replaces all that the old one signed.
 * @throws Error when a file is there but unreadable as PEM: it is left alone for a human to look at.
 */
export function ensurePki({ files, now, randomBytes, hosts }: PkiOptions): Pki {
  const ensure = (name: string, request: Wanted, issuer: KeyPair | undefined): KeyPair => {
    const known = readPair(files, name);
    if (known !== undefined && isGood(known, request, issuer, now)) return known;
    const days = request.usage === "ca" ? CA_DAYS : LEAF_DAYS;
    const period = { notBefore: now - BACKDATE_MS, notAfter: now + days * DAY };
    const made = createCertificate({ ...request, ...period }, issuer, randomBytes);
    // The key first: a certificate without its key is made anew at the next start.
    files.write(`${name}.key`, made.key, true);
    files.write(`${name}.crt`, made.cert, false);
    return made;
  };
  const ca = ensure("ca", { commonName: "myriad-ca", usage: "ca" }, undefined);
  const allHosts = [...new Set([...alwaysHosts, ...hosts])];
  return {
    ca: ca.cert,
    serving: ensure("apiserver", { commonName: "myriad", usage: "server", hosts: allHosts }, ca),
    admin: ensure("kcp-admin", { commonName: "kcp-admin", organizations: masters, usage: "client" }, ca),
    shardAdmin: ensure(
      "shard-admin",
      { commonName: "shard-admin", organizations: masters, usage: "client" },
      ca,
    ),
  };
}

type Wanted = Omit<CertificateRequest, "notBefore" | "notAfter">;

function readPair(files: PkiFiles, name: string): KeyPair | undefined {
  const key = files.read(`${name}.key`);
  const cert = files.read(`${name}.crt`);
  return key === undefined || cert === undefined ? undefined : { key, cert };
}

function isGood(pair: KeyPair, wanted: Wanted, issuer: KeyPair | undefined, now: number): boolean {
  const certificate = new X509Certificate(pair.cert);
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return false;
  if (Date.parse(certificate.validTo) < now + RENEW_DAYS * DAY) return false;
  const signer = issuer === undefined ? certificate : new X509Certificate(issuer.cert);
  if (!certificate.verify(signer.publicKey)) return false;
  return (wanted.hosts ?? []).every(
    (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
  );
}
