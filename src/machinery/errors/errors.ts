/**
 * One constructor per `reason` of a Status, with Kubernetes' codes, details and messages (apimachinery pkg/api/errors;
 * docs: the table of Status reasons). Clients branch on `reason`, their tests on the texts.
 */
import { quote } from "#base/quote.ts";
import { aggregateFieldErrors, type FieldError, fieldErrorBody } from "#machinery/errors/field-error.ts";
import {
  ForeignError,
  type Status,
  type StatusCause,
  type StatusDetails,
  StatusError,
} from "#machinery/errors/status-error.ts";
import { type GroupResource, groupResourceName } from "#machinery/meta/object.ts";

export interface GroupKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
}

/** What {@link forbidden} tells about the refused request. */
export interface ForbiddenAttributes {
  readonly user: string;
  readonly verb: string;
  /** Present for resource requests; absent for others, which name `path`. */
  readonly resource?: {
    readonly group: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly path?: string;
}

/** The text of every lost optimistic-concurrency race. */
const objectModifiedMessage =
  "the object has been modified; please apply your changes to the latest version and try again";
/** Prefix of an AlreadyExists message whose holder is terminating. */
const beingDeletedPrefix = "object is being deleted: ";

export const badRequest = (message: string): StatusError => failure(400, "BadRequest", message);

/** The front door's 401 always says just `Unauthorized`. */
export const unauthorized = (message = "Unauthorized"): StatusError => failure(401, "Unauthorized", message);

/** 403 of an authorizer. `reason`, its explanation, is appended as it is; user input in the rest is HTML-escaped. */
export function forbidden(attributes: ForbiddenAttributes, reason = ""): StatusError {
  const message = escapeHtml(forbiddenText(attributes));
  const { group = "", resource = "", name = "" } = attributes.resource ?? {};
  return forbiddenResource({ group, resource }, name, reason === "" ? message : `${message}: ${reason}`);
}

/** 403 of admission and strategies: `configmaps "x" is forbidden: <why>`; an empty resource gives `forbidden: <why>`. */
export function forbiddenResource(
  resource: GroupResource,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): StatusError {
  const subject = groupResourceName(resource);
  let message = `forbidden: ${why}`;
  if (subject !== "")
    message = name === "" ? `${subject} is ${message}` : `${subject} ${quote(name)} is ${message}`;
  return failure(
    403,
    "Forbidden",
    message,
    detailsOf(resource, name, causes === undefined ? {} : { causes }),
  );
}

export const notFound = (resource: GroupResource, name: string): StatusError =>
  failure(
    404,
    "NotFound",
    `${groupResourceName(resource)} ${quote(name)} not found`,
    detailsOf(resource, name),
  );

/** 404 for a path or subresource that is served by nobody. */
export const notFoundGeneric = (): StatusError =>
  failure(404, "NotFound", "the server could not find the requested resource", {});

/** `action` is a verb such as `create`. */
export const methodNotSupported = (resource: GroupResource, action: string): StatusError =>
  failure(
    405,
    "MethodNotAllowed",
    `${action} is not supported on resources of kind ${quote(groupResourceName(resource))}`,
    detailsOf(resource, ""),
  );

/** What upstream's router says of built-in paths, before it asks who is behind them. */
export const methodNotAllowedGeneric = (): StatusError =>
  failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

/** The same of types in `Accept` that nothing here has, with the types that there are. */
export const notAcceptableGeneric = (available: readonly string[]): StatusError =>
  failure(
    406,
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: ${available.join(", ")}`,
    {},
  );

/** The same of a body in a type that no handler of the path takes. */
export const unsupportedMediaTypeGeneric = (): StatusError =>
  failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});

/** `convertingTo` names the target (`meta.k8s.io/v1, Kind=Table`) when only the transformation cannot be had. */
export const notAcceptable = (accepted: readonly string[], convertingTo?: string): StatusError =>
  failure(
    406,
    "NotAcceptable",
    `only the following media types are accepted${convertingTo === undefined ? "" : ` when converting to ${convertingTo}`}: ${accepted.join(", ")}`,
  );

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  failure(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

/** `terminating`: the object that holds the name is being deleted. */
export const alreadyExists = (resource: GroupResource, name: string, terminating = false): StatusError =>
  failure(
    409,
    "AlreadyExists",
    `${terminating ? beingDeletedPrefix : ""}${groupResourceName(resource)} ${quote(name)} already exists`,
    detailsOf(resource, name),
  );

/** All generated names were taken. */
export const generateNameConflict = (
  resource: GroupResource,
  name: string,
  retryAfterSeconds = 1,
): StatusError =>
  failure(
    409,
    "AlreadyExists",
    `${groupResourceName(resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`,
    detailsOf(resource, name, { retryAfterSeconds }),
  );

/** `why` is {@link objectModifiedMessage} unless a precondition failed. */
export const conflict = (
  resource: GroupResource,
  name: string,
  why: string = objectModifiedMessage,
): StatusError =>
  failure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${groupResourceName(resource)} ${quote(name)}: ${why}`,
    detailsOf(resource, name),
  );

/** Server-side apply met other owners; the caller words message and causes. */
export const applyConflict = (causes: readonly StatusCause[], message: string): StatusError =>
  failure(409, "Conflict", message, { causes });

/** 410 with the newer reason `Expired`; with `continueToken` the client may go on reading inconsistently. */
export const expired = (message: string, continueToken?: string): StatusError =>
  new StatusError({
    ...failureStatus(410, "Expired", message),
    metadata: continueToken === undefined ? {} : { continue: continueToken },
  });

/** 410 with the legacy reason `Gone`. */
export const gone = (message: string): StatusError => failure(410, "Gone", message);

/** `limitBytes`: the limit the body exceeded. */
export const requestEntityTooLarge = (limitBytes: number): StatusError =>
  requestEntityTooLargeFor(`limit is ${limitBytes}`);

export const requestEntityTooLargeFor = (why: string): StatusError =>
  failure(413, "RequestEntityTooLarge", `Request entity too large: ${why}`);

/** With more, the answer would be larger than the request. Each error may show a large value. */
const maxErrorsTold = 1_000;
const maxTextTold = 128 * 1_024;

/** The first ones, at least one. */
function told(all: readonly FieldError[]): readonly FieldError[] {
  let length = 0;
  for (let i = 0; i < Math.min(all.length, maxErrorsTold); i++) {
    length += fieldErrorBody(all[i]!).length;
    if (length > maxTextTold) return all.slice(0, i + 1);
  }
  return all.slice(0, maxErrorsTold);
}

/** `details.kind` is the Kind here, not the resource. One cause for each error, in order; the first thousand. */
export function invalid(kind: GroupKind, name: string, all: readonly FieldError[]): StatusError {
  const errors = told(all);
  const causes = errors.map(
    (error): StatusCause => ({
      reason: error.type,
      ...nonEmpty("message", fieldErrorBody(error)),
      ...nonEmpty("field", error.field),
    }),
  );
  const subject = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const message = `${subject} ${quote(name)} is invalid${errors.length === 0 ? "" : `: ${aggregateFieldErrors(errors)}`}`;
  return failure(422, "Invalid", message, {
    ...nonEmpty("name", name),
    ...nonEmpty("group", kind.group),
    ...nonEmpty("kind", kind.kind),
    ...(causes.length === 0 ? {} : { causes }),
  });
}

/** 422 of a patch that cannot be applied. Upstream says no more than this text; the cause tells which part failed and why. */
export const invalidPatch = (why: string): StatusError =>
  failure(422, "Invalid", "the server rejected our request due to an error in our request", {
    causes: [{ reason: "FieldValueInvalid", message: why, field: "patch" }],
  });

export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  failure(429, "TooManyRequests", message, retryAfterSeconds === 0 ? {} : { retryAfterSeconds });

export const internalError = (message: string): StatusError =>
  failure(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });

/** {@link internalError} for what a workspace's own webhooks, policies and the like did. */
export const foreignError = (message: string): StatusError => new ForeignError(internalError(message).status);

/** 500 without a reason: what upstream makes of an error that nobody gave a Status (server-side apply has many). */
export const unexplainedError = (message: string): StatusError =>
  new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });

