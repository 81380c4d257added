import type { Status } from "#machinery/errors/status-error.ts";
import { omitMember } from "#machinery/json/omit.ts";
import { each, type SkimPath } from "#machinery/json/skim.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { qualifiedNameErrors } from "#machinery/names/labels.ts";
import type { AuditLevel } from "./policy.ts";

/** JSON text without line breaks. */
export type JsonText = string | Uint8Array;

/** What of a request is wanted. */
export interface NotesWanted {
  readonly level: AuditLevel;
  readonly omitManagedFields: boolean;
}

/** What is answered: a Status, or the part of it that there is. */
export type AnsweredStatus = Partial<Pick<Status, "status" | "message" | "reason" | "details">>;

/** What a body says of its object, for where the URL does not. */
export interface ObjectIds {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Plain data: it may come from another thread. */
export interface NotesData {
  readonly annotations: readonly (readonly [string, string])[];
  readonly ids: ObjectIds | undefined;
  readonly requestObject: JsonText | undefined;
  readonly status: AnsweredStatus | undefined;
  readonly responseObject: JsonText | undefined;
  readonly code: number;
  readonly panic: string | undefined;
  readonly truncated: boolean;
}

/** Annotations that one request may have, and their characters in all; more are left out. */
const maxAnnotations = 256;
const maxAnnotationCharacters = 1024 * 1024;
/** Bytes of an object that is kept; a larger one (a list) is left out, and an annotation says so. */
export const maxObjectBytes = 16 * 1024 * 1024;

const tableStart = Buffer.from('{"kind":"Table","apiVersion":"meta.k8s.io/');

/**
 * What filters and endpoints have to say of one request for the audit log. It costs nothing to tell too much: what the level
 * does not want is not even encoded.
 */
export class AuditNotes {
  readonly wanted: NotesWanted;
  readonly keepsRequest: boolean;
  readonly keepsResponse: boolean;
  readonly #annotations = new Map<string, string>();
  #characters = 0;
  #ids: ObjectIds | undefined;
  #requestObject: JsonText | undefined;
  #status: AnsweredStatus | undefined;
  #responseObject: JsonText | undefined;
  #truncated = false;
  readonly #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** The HTTP status that would have been answered, had the client stayed; 0 = none. */
  code = 0;
  /** A bug that ended the request. */
  panic: string | undefined;

  constructor(wanted: NotesWanted) {
    this.wanted = { level: wanted.level, omitManagedFields: wanted.omitManagedFields };
    this.keepsResponse = wanted.level === "RequestResponse";
    this.keepsRequest = this.keepsResponse || wanted.level === "Request";
  }

  /** The first value of a key stays. Keys must be qualified names with a prefix, as upstream's admission demands. */
  annotate(key: string, value: string, level: "Metadata" | "Request" = "Metadata"): void {
    if (level === "Request" && !this.keepsRequest) return;
    if (this.#annotations.has(key) || this.#annotations.size >= maxAnnotations) return;
    if (!key.includes("/") || qualifiedNameErrors(key).length > 0) return;
    this.#characters += key.length + value.length;
    if (this.#characters <= maxAnnotationCharacters) this.#annotations.set(key, value);
  }

  /** The body as it was decoded; encoded at once, because it will be changed. */
  request(object: object): void {
    const { metadata } = object as { metadata?: JsonObject };
    if (metadata !== undefined) {
      const text = (name: string): string => (typeof metadata[name] === "string" ? metadata[name] : "");
      this.#ids = {
        name: text("name"),
        namespace: text("namespace"),
        uid: text("uid"),
        resourceVersion: text("resourceVersion"),
      };
    }
    if (!this.keepsRequest) return;
    let shown = object as JsonObject;
    if (this.wanted.omitManagedFields && metadata?.managedFields !== undefined) {
      const { managedFields: _omitted, ...rest } = metadata;
      shown = { ...shown, metadata: rest };
    }
    this.#requestObject = writeJson(shown);
  }

  /** A patch as it was sent. */
  requestPatch(patch: JsonValue): void {
    if (this.keepsRequest) this.#requestObject = writeJson(patch);
  }

  /** The answer is a Status. */
  answers(status: AnsweredStatus): void {
    const { status: outcome, message, reason, details } = status;
    this.#status = {
      ...(outcome !== undefined && { status: outcome }),
      ...(message !== undefined && { message }),
      ...(reason !== undefined && { reason }),
      ...(details !== undefined && { details }),
    };
    if (this.keepsResponse) this.#responseObject = JSON.stringify(status);
  }

  /** The answer is an object; `json` is asked for only when it is wanted, and answers compact JSON. */
  responds(json: () => Buffer, form: "object" | "list" = "object"): void {
    if (this.keepsResponse) this.#keepResponse(json(), form);
  }

  /** A piece of a list that is sent as it is made. */
  respondsPiece(piece: Buffer, last = false): void {
    if (!this.keepsResponse) return;
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes > maxObjectBytes) this.#truncate();
    else if (last) this.#keepResponse(Buffer.concat([...this.#pieces.splice(0), piece]), "list");
    else this.#pieces.push(piece);
  }

  #truncate(): void {
    this.#truncated = true;
    this.#pieces.length = 0;
    this.#responseObject = undefined;
  }

  #keepResponse(json: Buffer, form: "object" | "list"): void {
    let text = json.at(-1) === 0x0a ? json.subarray(0, -1) : json;
    if (text.length > maxObjectBytes) {
      this.#truncate();
      return;
    }
    if (this.wanted.omitManagedFields) {
      const isTable = text.subarray(0, tableStart.length).equals(tableStart);
      const before: SkimPath = isTable ? ["rows", each, "object"] : form === "list" ? ["items", each] : [];
      text = omitMember(text, [...before, "metadata", "managedFields"]);
    }
    this.#responseObject = text;
  }

  data(): NotesData {
    return {
      annotations: [...this.#annotations],
      ids: this.#ids,
      requestObject: this.#requestObject,
      status: this.#status,
      responseObject: this.#responseObject,
      code: this.code,
      panic: this.panic,
      truncated: this.#truncated,
    };
  }

  /** What was said where the request was served anew. */
  take(data: NotesData): void {
    for (const [key, value] of data.annotations) this.annotate(key, value);
    this.#ids = data.ids;
    this.#requestObject = data.requestObject;
    this.#status = data.status;
    this.#responseObject = data.responseObject;
    this.code = data.code;
    this.panic = data.panic;
    this.#truncated = data.truncated;
  }
}
