import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStartOptions } from "./options.ts";
import { runStart, type Serve } from "./start.ts";
import { memoryTerminal } from "./testing/memory-terminal.ts";

const options = parseStartOptions({}, "/nowhere");

function fakeServer() {
  const failed = Promise.withResolvers<Error>();
  let closed = 0;
  const serve: Serve = () =>
    Promise.resolve({
      url: "https://127.0.0.1:6443",
      failed: failed.promise,
      close: () => {
        closed++;
        return Promise.resolve();
      },
    });
  return { serve, fail: failed.resolve, closed: () => closed };
}

test("SIGTERM closes the server and answers 0; the ready text says how to reach it", async () => {
  const terminal = memoryTerminal();
  const server = fakeServer();
  const ended = runStart(options, terminal, server.serve);
  await new Promise(setImmediate);
  assert.match(terminal.printed(), /ready at https:\/\/127\.0\.0\.1:6443/);
  assert.match(terminal.printed(), /export KUBECONFIG=\.myriad\/admin\.kubeconfig\n/);
  process.emit("SIGTERM");
  assert.equal(await ended, 0);
  assert.equal(server.closed(), 1);
  assert.equal(process.listenerCount("SIGTERM"), 0);
});

test("a server that has to give up is closed, and the code is 1", async () => {
  const terminal = memoryTerminal();
  const server = fakeServer();
  const ended = runStart(options, terminal, server.serve);
  server.fail(new Error("the disk is full"));
  assert.equal(await ended, 1);
  assert.equal(server.closed(), 1);
  assert.match(terminal.errors(), /^error: the disk is full\n/);
});

test("a server that cannot start leaves no signal handlers", async () => {
  const serve: Serve = () => Promise.reject(new Error("port taken"));
  await assert.rejects(runStart(options, memoryTerminal(), serve), /port taken/);
  assert.equal(process.listenerCount("SIGTERM"), 0);
});