/** `retryAfterSeconds` lets client-go retry by itself. */
export const serviceUnavailable = (message: string, retryAfterSeconds = 0): StatusError =>
  failure(503, "ServiceUnavailable", message, retryAfterSeconds === 0 ? undefined : { retryAfterSeconds });

/** The message is prefixed with `Timeout: `. */
export const timeout = (message: string, retryAfterSeconds = 0): StatusError =>
  failure(504, "Timeout", `Timeout: ${message}`, retryAfterSeconds === 0 ? {} : { retryAfterSeconds });

/** A read at a resource version that this server has not reached in time. */
export function tooLargeResourceVersion(
  requested: number | bigint | string,
  current: number | bigint | string,
): StatusError {
  return failure(504, "Timeout", `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** A Success status, as deletes that end at once answer. */
export const success = (details?: StatusDetails): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  ...(details === undefined ? {} : { details }),
  code: 200,
});

/** The answer to a delete after which the object is gone. Upstream's generic store sets no code in it. */
export const deleted = (resource: GroupResource, name: string, uid: string): Omit<Status, "code"> => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: detailsOf(resource, name, nonEmpty("uid", uid)),
});

/** The Status of anything thrown: its own for a StatusError, otherwise 500 InternalError with the error's message. */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  return internalError(error instanceof Error ? error.message : String(error)).status;
}

/** True for a StatusError with this reason. */
export const hasReason = (error: unknown, reason: string): error is StatusError =>
  error instanceof StatusError && error.reason === reason;

function failureStatus(code: number, reason: string, message: string, details?: StatusDetails): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}

const failure = (code: number, reason: string, message: string, details?: StatusDetails): StatusError =>
  new StatusError(failureStatus(code, reason, message, details));

const detailsOf = (resource: GroupResource, name: string, more: StatusDetails = {}): StatusDetails => ({
  ...nonEmpty("name", name),
  ...nonEmpty("group", resource.group),
  ...nonEmpty("kind", resource.resource),
  ...more,
});

/** Go's omitempty. */
function nonEmpty<K extends string>(key: K, value: string): { readonly [P in K]?: string } {
  return value === "" ? {} : ({ [key]: value } as { readonly [P in K]?: string });
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function forbiddenText({ user, verb, resource, path = "" }: ForbiddenAttributes): string {
  const who = `User ${quote(user)} cannot ${verb}`;
  if (resource === undefined) return `${who} path ${quote(path)}`;
  const { subresource = "", namespace = "" } = resource;
  const what = subresource === "" ? resource.resource : `${resource.resource}/${subresource}`;
  const scope = namespace === "" ? "at the cluster scope" : `in the namespace ${quote(namespace)}`;
  return `${who} resource ${quote(what)} in API group ${quote(resource.group)} ${scope}`;
}
