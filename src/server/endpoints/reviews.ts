/** Review kinds: questions that are answered and never stored (authentication.k8s.io, authorization.k8s.io). */

import type { UserInfo } from "#authn/user-info.ts";
import type { Attributes, Authorizer } from "#authz/authorizer.ts";
import { encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import {
  badRequest,
  methodNotAllowedGeneric,
  notAcceptable,
  notAcceptableGeneric,
} from "#machinery/errors/errors.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { timestamp } from "#registry/system-fields.ts";
import type { RequestContext } from "#server/context.ts";
import { decodeObject } from "./decode-body.ts";
import { styled } from "./json-encoder.ts";
import { acceptedAnswers, availableAnswers, contentTypes, namesKnownType } from "./media-types.ts";
import { requestBody } from "./request-body.ts";
import type { ServedResource } from "./served-set.ts";
import type { EndpointServices } from "./services.ts";
import { parseWriteOptions } from "./write-options.ts";

/** Finds out whose token it is; undefined = nobody's. */
export type TokenAuthenticator = (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>;

export interface ReviewServices {
  readonly services: EndpointServices;
  readonly authorizer: Authorizer;
  readonly authenticateToken: TokenAuthenticator;
}

type Fields = Readonly<Record<string, unknown>>;

/** Answers a POST of a review kind with its status filled in. */
export async function serveReview(
  reviews: ReviewServices,
  context: RequestContext,
  { info, version }: ServedResource,
): Promise<void> {
  if (context.info.verb !== "create") throw methodNotAllowedGeneric();
  const { services } = reviews;
  const offer = { list: false, stream: false, transforms: false, protobuf: true };
  const media = services.negotiator.negotiate(context.exchange.header("accept"), offer);
  if (media === undefined) {
    if (!namesKnownType(context.exchange.header("accept")))
      throw notAcceptableGeneric(availableAnswers(false));
    throw notAcceptable(acceptedAnswers(offer));
  }
  const options = parseWriteOptions(context.query, "CreateOptions");
  const expected = { group: info.group, version: version.version, kind: version.kind, type: version.type };
  const bytes = await requestBody(services, context);
  const contentType = context.exchange.header("content-type");
  const warn = (text: string): void => context.warn(text);
  const review = decodeObject(services, expected, bytes, contentType, options.fieldValidation, warn);
  context.exchange.audit?.request(review);
  review.status = await answer(reviews, context, version.kind, review);
  // Whoever asks who he is learns when, too.
  if (version.kind === "SelfSubjectReview")
    review.metadata = { ...review.metadata, creationTimestamp: timestamp(context.startedAt) };
  context.exchange.audit?.responds(() => Buffer.from(JSON.stringify(review)));
  if (media.format === "protobuf") {
    const body = encodeObjectProtobuf(services.protobuf, version.type, review);
    context.exchange.respond(201, { "content-type": contentTypes.protobuf }, body);
  } else {
    const body = styled(Buffer.from(JSON.stringify(review)), {
      yaml: media.format === "yaml",
      pretty: media.pretty,
    });
    context.exchange.respond(201, { "content-type": contentTypes[media.format] }, body);
  }
}

function answer(
  reviews: ReviewServices,
  context: RequestContext,
  kind: string,
  review: KubeObject,
): Promise<Fields> | Fields {
  const spec = (review.spec ?? {}) as Fields;
  switch (kind) {
    case "SelfSubjectReview":
      return { userInfo: userInfo(context.user) };
    case "TokenReview":
      return tokenReview(reviews, spec);
    case "SelfSubjectAccessReview":
      return accessReview(reviews, context, context.user, spec);
    case "SubjectAccessReview":
    case "LocalSubjectAccessReview":
      if (kind === "LocalSubjectAccessReview") checkLocal(context, spec);
      return accessReview(reviews, context, reviewedUser(spec), spec);
    case "SelfSubjectRulesReview":
      return rulesReview(context.user);
    default:
      throw badRequest(`${kind} is not answered by this server`);
  }
}

function userInfo(user: UserInfo): Fields {
  return {
    username: user.name,
    ...(user.uid === "" ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

async function tokenReview(reviews: ReviewServices, spec: Fields): Promise<Fields> {
  const token = typeof spec.token === "string" ? spec.token : "";
  if (token === "") throw badRequest("token is required for TokenReview in authentication");
  const user = await reviews.authenticateToken(token);
  return user === undefined ? { user: {} } : { authenticated: true, user: userInfo(user) };
}

/** Asks the same authorizer that requests are asked by. */
async function accessReview(
  { authorizer }: ReviewServices,
  context: RequestContext,
  user: UserInfo,
  spec: Fields,
): Promise<Fields> {
  const resource = spec.resourceAttributes as Record<string, string> | undefined;
  const path = spec.nonResourceAttributes as Record<string, string> | undefined;
  if ((resource === undefined) === (path === undefined)) {
    throw badRequest("exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
  const attributes: Attributes = {
    user,
    verb: resource?.verb ?? path?.verb ?? "",
    resourceRequest: resource !== undefined,
    namespace: resource?.namespace ?? "",
    apiGroup: resource?.group ?? "",
    apiVersion: resource?.version ?? "",
    resource: resource?.resource ?? "",
    subresource: resource?.subresource ?? "",
    name: resource?.name ?? "",
    path: path?.path ?? "",
    cluster: context.cluster.kind === "one" ? context.cluster.name : "*",
  };
  const { decision, reason } = await authorizer.authorize(attributes);
  return {
    allowed: decision === "allow",
    ...(decision === "deny" ? { denied: true } : {}),
    ...(reason === "" ? {} : { reason }),
  };
}

function reviewedUser(spec: Fields): UserInfo {
  const name = typeof spec.user === "string" ? spec.user : "";
  const groups = (spec.groups ?? []) as string[];
  if (name === "" && groups.length === 0) throw badRequest("at least one of user or group must be specified");
  const uid = typeof spec.uid === "string" ? spec.uid : "";
  return { name, uid, groups, extra: (spec.extra ?? {}) as UserInfo["extra"] };
}

function checkLocal(context: RequestContext, spec: Fields): void {
  const { namespace = "" } = (spec.resourceAttributes ?? {}) as { namespace?: string };
  if (namespace !== context.info.namespace) {
    throw badRequest("spec.resourceAttributes.namespace must match the namespace of the URL");
  }
}

/** Until there are roles, rights are all or nothing. */
function rulesReview(user: UserInfo): Fields {
  const all = user.groups.includes("system:masters");
  return {
    resourceRules: all ? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] : [],
    nonResourceRules: all
      ? [{ verbs: ["*"], nonResourceURLs: ["*"] }]
      : [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version"] }],
    incomplete: false,
  };
}
