import type { CelAuthorizer } from "#machinery/cel/libraries/authorizer.ts";

/** That of the oracle: it allows to get and list, denies to delete, breaks at escalate, and has no opinion of the rest. */
export const knownAuthorizer: CelAuthorizer = {
  check(access) {
    const { verb } = access;
    const where = "namespace" in access ? access.namespace : "";
    if (verb === "get" || verb === "list") return { allowed: true, reason: `for me in ${where}`, error: "" };
    if (verb === "delete") return { allowed: false, reason: "never", error: "" };
    return { allowed: false, reason: "", error: verb === "escalate" ? "broken" : "" };
  },
  asServiceAccount: () => knownAuthorizer,
};
