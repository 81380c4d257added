/**
 * Authorization in expressions (k8s.io/apiserver/pkg/cel/library/authz.go). Who may do what is behind an interface: it answers
 * at once, since expressions do not wait.
 */
import { trimSpace } from "#base/spaces.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import type { CelType } from "../types.ts";
import { CelError, CelOpaque, type CelResult, type CelValue, noSuchOverload } from "../values.ts";
import { opaqueStruct } from "./opaque.ts";

/** What an expression asks for: a path, or a resource. Empty texts are what it did not say. */
export type CelAccess =
  | { readonly verb: string; readonly path: string }
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      /** As written; what does not parse is the authorizer's matter, as upstream. */
      readonly fieldSelector: string;
      readonly labelSelector: string;
    };

export interface CelDecision {
  readonly allowed: boolean;
  readonly reason: string;
  /** The text of what went wrong while deciding. */
  readonly error?: string;
}

/** Decides for one user. */
export interface CelAuthorizer {
  check(access: CelAccess): CelDecision;
  /** The same for a service account. */
  asServiceAccount(namespace: string, name: string): CelAuthorizer;
}

export const authorizerType: CelType = opaqueStruct("kubernetes.authorization.Authorizer");
const pathCheckType = opaqueStruct("kubernetes.authorization.PathCheck");
const groupCheckType = opaqueStruct("kubernetes.authorization.GroupCheck");
export const resourceCheckType: CelType = opaqueStruct("kubernetes.authorization.ResourceCheck");
const decisionType = opaqueStruct("kubernetes.authorization.Decision");

/** Values of this library are equal only to themselves, and cannot be compared with others. */
abstract class AuthorizationValue extends CelOpaque {
  override equals(other: CelValue): boolean | CelError {
    return this === other ? true : noSuchOverload;
  }
}

class AuthorizerValue extends AuthorizationValue {
  override readonly type = authorizerType;
  readonly authorizer: CelAuthorizer;

  constructor(authorizer: CelAuthorizer) {
    super();
    this.authorizer = authorizer;
  }
}

class PathCheck extends AuthorizationValue {
  override readonly type = pathCheckType;
  readonly authorizer: CelAuthorizer;
  readonly path: string;

  constructor(authorizer: CelAuthorizer, path: string) {
    super();
    this.authorizer = authorizer;
    this.path = path;
  }
}

class GroupCheck extends AuthorizationValue {
  override readonly type = groupCheckType;
  readonly authorizer: CelAuthorizer;
  readonly group: string;

  constructor(authorizer: CelAuthorizer, group: string) {
    super();
    this.authorizer = authorizer;
    this.group = group;
  }
}

/** The resource of a check, without the verb. */
type Resource = Omit<Extract<CelAccess, { group: string }>, "verb">;

class ResourceCheck extends AuthorizationValue {
  override readonly type = resourceCheckType;
  readonly authorizer: CelAuthorizer;
  readonly resource: Resource;

  constructor(authorizer: CelAuthorizer, resource: Resource) {
    super();
    this.authorizer = authorizer;
    this.resource = resource;
  }
}

class Decision extends AuthorizationValue {
  override readonly type = decisionType;
  readonly decision: CelDecision;

  constructor(decision: CelDecision) {
    super();
    this.decision = decision;
  }
}

/** The value of the variable `authorizer`. */
export const authorizerValue = (authorizer: CelAuthorizer): CelValue => new AuthorizerValue(authorizer);

/** The value of `authorizer.requestResource`: a check of the resource that the request is about. */
export const requestResourceValue = (
  authorizer: CelAuthorizer,
  resource: Pick<Resource, "group" | "resource" | "subresource" | "namespace" | "name">,
): CelValue => new ResourceCheck(authorizer, { fieldSelector: "", labelSelector: "", ...resource });

const blank = (text: string): boolean => trimSpace(text) === "";

