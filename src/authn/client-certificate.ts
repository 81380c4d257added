/** What the TLS layer found out about the certificate that a client presented. One object for each connection. */
export interface ClientCertificate {
  /** The chain leads to a trusted client CA, was valid at the handshake, and allows client authentication. */
  readonly verified: boolean;
  /** Why not; empty when verified. */
  readonly verifyError: string;
  /** Subject CN; the last one when there are several, empty when there is none. */
  readonly commonName: string;
  /** Subject O values, in order. */
  readonly organizations: readonly string[];
  /** Values of the subject attribute 1.3.6.1.4.1.57683.2, by which Kubernetes carries a user's UID. */
  readonly uids: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** SHA-256 of the DER form, lower-case hex. */
  readonly fingerprint: string;
}
