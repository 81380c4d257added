/** Why a call failed, in the words of Go's net, crypto/tls and net/http packages: operators and their tools know these. */

/** A webhook could not be called, or did not answer as a webhook does. */
export class WebhookCallError extends Error {
  override readonly name = "WebhookCallError";
  /** The configuration itself is at fault: nothing was sent. */
  readonly unusable: boolean;
  constructor(message: string, unusable = false) {
    super(message);
    this.unusable = unusable;
  }
}

/** A connection that the egress policy does not allow; the message says so in full. */
export class EgressError extends Error {
  override readonly name = "EgressError";
}

/** The text of what ended a connection, without the URL. */
export function connectionErrorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return connectionErrorText(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error instanceof EgressError) return error.message;
  const { code = "", hostname, address, port, cert, host } = error as SystemError;
  const dial = address === undefined ? "dial tcp" : `dial tcp ${joined(address, port)}`;
  switch (code) {
    case "ECONNREFUSED":
      return `${dial}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `${dial}: connect: no route to host`;
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return `${dial}: connect: network is unreachable`;
    case "ETIMEDOUT":
      return `${dial}: i/o timeout`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${hostname}: no such host`;
    case "EAI_AGAIN":
      return `dial tcp: lookup ${hostname}: server misbehaving`;
    case "ECONNRESET":
      return /hang up|disconnected/.test(error.message) ? "EOF" : "read: connection reset by peer";
    case "EPIPE":
      return "write: broken pipe";
    case "EPROTO":
      return /wrong version|http request|packet length/i.test(error.message)
        ? "http: server gave HTTP response to HTTPS client"
        : `remote error: tls: ${error.message.split(":").at(-2) ?? "handshake failure"}`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return unverified("certificate has expired or is not yet valid");
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return unverified(namesText(cert?.subjectaltname, host));
    case "ERR_NO_SUBJECT_ALTERNATIVE_NAMES":
      return unverified("certificate relies on legacy Common Name field, use SANs instead");
    default:
      if (unknownAuthority.has(code)) return unverified("certificate signed by unknown authority");
      return code.startsWith("HPE_")
        ? `net/http: HTTP/1.x transport connection broken: ${error.message}`
        : error.message;
  }
}

interface SystemError extends Error {
  readonly code?: string;
  readonly hostname?: string;
  readonly host?: string;
  readonly address?: string;
  readonly port?: number;
  readonly cert?: { readonly subjectaltname?: string };
}

const unknownAuthority: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
]);

const unverified = (why: string): string => `tls: failed to verify certificate: x509: ${why}`;

function namesText(subjectAltName: string | undefined, host: string | undefined): string {
  const names = (subjectAltName ?? "")
    .split(", ")
    .filter((name) => /^(DNS|IP Address):/.test(name))
    .map((name) => name.replace(/^[^:]*:/, ""));
  return names.length === 0
    ? `certificate is not valid for any names, but wanted to match ${host}`
    : `certificate is valid for ${names.join(", ")}, not ${host}`;
}

const joined = (address: string, port: number | undefined): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** What an answer outside of 2xx means (apimachinery pkg/api/errors NewGenericServerResponse). `body` is text or "unknown". */
export function answerErrorText(code: number, body: string): string {
  const known = answers[code];
  if (known !== undefined) return known;
  if (code === 403 || code === 415) return body;
  if (code === 406 && body !== "" && body !== "unknown") return body;
  return code >= 500
    ? `an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding`
    : `the server responded with the status code ${code} but did not return more information`;
}

const answers: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};
