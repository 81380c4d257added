import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Metrics } from "../metrics.ts";
import { auditCounters } from "./counters.ts";
import { AuditLog, type AuditMode, type AuditSink } from "./log.ts";
import { type LogFileOptions, openLogFile } from "./log-file.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "myriad-audit-"));
});
after(() => rm(folder, { recursive: true }));

/** A sink whose writes end when the test says so. */
function heldSink() {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  let failing: Error | undefined;
  const sink: AuditSink = {
    async write(lines) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (failing === undefined) written.push(...lines.map(String));
      return lines.map(() => failing);
    },
    close: () => Promise.resolve(),
  };
  return {
    sink,
    written,
    release: async () => {
      while (waiting.length === 0) await new Promise(setImmediate);
      waiting.shift()?.();
      await new Promise(setImmediate);
    },
    fail: (error: Error) => {
      failing = error;
    },
  };
}

function logOn(sink: AuditSink, mode: AuditMode, bufferSize = 10) {
  const metrics = new Metrics();
  const reports: string[] = [];
  const log = new AuditLog({
    sink,
    mode,
    bufferSize,
    counters: auditCounters(metrics),
    report: (message) => void reports.push(message),
  });
  return { log, reports, metrics };
}

test("in mode batch nobody waits, and what does not fit into the buffer is lost and counted", async () => {
  const { sink, written, release } = heldSink();
  const { log, reports, metrics } = logOn(sink, "batch", 2);
  for (const line of ["a", "b", "c", "d"]) assert.equal(log.push(Buffer.from(line)), undefined);
  await release();
  await log.close();
  assert.deepEqual(written, ["a", "b"]);
  assert.match(metrics.render(), /apiserver_audit_error_total\{plugin="buffered"\} 2\n/);
  assert.deepEqual(reports, ["Error in audit plugin 'buffered': audit buffer queue blocked"]);
});

test("in mode blocking the line is written when the promise resolves", async () => {
  const { sink, written, release } = heldSink();
  const { log } = logOn(sink, "blocking");
  const first = log.push(Buffer.from("a"));
  const second = log.push(Buffer.from("b"));
  await release();
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
  assert.deepEqual(written, ["a", "b"]);
});

test("a sink that fails harms nobody: lines are counted as lost, the operator hears of it once", async () => {
  const { sink, release, fail } = heldSink();
  const { log, reports, metrics } = logOn(sink, "blocking");
  fail(new Error("no space left on device"));
  for (let i = 0; i < 3; i++) {
    const written = log.push(Buffer.from("a"));
    await release();
    assert.equal(await written, false);
  }
  assert.match(metrics.render(), /apiserver_audit_error_total\{plugin="log"\} 3\n/);
  assert.deepEqual(reports, ["Error in audit plugin 'log': no space left on device"]);
});

test("while much waits to be written, new requests wait in the blocking modes only", async () => {
  const { sink, release } = heldSink();
  const { log } = logOn(sink, "blocking");
  assert.equal(log.whenReady(), undefined);
  const written = log.push(Buffer.alloc(17 * 1024 * 1024));
  const ready = log.whenReady();
  assert.ok(ready !== undefined);
  await release();
  await ready;
  assert.equal(await written, true);
  assert.equal(log.whenReady(), undefined);
  const batch = logOn(heldSink().sink, "batch");
  batch.log.push(Buffer.alloc(17 * 1024 * 1024));
  assert.equal(batch.log.whenReady(), undefined);
});

const started = Date.parse("2026-11-04T18:30:00.000Z");

async function fileSink(name: string, more: Partial<LogFileOptions> = {}) {
  const path = join(folder, name, "audit.log");
  const clock = { now: started };
  const sink = await openLogFile({
    path,
    maxBytes: 10,
    maxBackups: 0,
    maxAgeDays: 0,
    compress: false,
    now: () => clock.now,
    report: (message) => assert.fail(message),
    ...more,
  });
  const write = async (...lines: string[]) =>
    (await sink.write(lines.map((line) => Buffer.from(line)))).map((error) => error?.message);
  const files = async () => (await readdir(join(folder, name))).sort();
  return { sink, write, files, path, clock };
}

test("the file is rotated by its size, and named by the time", async () => {
  const { sink, write, files, path, clock } = await fileSink("rotated");
  assert.deepEqual(await write("12345\n", "1234\n", "x\n"), [undefined, undefined, undefined]);
  clock.now += 1_500;
  await write("123456789\n");
  await sink.close();
  assert.deepEqual(await files(), [
    "audit-2026-11-04T18-30-00.000.log",
    "audit-2026-11-04T18-30-01.500.log",
    "audit.log",
  ]);
  assert.equal(
    await readFile(join(folder, "rotated", "audit-2026-11-04T18-30-00.000.log"), "utf8"),
    "12345\n",
  );
  assert.equal(await readFile(path, "utf8"), "123456789\n");
});

test("two rotations in one millisecond lose nothing; a line that no file can hold is refused", async () => {
  const { sink, write, files } = await fileSink("quick");
  assert.deepEqual(await write("1234567\n", "2234567\n", "longer than ten\n", "3234567\n"), [
    undefined,
    undefined,
    "write length 16 exceeds maximum file size 10",
    undefined,
  ]);
  await sink.close();
  assert.deepEqual(await files(), [
    "audit-2026-11-04T18-30-00.000.log",
    "audit-2026-11-04T18-30-00.001.log",
    "audit.log",
  ]);
});

test("old files go when there are too many, or when they are too old; others are left alone", async () => {
  const { sink, write, files, clock } = await fileSink("old", { maxBackups: 2, maxAgeDays: 1 });
  await writeFile(join(folder, "old", "audit-other.log"), "");
  for (let i = 0; i < 5; i++) {
    clock.now += 60_000;
    await write("1234567\n");
  }
  await sink.close();
  assert.deepEqual(await files(), [
    "audit-2026-11-04T18-34-00.000.log",
    "audit-2026-11-04T18-35-00.000.log",
    "audit-other.log",
    "audit.log",
  ]);
  const later = await fileSink("old", { maxAgeDays: 1, now: () => started + 2 * 86_400_000 });
  await later.sink.close();
  assert.deepEqual(await files(), ["audit-other.log", "audit.log"]);
});

test("old files are compressed, and a log that was there is gone on with", async () => {
  const first = await fileSink("again", { compress: true });
  await first.write("1\n");
  await first.sink.close();
  const second = await fileSink("again", { compress: true });
  await second.write("2\n", "1234567\n");
  await second.sink.close();
  assert.deepEqual(await second.files(), ["audit-2026-11-04T18-30-00.000.log.gz", "audit.log"]);
  const old = await readFile(join(folder, "again", "audit-2026-11-04T18-30-00.000.log.gz"));
  assert.equal(String(gunzipSync(old)), "1\n2\n");
});

test("without a size the file is never rotated", async () => {
  const { sink, write, files } = await fileSink("endless", { maxBytes: 0 });
  await write("longer than ten\n", "longer than ten\n");
  await sink.close();
  assert.deepEqual(await files(), ["audit.log"]);
});
