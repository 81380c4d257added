/** Errors that go on the wire as `Status` (meta/v1). Constructors per reason are in `errors.ts` beside this file. */

export interface StatusCause {
  /** Cause type, e.g. `FieldValueInvalid`; its JSON key is `reason`. */
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: { readonly continue?: string; readonly resourceVersion?: string };
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** The only error type that endpoints answer with as it is; everything else becomes 500 InternalError. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;
  constructor(status: Status) {
    super(status.message ?? status.reason ?? String(status.code));
    this.status = status;
  }
  get code(): number {
    return this.status.code;
  }
  get reason(): string {
    return this.status.reason ?? "";
  }
}

/** A 500 whose cause is not this server but what a workspace asked it to do (a webhook that fails): no bug of ours. */
export class ForeignError extends StatusError {}
