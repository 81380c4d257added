/** One line of the log: `audit.k8s.io/v1` Event (k8s.io/apiserver pkg/apis/audit/v1/types.go), or the older text form. */
import type { UserInfo } from "#authn/user-info.ts";
import { quote } from "#base/quote.ts";
import { setOwn } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { AnsweredStatus, JsonText } from "./notes.ts";
import type { AuditLevel, AuditStage } from "./policy.ts";

export interface AuditEvent {
  readonly level: AuditLevel;
  readonly auditId: string;
  readonly stage: AuditStage;
  readonly requestUri: string;
  readonly verb: string;
  /** Undefined where nobody could be authenticated. */
  readonly user: UserInfo | undefined;
  readonly sourceIps: readonly string[];
  readonly userAgent: string;
  readonly object: ObjectReference | undefined;
  /** Undefined until there is an answer. */
  readonly response: (AnsweredStatus & { readonly code: number }) | undefined;
  readonly requestObject: JsonText | undefined;
  readonly responseObject: JsonText | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly stageAt: number;
  readonly annotations: ReadonlyMap<string, string>;
}

/** Empty where there is none. */
export interface ObjectReference {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resourceVersion: string;
  readonly subresource: string;
}

/** An annotation that says that objects were left out (plugin/pkg/audit/truncate). */
const truncatedAnnotation = "audit.k8s.io/truncated";

/** JSON and a line break. */
export function eventLine(event: AuditEvent): Buffer {
  const { requestObject, responseObject, object, response, annotations } = event;
  const head = writeJson({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: event.level,
    auditID: event.auditId,
    stage: event.stage,
    requestURI: event.requestUri,
    verb: event.verb,
    user: userOf(event.user),
    ...(event.sourceIps.length > 0 && { sourceIPs: [...event.sourceIps] }),
    ...(event.userAgent !== "" && { userAgent: event.userAgent }),
    ...(object !== undefined && { objectRef: filled({ ...object }) }),
    ...(response !== undefined && {
      responseStatus: { metadata: {}, ...(response as { code: number }) },
    }),
  });
  const shown = {};
  for (const key of [...annotations.keys()].sort()) setOwn(shown, key, annotations.get(key)!);
  const tail = writeJson({
    requestReceivedTimestamp: microTime(event.receivedAt),
    stageTimestamp: microTime(event.stageAt),
    ...(annotations.size > 0 && { annotations: shown }),
  });
  const parts: Uint8Array[] = [Buffer.from(head.slice(0, -1), "utf8")];
  if (requestObject !== undefined) parts.push(Buffer.from(',"requestObject":'), bytesOf(requestObject));
  if (responseObject !== undefined) parts.push(Buffer.from(',"responseObject":'), bytesOf(responseObject));
  parts.push(Buffer.from(`,${tail.slice(1)}\n`, "utf8"));
  return Buffer.concat(parts);
}

/** The event without its objects, saying so. */
export const withoutObjects = (event: AuditEvent): AuditEvent => ({
  ...event,
  requestObject: undefined,
  responseObject: undefined,
  annotations: new Map([...event.annotations, [truncatedAnnotation, "true"]]),
});

const bytesOf = (text: JsonText): Uint8Array => (typeof text === "string" ? Buffer.from(text, "utf8") : text);

const filled = (members: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ""));

function userOf(user: UserInfo | undefined) {
  if (user === undefined) return {};
  const extra = {};
  for (const [key, values] of Object.entries(user.extra)) setOwn(extra, key, [...values]);
  return {
    username: user.name,
    ...(user.uid !== "" && { uid: user.uid }),
    ...(user.groups.length > 0 && { groups: [...user.groups] }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** meta/v1 MicroTime: RFC 3339 with six digits. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

/** The format `legacy`, one line without objects (k8s.io/apiserver pkg/audit/format.go EventString). */
export function legacyLine(event: AuditEvent): string {
  const { user, object, response, sourceIps } = event;
  const groups = user === undefined || user.groups.length === 0 ? "<none>" : user.groups.map(quote).join(",");
  const fields = [
    ["id", event.auditId],
    ["stage", event.stage],
    ["ip", sourceIps[0] ?? "<unknown>"],
    ["method", event.verb],
    ["user", user?.name ?? "<none>"],
    ["groups", groups],
    ["as", "<self>"],
    ["asgroups", "<lookup>"],
    ["user-agent", event.userAgent],
    ["namespace", object === undefined || object.namespace === "" ? "<none>" : object.namespace],
    ["uri", event.requestUri],
    ["response", response === undefined ? "<deferred>" : String(response.code)],
  ].map(([name, value]) => `${name}=${quote(value!)}`);
  return `${legacyTime(event.receivedAt)} AUDIT: ${fields.join(" ")}\n`;
}

/** RFC3339Nano: without zeros at the end. */
const legacyTime = (ms: number): string => new Date(ms).toISOString().replace(/\.?0+Z$/, "Z");
