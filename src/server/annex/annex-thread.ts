/** The annex's thread: the endpoints once more, on the store of the other thread. */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#base/clock.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { Journal } from "#registry/journal.ts";
import type { AuditNotes } from "../audit/notes.ts";
import { composeApi } from "../compose-api.ts";
import { respondStatus } from "../endpoints/respond-status.ts";
import { translateStoreErrors } from "../endpoints/store-errors.ts";
import { makeControllers } from "../make-controllers.ts";
import { Request } from "../request.ts";
import { isBug, respondError } from "../respond-error.ts";
import { type AnnexAnswer, AnnexExchange } from "./annex-exchange.ts";
import type { AnnexData, AnnexRequest, AnnexTask, FromAnnex, TaskResult, ToAnnex } from "./protocol.ts";
import { Asker } from "./questions.ts";
import { RemoteStore } from "./remote-store.ts";
import { taskFailure } from "./task-failure.ts";

const data = workerData as AnnexData;
const port = parentPort!;
const post = (message: FromAnnex): void => port.postMessage(message);
const asker = new Asker(data.port, data.answers, post);
const api = composeApi({
  store: new RemoteStore(asker, data.sharedStore),
  clock: systemClock,
  randomBytes,
  caPem: data.caPem,
  externalUrl: () => data.externalUrl,
  authorizer: { authorize: (attributes) => asker.now("authorize", attributes) },
  authenticateToken: (token) => asker.later("authenticate", token),
  egress: { text: data.egressText, allows: (address) => asker.now("egressAllows", address) },
  admissionPlugins: data.admissionPlugins,
  serviceRanges: data.serviceRanges,
});
const { services, tasks } = api;
const endpoint = translateStoreErrors(api.endpoint);
const controllers = makeControllers(api, {
  caPem: data.caPem,
  externalUrl: () => data.externalUrl,
  serviceRanges: data.serviceRanges,
});
const serving = new Map<number, AnnexExchange>();

port.on("message", (message: ToAnnex) => {
  switch (message.type) {
    case "serve":
      void serve(message.id, message.request);
      break;
    case "gone":
      serving.get(message.id)?.markClosed();
      break;
    case "do":
      void doTask(message.id, message.task);
      break;
    case "settled":
      asker.settle(message.call, message.outcome);
      break;
  }
});

/** As the pipeline does behind its filters. */
async function serve(id: number, asked: AnnexRequest): Promise<void> {
  const exchange = new AnnexExchange(asked, (answer) => send(id, answer, exchange.audit));
  const request = new Request(exchange, asked.startedAt, Journal.of(asked.journal));
  request.cluster = asked.cluster;
  request.info = asked.info;
  request.user = asked.user;
  request.auditId = asked.auditId;
  serving.set(id, exchange);
  try {
    await endpoint(request);
  } catch (error) {
    if (isBug(error)) {
      post({ type: "bug", id, text: String((error as Error).stack ?? error) });
      if (exchange.audit !== undefined && !(error instanceof StatusError))
        exchange.audit.panic = String(error);
    }
    respondError(exchange, error, (to, status) => respondStatus(services, to, status.code, status));
  } finally {
    serving.delete(id);
    // Whoever stopped for a client that has gone answers nothing; it is waited for all the same.
    if (!exchange.responded) send(id, undefined, exchange.audit);
    exchange.markClosed();
  }
}

async function doTask(id: number, task: AnnexTask): Promise<void> {
  try {
    post({ type: "done", id, result: await resultOf(task) });
  } catch (error) {
    post({ type: "failed", id, failure: taskFailure(error) });
  }
}

async function resultOf(task: AnnexTask): Promise<TaskResult> {
  switch (task.name) {
    case "encode":
      // What is encoded may be a view of something larger, or shared.
      return (await tasks.encode(task.input)).map((piece) => new Uint8Array(piece));
    case "read":
      return (await tasks.read(task.input)).map(({ selected, shown }) => ({
        selected,
        shown: shown && new Uint8Array(shown),
      }));
    case "process": {
      const { controller, item } = task.input;
      await controllers.find(({ name }) => name === controller)!.process(item);
      return undefined;
    }
  }
}

function send(id: number, answer: AnnexAnswer | undefined, notes: AuditNotes | undefined): void {
  const audit = notes?.data();
  if (answer === undefined) post({ type: "aborted", id, audit });
  else post({ type: "answered", id, ...answer, audit });
}
