import assert from "node:assert/strict";
import type { Answer, LiveServer } from "./live-server.ts";

/** What kube-apiserver itself answers with 500, although the request is at fault. */
export const upstreams500 =
  /^failed to (create (typed|manager for existing)|convert new object to proper version)/;

/** What every answer must be, good or bad. */
export function checkAnswer(server: LiveServer, answer: Answer, what: string): void {
  assert.deepEqual(server.bugs, [], what);
  assert.ok(answer.status >= 200 && answer.status < 500, `${what}: ${answer.status} ${answer.text}`);
  if (answer.status < 400) return;
  if (answer.bytes.length === 0) return; // HEAD
  const type = String(answer.headers["content-type"]);
  if (type.startsWith("text/plain")) return;
  if (type !== "application/json") {
    assert.equal(type, "application/vnd.kubernetes.protobuf");
    assert.equal(answer.bytes.toString("latin1", 0, 4), "k8s\0");
    return;
  }
  const { kind, code, metadata, status, message } = answer.json;
  assert.deepEqual([kind, code, metadata, status], ["Status", answer.status, {}, "Failure"], what);
  assert.ok(typeof message === "string" && message !== "", what);
}
