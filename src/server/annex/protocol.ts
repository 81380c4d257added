/**
 * What this thread and the annex tell each other. Everything is plain data. Questions that the annex must have answered before it
 * goes on (reads of the store) come on a port of their own, on which it waits with its thread; all else is asynchronous.
 */
import type { MessagePort } from "node:worker_threads";
import type { UserInfo } from "#authn/user-info.ts";
import type { Attributes, Decision } from "#authz/authorizer.ts";
import type { ReadingTask } from "#registry/elsewhere.ts";
import type { JournalData } from "#registry/journal.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import type { ReadObject } from "#registry/stored-object.ts";
import type { NotesData, NotesWanted } from "#server/audit/notes.ts";
import type { ClusterTarget } from "#server/context.ts";
import type { EncodingTask } from "#server/endpoints/encoding-tasks.ts";
import type { ResponseHeaders } from "#server/exchange.ts";
import type { RequestInfo } from "#server/request-info.ts";
import type { IndexEntry, Key, KeyRange, Revision, TenantCount, Txn, TxnResult } from "#storage/port.ts";
import type { StoreErrorData } from "./store-errors.ts";
import type { TaskFailure } from "./task-failure.ts";

/** What the annex is built from. */
export interface AnnexData {
  readonly caPem: string;
  readonly externalUrl: string;
  readonly admissionPlugins: readonly string[];
  readonly serviceRanges: ServiceRanges;
  /** How the operator wrote down what webhooks may reach. */
  readonly egressText: string;
  /** Whether other servers share the store, so that its copy here may be behind. */
  readonly sharedStore: boolean;
  /** For the questions that are waited for. */
  readonly port: MessagePort;
  /** Of one Int32: counts their answers. */
  readonly answers: SharedArrayBuffer;
  /** Whether this process keeps compiled code on disk. */
  readonly compileCache: boolean;
}

/** A request that has passed all filters. */
export interface AnnexRequest {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly cluster: ClusterTarget;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly auditId: string;
  readonly startedAt: number;
  /** Of what was done in the first thread. */
  readonly journal: JournalData;
  /** What the audit log wants to know of it; absent where it remembers nothing. */
  readonly audit: NotesWanted | undefined;
}

export type ToAnnex =
  | { readonly type: "serve"; readonly id: number; readonly request: AnnexRequest }
  /** Nobody waits for the answer any more. */
  | { readonly type: "gone"; readonly id: number }
  | { readonly type: "do"; readonly id: number; readonly task: AnnexTask }
  | { readonly type: "settled"; readonly call: number; readonly outcome: Outcome };

export type FromAnnex =
  | {
      readonly type: "answered";
      readonly id: number;
      readonly status: number;
      readonly headers: ResponseHeaders;
      readonly body: Uint8Array | undefined;
      readonly audit: NotesData | undefined;
    }
  /** The connection is to be cut. */
  | { readonly type: "aborted"; readonly id: number; readonly audit: NotesData | undefined }
  | { readonly type: "done"; readonly id: number; readonly result: TaskResult }
  | { readonly type: "failed"; readonly id: number; readonly failure: TaskFailure }
  | { readonly type: "bug"; readonly id: number; readonly text: string }
  | { readonly type: "call"; readonly call: number; readonly question: LaterQuestion };

/** What is no request: the name of a kind of task, what it works with, and its result. */
export interface Tasks {
  encode: [input: EncodingTask, result: readonly Uint8Array[]];
  read: [input: ReadingTask, result: readonly ReadObject[]];
  /** An item of a controller. */
  process: [input: { readonly controller: string; readonly item: string }, result: undefined];
}

export type AnnexTask = {
  [N in keyof Tasks]: { readonly name: N; readonly input: Tasks[N][0] };
}[keyof Tasks];
export type TaskResult = Tasks[keyof Tasks][1];

/** A value, or an error of the store, or any other. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly storeError: StoreErrorData }
  | { readonly error: string };

/** The name of a question, its arguments, and its answer. */
export interface Questions {
  current: [args: [], answer: Revision];
  compacted: [args: [], answer: Revision];
  get: [args: [key: Key, at: Revision | undefined], answer: EntryData | undefined];
  revisionOf: [args: [key: Key], answer: Revision];
  page: [args: [range: KeyRange, at: Revision | undefined], answer: PageData];
  count: [args: [collection: string, tenant: string | undefined], answer: number];
  tenantCounts: [args: [tenant: string], answer: TenantCount[]];
  indexEntries: [
    args: [from: string, to: string, limit: number, after: IndexEntry | undefined],
    answer: IndexEntry[],
  ];
  authorize: [args: [attributes: Attributes], answer: Decision];
  egressAllows: [args: [address: string], answer: boolean];
}

/** Those that nobody waits for with a whole thread. */
export interface LaterQuestions {
  fresh: [args: [], answer: Revision];
  waitFor: [args: [revision: Revision, timeoutMs: number], answer: boolean];
  commit: [args: [txn: Txn], answer: TxnResult];
  authenticate: [args: [token: string], answer: UserInfo | undefined];
}

export type Question = {
  [N in keyof Questions]: { readonly name: N; readonly args: Questions[N][0] };
}[keyof Questions];
export type LaterQuestion = {
  [N in keyof LaterQuestions]: { readonly name: N; readonly args: LaterQuestions[N][0] };
}[keyof LaterQuestions];

export interface EntryData {
  readonly key: Key;
  readonly value: Uint8Array;
  readonly revision: Revision;
}

/** Part of a range, as of one revision. */
export interface PageData {
  readonly entries: readonly EntryData[];
  readonly at: Revision;
  /** Whether the range goes on behind the last entry. */
  readonly more: boolean;
}
