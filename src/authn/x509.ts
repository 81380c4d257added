import type { Clock } from "#base/clock.ts";
import { type Authentication, type Authenticator, authenticated, noCredentials } from "./authenticator.ts";
import type { ClientCertificate } from "./client-certificate.ts";

/**
 * Users by client certificate: CN is the name, each O a group (k8s.io/apiserver request/x509). The chain was verified
 * in the handshake; that the certificate is still in its time is looked at again for each request.
 */
export function x509Authenticator(clock: Clock): Authenticator {
  const answers = new WeakMap<ClientCertificate, Authentication>();
  return {
    authenticate({ certificate }) {
      if (certificate === undefined) return noCredentials;
      let answer = answers.get(certificate);
      if (answer === undefined) {
        answer = userOf(certificate);
        answers.set(certificate, answer);
      }
      if (certificate.notAfter <= clock.now())
        return { kind: "invalid", reason: "the client certificate has expired" };
      return answer;
    },
  };
}

function userOf(certificate: ClientCertificate): Authentication {
  const { commonName, organizations, uids } = certificate;
  if (!certificate.verified)
    return { kind: "invalid", reason: `client certificate: ${certificate.verifyError}` };
  if (commonName === "") return noCredentials;
  if (uids.length > 1 || uids[0] === "")
    return { kind: "invalid", reason: "the client certificate has several UIDs or an empty one" };
  return authenticated({
    name: commonName,
    uid: uids[0] ?? "",
    groups: organizations,
    extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${certificate.fingerprint}`] },
  });
}
