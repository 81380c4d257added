import type { TLSSocket } from "node:tls";
import type { ClientCertificate } from "#authn/client-certificate.ts";
import type { Connection } from "../exchange.ts";

/** Kubernetes' attribute for a user's UID in a certificate's subject. */
const UID_ATTRIBUTE = "1.3.6.1.4.1.57683.2";

/** A client's TLS connection. `closeWhenIdle` is the protocol's way to say goodbye. */
export class TlsConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: TLSSocket;
  readonly #goodbye: () => void;
  #certificate: ClientCertificate | undefined | null = null;

  constructor(socket: TLSSocket, goodbye: () => void) {
    this.#socket = socket;
    this.#goodbye = goodbye;
    this.remoteAddress = socket.remoteAddress ?? "";
  }

  get clientCertificate(): ClientCertificate | undefined {
    if (this.#certificate === null) this.#certificate = readCertificate(this.#socket);
    return this.#certificate;
  }

  closeWhenIdle(): void {
    this.#goodbye();
  }
}

function readCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerCertificate(false);
  // Node answers an empty object when the client sent none.
  if (certificate === null || certificate.raw === undefined) return undefined;
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined>;
  return {
    verified: socket.authorized,
    verifyError: socket.authorized ? "" : String(socket.authorizationError),
    commonName: values(subject.CN).at(-1) ?? "",
    organizations: values(subject.O),
    uids: values(subject[UID_ATTRIBUTE]),
    notAfter: Date.parse(certificate.valid_to),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

const values = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;
