import { GROUP_MASTERS } from "#authn/user-info.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";

const noOpinion: Decision = Object.freeze({ decision: "no-opinion", reason: "" });
const allowed: Decision = Object.freeze({ decision: "allow", reason: "" });

/** `system:masters` may do everything, in every workspace. */
export const privilegedGroupAuthorizer: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(GROUP_MASTERS) ? allowed : noOpinion),
};

// ClusterRole system:public-info-viewer, exactly its paths: single checks below them tell more and are not public.
const publicPaths = new Set(["/healthz", "/livez", "/readyz", "/version", "/version/"]);

/**
 * Everybody, anonymous users too, may see whether the server is well and what version it is; outside workspaces only,
 * since an answer below `/clusters/<name>` would tell that the workspace exists.
 */
export const publicInfoAuthorizer: Authorizer = {
  authorize: ({ resourceRequest, verb, path, cluster }) =>
    !resourceRequest && cluster === undefined && (verb === "get" || verb === "head") && publicPaths.has(path)
      ? allowed
      : noOpinion,
};

/** Asks one after the other until one allows or denies. Reasons of those without opinion are joined. */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  const askFrom = (start: number, attributes: Attributes, reasons: string): Decision | Promise<Decision> => {
    let joined = reasons;
    for (let i = start; i < authorizers.length; i++) {
      const answer = authorizers[i]!.authorize(attributes);
      if (answer instanceof Promise)
        return answer.then((late) =>
          late.decision === "no-opinion" ? askFrom(i + 1, attributes, join(joined, late.reason)) : late,
        );
      if (answer.decision !== "no-opinion") return answer;
      joined = join(joined, answer.reason);
    }
    return joined === "" ? noOpinion : { decision: "no-opinion", reason: joined };
  };
  return { authorize: (attributes) => askFrom(0, attributes, "") };
}

const join = (a: string, b: string): string => (a === "" ? b : b === "" ? a : `${a}, ${b}`);