/** A function of one of the values above; handed anything else there is no such overload. */
const on =
  <T extends AuthorizationValue>(
    kind: abstract new (...parts: never[]) => T,
    act: (value: T, ...texts: string[]) => CelResult,
  ): Implementation =>
  (value, ...rest) =>
    value instanceof kind ? act(value, ...(rest as string[])) : noSuchOverload;

const serviceAccount = on(AuthorizerValue, ({ authorizer }, namespace = "", name = "") => {
  if (dns1123SubdomainErrors(name).length > 0) return new CelError("Invalid service account name");
  if (dns1123LabelErrors(namespace).length > 0) return new CelError("Invalid service account namespace");
  return new AuthorizerValue(authorizer.asServiceAccount(namespace, name));
});

const path = on(AuthorizerValue, ({ authorizer }, text = "") =>
  blank(text) ? new CelError("path must not be empty") : new PathCheck(authorizer, text),
);

const resourceOf = on(GroupCheck, ({ authorizer, group }, resource = "") =>
  blank(resource)
    ? new CelError("resource must not be empty")
    : requestResourceValue(authorizer, { group, resource, subresource: "", namespace: "", name: "" }),
);

const withPart = (part: keyof Resource): Implementation =>
  on(
    ResourceCheck,
    ({ authorizer, resource }, text = "") => new ResourceCheck(authorizer, { ...resource, [part]: text }),
  );

const ofDecision = (read: (decision: CelDecision) => CelResult): Implementation =>
  on(Decision, ({ decision }) => read(decision));

const options = {
  types: new Map([
    ["Authorizer", authorizerType],
    ["Path", pathCheckType],
    ["Group", groupCheckType],
    ["Resource", resourceCheckType],
    ["Decision", decisionType],
  ]),
};

export const authorizerLibrary: readonly FunctionDeclaration[] = [
  declare("path", [["authorizer_path", "Authorizer.(string): Path", path]], options),
  declare(
    "group",
    [
      [
        "authorizer_group",
        "Authorizer.(string): Group",
        on(AuthorizerValue, ({ authorizer }, group = "") => new GroupCheck(authorizer, group)),
      ],
    ],
    options,
  ),
  declare(
    "serviceAccount",
    [["authorizer_serviceaccount", "Authorizer.(string, string): Authorizer", serviceAccount]],
    options,
  ),
  declare("resource", [["groupcheck_resource", "Group.(string): Resource", resourceOf]], options),
  ...(["subresource", "namespace", "name"] as const).map((part) =>
    declare(part, [[`resourcecheck_${part}`, "Resource.(string): Resource", withPart(part)]], options),
  ),
  ...(["fieldSelector", "labelSelector"] as const).map((part) =>
    declare(
      part,
      [[`authorizer_${part.toLowerCase()}`, "Resource.(string): Resource", withPart(part)]],
      options,
    ),
  ),
  declare(
    "check",
    [
      [
        "pathcheck_check",
        "Path.(string): Decision",
        on(PathCheck, ({ authorizer, path }, verb = "") => new Decision(authorizer.check({ verb, path }))),
      ],
      [
        "resourcecheck_check",
        "Resource.(string): Decision",
        on(
          ResourceCheck,
          ({ authorizer, resource }, verb = "") => new Decision(authorizer.check({ verb, ...resource })),
        ),
      ],
    ],
    options,
  ),
  declare(
    "errored",
    [["decision_errored", "Decision.(): bool", ofDecision(({ error }) => error !== undefined)]],
    options,
  ),
  declare(
    "error",
    [["decision_error", "Decision.(): string", ofDecision(({ error }) => error ?? "")]],
    options,
  ),
  declare(
    "allowed",
    [["decision_allowed", "Decision.(): bool", ofDecision(({ allowed }) => allowed)]],
    options,
  ),
  declare(
    "reason",
    [["decision_reason", "Decision.(): string", ofDecision(({ reason }) => reason)]],
    options,
  ),
];
