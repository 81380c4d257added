/** gRPC status codes that etcd answers with (https://grpc.io/docs/guides/status-codes/). */
export const grpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** A call to etcd that did not succeed: etcd's own answer, or what the transport says. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  /** One of {@link grpcCode}. */
  readonly code: number;
  /**
   * False when etcd certainly did nothing: the request never left, or etcd refused it before looking at it.
   * True when the request may have happened although the answer is missing.
   */
  readonly mayHaveHappened: boolean;
  constructor(code: number, message: string, mayHaveHappened: boolean, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.mayHaveHappened = mayHaveHappened;
  }
}

/**
 * What a status sent by etcd says about a write. Errors of checking (size, operations, rights, quota) come before the
 * proposal; time-outs, lost leaders and stopping servers come after it, so the write may still be applied
 * (etcd `server/etcdserver/v3_server.go`, `processInternalRaftRequestOnce`).
 */
export function answered(code: number, message: string): EtcdError {
  const undecided =
    code === grpcCode.unavailable ||
    code === grpcCode.deadlineExceeded ||
    code === grpcCode.cancelled ||
    code === grpcCode.unknown ||
    code === grpcCode.internal ||
    code === grpcCode.dataLoss;
  return new EtcdError(code, message, undecided);
}

/** True for errors that another attempt, perhaps at another member, may not meet: the transport, time-outs, elections. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof EtcdError)) return false;
  if (error.code === grpcCode.unavailable || error.code === grpcCode.deadlineExceeded) return true;
  return error.code === grpcCode.resourceExhausted && error.message.includes("too many requests");
}

/** True when the history asked for is gone (etcd `ErrGRPCCompacted`). */
export function isCompacted(error: unknown): boolean {
  return (
    error instanceof EtcdError && error.code === grpcCode.outOfRange && error.message.includes("compacted")
  );
}
