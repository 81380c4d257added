import { createHash } from "node:crypto";
import { type Authentication, type Authenticator, authenticated, noCredentials } from "./authenticator.ts";
import { parseCsv } from "./csv.ts";

/**
 * Tokens of a static file in Kubernetes' format, one record a line: `token,user,uid[,"group1,group2"]`
 * (k8s.io/apiserver token/tokenfile). Tokens are kept and compared as SHA-256 digests, so the time of a comparison
 * tells nothing about them.
 * @throws Error for malformed files; the text names the record, never the token.
 */
export function parseTokenFile(text: string): Map<string, Authentication> {
  const users = new Map<string, Authentication>();
  parseCsv(text).forEach((record, index) => {
    const [token, name, uid, groups] = record;
    if (token === undefined || name === undefined || uid === undefined)
      throw new Error(
        `token file: record ${index + 1} must have at least 3 columns (token, user name, user uid), found ${record.length}`,
      );
    if (token === "") return;
    users.set(
      digest(token),
      authenticated({ name, uid, groups: groups === undefined ? [] : groups.split(","), extra: {} }),
    );
  });
  return users;
}

/** Bearer tokens known by their digest ({@link parseTokenFile}). An unknown token is invalid, not absent. */
export function tokenAuthenticator(users: ReadonlyMap<string, Authentication>): Authenticator {
  return {
    authenticate({ authorization }) {
      if (authorization === undefined) return noCredentials;
      const token = bearerToken(authorization);
      if (token === undefined) return noCredentials;
      return users.get(digest(token)) ?? invalidToken;
    },
  };
}

const invalidToken: Authentication = Object.freeze({ kind: "invalid", reason: "invalid bearer token" });

/** The token of an `Authorization: Bearer` header; undefined for other schemes and empty tokens. */
export function bearerToken(authorization: string): string | undefined {
  const parts = authorization.trim().split(" ", 2);
  const [scheme, token] = parts;
  if (token === undefined || token === "" || scheme!.toLowerCase() !== "bearer") return undefined;
  return token;
}

const digest = (token: string): string => createHash("sha256").update(token).digest("base64");
