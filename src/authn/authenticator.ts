import type { ClientCertificate } from "./client-certificate.ts";
import { GROUP_AUTHENTICATED, GROUP_UNAUTHENTICATED, type UserInfo } from "./user-info.ts";

/** The credentials of one request. */
export interface Credentials {
  readonly certificate: ClientCertificate | undefined;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
}

export type Authentication =
  | { readonly kind: "user"; readonly user: UserInfo }
  /** No credentials that this authenticator knows. */
  | { readonly kind: "none" }
  /** Credentials that are wrong; `reason` is for the log, never for the client. */
  | { readonly kind: "invalid"; readonly reason: string };

export interface Authenticator {
  /** Synchronous whenever the answer is at hand. */
  authenticate(credentials: Credentials): Authentication | Promise<Authentication>;
}

export const noCredentials: Authentication = Object.freeze({ kind: "none" });

/**
 * Asks one after the other; the first user wins. Wrong credentials count only when nobody finds a user, so a stale
 * client certificate does not spoil a good token (k8s.io/apiserver request/union).
 */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  const askFrom = (
    start: number,
    credentials: Credentials,
    failed: Authentication,
  ): Authentication | Promise<Authentication> => {
    let worst = failed;
    for (let i = start; i < authenticators.length; i++) {
      const answer = authenticators[i]!.authenticate(credentials);
      if (answer instanceof Promise) {
        return answer.then((late) =>
          late.kind === "user" ? late : askFrom(i + 1, credentials, late.kind === "invalid" ? late : worst),
        );
      }
      if (answer.kind === "user") return answer;
      if (answer.kind === "invalid") worst = answer;
    }
    return worst;
  };
  return { authenticate: (credentials) => askFrom(0, credentials, noCredentials) };
}

/** The answer for a user, with `system:authenticated` added as upstream's group adder does. */
export function authenticated(user: UserInfo): Authentication {
  const { groups } = user;
  const known = groups.includes(GROUP_AUTHENTICATED) || groups.includes(GROUP_UNAUTHENTICATED);
  return Object.freeze({
    kind: "user",
    user: Object.freeze(known ? user : { ...user, groups: [...groups, GROUP_AUTHENTICATED] }),
  });
}
