/** Bindings of policies that somebody thought of. */
import type { JsonObject } from "#machinery/json/value.ts";
import { type AdmissionCase, each, matches, rule, selectors, times, withSpec } from "./admission-edges.ts";

const bindingParts: JsonObject[] = [
  ...each("policyName", [
    null,
    "",
    "a",
    "A",
    "a.b",
    ".a",
    "a.",
    "a..b",
    "a/b",
    "a_b",
    "é",
    times(253),
    times(254),
  ]),
  ...each("matchResources", [null, {}, ...matches]),
  ...each("paramRef", [
    null,
    {},
    ...["", "a", ".", "..", "a/b", "a%b", "A b", "é", times(300)].map((name) => ({
      name,
      parameterNotFoundAction: "Deny",
    })),
    ...selectors.map((selector) => ({ selector, parameterNotFoundAction: "Allow" })),
    ...selectors.slice(0, 6).map((selector) => ({ name: "a/b", selector, parameterNotFoundAction: "Allow" })),
    ...[null, "", "Deny", "Allow", "deny"].map((parameterNotFoundAction) => ({
      name: "a",
      parameterNotFoundAction,
    })),
    ...["", "a", "A b"].map((namespace) => ({ name: "a", namespace, parameterNotFoundAction: "Deny" })),
    { namespace: "a" },
  ]),
];
const actionParts = each("validationActions", [
  null,
  [],
  [""],
  ["Deny"],
  ["Warn"],
  ["Audit"],
  ["deny"],
  ["Deny", "Audit"],
  ["Warn", "Audit"],
  ["Deny", "Warn"],
  ["Warn", "Audit", "Deny"],
  ["Deny", "Deny"],
  ["Cry", "Cry", "Cry"],
  ["Deny", "Warn", "Deny", "Cry", "Warn"],
]);
const deletions: JsonObject[] = [["DELETE"], ["*"], ["PATCH", "DELETE"]].map((operations) => ({
  matchResources: { resourceRules: [{ ...rule, operations }] },
}));

export const bindingCases: readonly AdmissionCase[] = [
  ...withSpec("ValidatingAdmissionPolicyBinding", { policyName: "a", validationActions: ["Deny"] }, [
    ...bindingParts,
    ...actionParts,
  ]),
  ...withSpec("MutatingAdmissionPolicyBinding", { policyName: "a" }, [...bindingParts, ...deletions]),
];
