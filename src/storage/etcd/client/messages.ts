/**
 * The messages of etcd's v3 API that Myriad uses: the fields we send or look at, with etcd's names and numbers
 * (etcd `api/etcdserverpb/rpc.proto`, `api/mvccpb/kv.proto`). Fields left out are skipped when read. Nothing here is
 * newer than etcd 3.4.
 */
import protobuf from "protobufjs";

const definition = `
syntax = "proto3";
package etcdserverpb;

message ResponseHeader { uint64 cluster_id = 1; int64 revision = 3; }
message KeyValue { bytes key = 1; int64 mod_revision = 3; int64 version = 4; bytes value = 5; }
message Event { int32 type = 1; KeyValue kv = 2; }

message RangeRequest {
  bytes key = 1; bytes range_end = 2; int64 limit = 3; int64 revision = 4; bool keys_only = 8;
}
message RangeResponse { ResponseHeader header = 1; repeated KeyValue kvs = 2; bool more = 3; int64 count = 4; }
message PutRequest { bytes key = 1; bytes value = 2; }
message DeleteRangeRequest { bytes key = 1; }
message DeleteRangeResponse { int64 deleted = 2; }
message Empty {}

message RequestOp {
  oneof request {
    RangeRequest request_range = 1; PutRequest request_put = 2; DeleteRangeRequest request_delete_range = 3;
  }
}
message ResponseOp {
  oneof response {
    RangeResponse response_range = 1; Empty response_put = 2; DeleteRangeResponse response_delete_range = 3;
  }
}
message Compare {
  int32 result = 1; int32 target = 2; bytes key = 3;
  oneof target_union { int64 version = 4; int64 mod_revision = 6; bytes value = 7; }
}
message TxnRequest { repeated Compare compare = 1; repeated RequestOp success = 2; repeated RequestOp failure = 3; }
message TxnResponse { ResponseHeader header = 1; bool succeeded = 2; repeated ResponseOp responses = 3; }

message CompactionRequest { int64 revision = 1; bool physical = 2; }
message CompactionResponse { ResponseHeader header = 1; }

message WatchCreateRequest {
  bytes key = 1; bytes range_end = 2; int64 start_revision = 3; bool progress_notify = 4; bool fragment = 8;
}
message WatchRequest {
  oneof request_union { WatchCreateRequest create_request = 1; Empty progress_request = 3; }
}
message WatchResponse {
  ResponseHeader header = 1; bool created = 3; bool canceled = 4; int64 compact_revision = 5;
  string cancel_reason = 6; bool fragment = 7; repeated Event events = 11;
}

message StatusResponse {
  ResponseHeader header = 1; string version = 2; int64 db_size = 3; uint64 leader = 4; int64 db_size_in_use = 9;
}
`;

/** A 64 bit integer as decoded: exact, but not yet a JavaScript number. See {@link safeNumber} and {@link idText}. */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

export interface ResponseHeader {
  readonly clusterId: Int64;
  readonly revision: Int64;
}
export interface KeyValue {
  readonly key: Uint8Array;
  readonly modRevision: Int64;
  readonly version: Int64;
  readonly value: Uint8Array;
}
/** `type` 0 = put, 1 = delete. */
export interface Event {
  readonly type: number;
  readonly kv: KeyValue;
}
export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  readonly keysOnly?: boolean;
}
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: Int64;
}
export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}
export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: PutRequest }
  | { readonly requestDeleteRange: { readonly key: Uint8Array } };
export interface ResponseOp {
  readonly responseRange?: RangeResponse | null;
  readonly responseDeleteRange?: { readonly deleted: Int64 } | null;
}
/** `result` 0 = equal; `target` 0 = version, 2 = mod revision, 3 = value. */
export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly version?: number;
  readonly modRevision?: number;
  readonly value?: Uint8Array;
}
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}
export interface WatchCreateRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
}
export type WatchRequest =
  | { readonly createRequest: WatchCreateRequest }
  | { readonly progressRequest: Readonly<Record<string, never>> };
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: Int64;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly events: readonly Event[];
}
export interface StatusResponse {
  readonly header: ResponseHeader;
  readonly version: string;
  readonly dbSize: Int64;
  readonly leader: Int64;
  readonly dbSizeInUse: Int64;
}

/** One remote procedure: its path, and how its messages become bytes. */
export interface Method<Request, Response> {
  readonly path: string;
  encode(request: Request): Uint8Array;
  /** Throws when the bytes are not such a message. Byte fields may be views of `bytes`. */
  decode(bytes: Uint8Array): Response;
}

export interface Methods {
  readonly range: Method<RangeRequest, RangeResponse>;
  readonly txn: Method<TxnRequest, TxnResponse>;
  readonly compact: Method<
    { readonly revision: number; readonly physical?: boolean },
    { readonly header: ResponseHeader }
  >;
  readonly watch: Method<WatchRequest, WatchResponse>;
  readonly status: Method<Readonly<Record<string, never>>, StatusResponse>;
}

/** Parses the definition once; a client does this when it is made. */
export function etcdMethods(): Methods {
  const { root } = protobuf.parse(definition);
  // protobufjs describes messages by reflection, without static types: the interfaces above are the same facts for the
  // compiler, and messages.test.ts holds the two together.
  const method = <Request, Response>(service: string, name: string, request: string, response: string) => {
    const requestType = root.lookupType(`etcdserverpb.${request}`);
    const responseType = root.lookupType(`etcdserverpb.${response}`);
    return {
      path: `/etcdserverpb.${service}/${name}`,
      encode: (message: Request) => requestType.encode(message as Record<string, unknown>).finish(),
      decode: (bytes: Uint8Array) => responseType.decode(bytes) as unknown as Response,
    };
  };
  return {
    range: method("KV", "Range", "RangeRequest", "RangeResponse"),
    txn: method("KV", "Txn", "TxnRequest", "TxnResponse"),
    compact: method("KV", "Compact", "CompactionRequest", "CompactionResponse"),
    watch: method("Watch", "Watch", "WatchRequest", "WatchResponse"),
    status: method("Maintenance", "Status", "Empty", "StatusResponse"),
  };
}

/** The integer as a number. Throws RangeError below 0 and beyond 2^53: better no answer than a rounded revision. */
export function safeNumber(value: Int64): number {
  const number = typeof value === "number" ? value : value.high * 0x1_0000_0000 + (value.low >>> 0);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new RangeError(`etcd sent the integer ${idText(value)}, which is not between 0 and 2^53`);
  return number;
}

/** An identifier of 64 bits, in etcdctl's hexadecimal. */
export function idText(value: Int64): string {
  if (typeof value === "number") return value.toString(16);
  return ((BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0)).toString(16);
}
