import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Endpoint, RequestContext } from "./context.ts";
import { MAX_BODY_BYTES } from "./exchange.ts";
import {
  ask,
  askHttp1,
  startTestServer,
  strangerCertificate,
  type TestServer,
} from "./testing/tls-server.ts";

const text = { "content-type": "text/plain" };
const json = (body: Uint8Array | string) => JSON.parse(body.toString());
const base = "/clusters/root/api/v1/namespaces/default/configmaps";

/** Tells what arrived; some paths do more. */
const endpoint: Endpoint = async (context: RequestContext) => {
  const { exchange, user, info, cluster } = context;
  if (info.name === "echo") {
    const body = await exchange.readBody(MAX_BODY_BYTES);
    return exchange.respond(200, text, body);
  }
  if (info.name === "boom") throw new Error("kaboom");
  if (info.name === "hang") return new Promise(() => {});
  if (info.name === "big") return exchange.respond(200, text, Buffer.alloc(200_000, 97));
  if (info.name === "warn") for (const w of ["first", 'sec"ond', "first"]) context.warn(w);
  exchange.respond(
    200,
    { "content-type": "application/json" },
    JSON.stringify({ user: user.name, groups: user.groups, verb: info.verb, name: info.name, cluster }),
  );
};

describe("a server over TLS", () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(endpoint);
  });
  after(() => server.close());

  it("knows an admin by certificate, over HTTP/2 and HTTP/1.1", async () => {
    const session = server.h2();
    const answer = await ask(session, `${base}/x`);
    assert.equal(answer.status, 200);
    assert.deepEqual(json(answer.body), {
      user: "kcp-admin",
      groups: ["system:masters", "system:authenticated"],
      verb: "get",
      name: "x",
      cluster: { kind: "one", name: "root", path: "root" },
    });
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-cache, private");
    assert.match(String(answer.headers["audit-id"]), /^[0-9a-f-]{36}$/);
    assert.ok(answer.headers.date);
    assert.equal(Number(answer.headers["content-length"]), answer.body.length);
    session.close();

    const old = await askHttp1(server, "/clusters/root:org/api/v1/pods", { ...server.pki.shardAdmin });
    assert.equal(old.status, 200);
    assert.equal(json(old.body).user, "shard-admin");
    assert.equal(json(old.body).cluster.name, "org1");
  });

  it("knows users by token and echoes the audit id", async () => {
    const headers = { authorization: "Bearer admin-token", "audit-id": "abc-1" };
    const answer = await askHttp1(server, `${base}/x`, { headers });
    assert.equal(json(answer.body).user, "admin");
    assert.equal(answer.headers["audit-id"], "abc-1");
    const alice = await askHttp1(server, base, { headers: { authorization: "bearer alice-token" } });
    assert.equal(alice.status, 403);
    assert.equal(
      json(alice.body).message,
      'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    assert.equal(alice.headers["x-content-type-options"], "nosniff");
  });

  it("refuses wrong tokens and strange certificates with 401", async () => {
    const wrong = await askHttp1(server, "/version", { headers: { authorization: "Bearer nobody" } });
    assert.equal(wrong.status, 401);
    assert.deepEqual(json(wrong.body), {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
    const stranger = await askHttp1(server, `${base}/x`, strangerCertificate());
    assert.equal(stranger.status, 401);
    const both = { ...strangerCertificate(), headers: { authorization: "Bearer admin-token" } };
    assert.equal((await askHttp1(server, `${base}/x`, both)).status, 200);
  });

  it("refuses a certificate for another use, although the authority is ours", async () => {
    assert.equal((await askHttp1(server, `${base}/x`, server.pki.serving)).status, 401);
  });

  it("lets anonymous users see health and version only, and one request a connection over HTTP/2", async () => {
    assert.equal((await askHttp1(server, "/version")).status, 200);
    const denied = await askHttp1(server, "/metrics");
    assert.equal(denied.status, 403);
    assert.equal(json(denied.body).message, 'forbidden: User "system:anonymous" cannot get path "/metrics"');
    const session = server.h2({});
    const closed = new Promise((resolve) => session.once("close", resolve));
    assert.equal((await ask(session, "/livez")).status, 200);
    await closed;
  });

  it("does not tell ordinary users whether a workspace exists", async () => {
    for (const path of ["nope", "late", "root"]) {
      const headers = { authorization: "Bearer alice-token" };
      for (const rest of ["/api/v1/pods", "/version", "/healthz"]) {
        const answer = await askHttp1(server, `/clusters/${path}${rest}`, { headers });
        assert.equal(answer.status, 403, `${path}${rest}`);
        assert.equal(answer.body.toString().includes("not found"), false);
      }
    }
    const admin = await askHttp1(server, "/clusters/nope/api/v1/pods", server.pki.admin);
    assert.equal(admin.status, 404);
    assert.equal(json(admin.body).message, 'workspaces.tenancy.kcp.io "nope" not found');
  });

  it("allows only list and watch across workspaces", async () => {
    const list = await askHttp1(server, "/clusters/*/api/v1/configmaps", server.pki.admin);
    assert.deepEqual(json(list.body).cluster, { kind: "wildcard" });
    assert.equal((await askHttp1(server, "/clusters/%2A/api/v1/configmaps", server.pki.admin)).status, 200);
    const get = await askHttp1(server, "/clusters/*/api/v1/namespaces/a", server.pki.admin);
    assert.equal(get.status, 405);
  });

  it("refuses impersonation, process paths in workspaces, and APIs outside of workspaces", async () => {
    for (const header of ["impersonate-user", "impersonate-group", "impersonate-extra-a"]) {
      const answer = await askHttp1(server, base, { ...server.pki.admin, headers: { [header]: "x" } });
      assert.equal(answer.status, 400);
    }
    assert.equal((await askHttp1(server, "/clusters/root/metrics", server.pki.admin)).status, 501);
    assert.equal((await askHttp1(server, "/api/v1/pods", server.pki.admin)).status, 404);
  });

  it("reads bodies up to the limit", async () => {
    const session = server.h2();
    const exact = Buffer.alloc(MAX_BODY_BYTES, 98);
    const headers = { ":method": "PUT", "accept-encoding": "identity" };
    assert.equal((await ask(session, `${base}/echo`, headers, exact)).body.length, MAX_BODY_BYTES);
    const over = await ask(session, `${base}/echo`, headers, Buffer.alloc(MAX_BODY_BYTES + 1));
    assert.equal(over.status, 413);
    assert.equal(json(over.body).message, "Request entity too large: limit is 3145728");
    assert.equal((await ask(session, `${base}/x`)).status, 200);
    session.close();
    const old = await askHttp1(server, `${base}/echo`, { ...server.pki.admin, method: "PUT", body: exact });
    assert.equal(old.body.length, MAX_BODY_BYTES);
    const chunked = { "transfer-encoding": "chunked" };
    const body = Buffer.from("hello");
    const echo = await askHttp1(server, `${base}/echo`, {
      ...server.pki.admin,
      method: "POST",
      headers: chunked,
      body,
    });
    assert.equal(echo.body.toString(), "hello");
  });

  it("answers large uploads that nobody reads", async () => {
    const session = server.h2();
    const answer = await ask(session, `${base}/x`, { ":method": "PUT" }, Buffer.alloc(MAX_BODY_BYTES));
    assert.equal(answer.status, 200);
    session.close();
  });

  it("leaves the body out for HEAD and compresses large ones", async () => {
    const head = await askHttp1(server, `${base}/big`, { ...server.pki.admin, method: "HEAD" });
    assert.equal(head.body.length, 0);
    assert.equal(head.headers["content-length"], "200000");
    const session = server.h2();
    const packed = await ask(session, `${base}/big`, { "accept-encoding": "gzip" });
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.equal(packed.headers.vary, "Accept-Encoding");
    assert.equal(gunzipSync(packed.body).length, 200_000);
    session.close();
  });

  it("sends warnings once each", async () => {
    const session = server.h2();
    const answer = await ask(session, `${base}/warn`);
    assert.equal(answer.headers.warning, '299 - "first", 299 - "sec\\"ond"');
    session.close();
  });

  it("survives bugs of endpoints", async () => {
    const answer = await askHttp1(server, `${base}/boom`, server.pki.admin);
    assert.equal(answer.status, 500);
    assert.equal(json(answer.body).reason, "InternalError");
    assert.equal(server.bugs.length, 1);
    server.bugs.length = 0;
  });

  it("answers 504 when the time given by the client is over, 400 when it is no duration", async () => {
    const late = await askHttp1(server, `${base}/hang?timeout=20ms`, server.pki.admin);
    assert.equal(late.status, 504);
    assert.equal(json(late.body).reason, "Timeout");
    assert.equal((await askHttp1(server, `${base}/x?timeout=soon`, server.pki.admin)).status, 400);
  });
});

describe("limits and the end of a server", () => {
  it("answers 429 as text when too much is in flight", async () => {
    const server = await startTestServer(endpoint, { maxInFlight: 1, maxQueued: 1 });
    const session = server.h2();
    void ask(session, `${base}/hang`).catch(() => {});
    void ask(session, `${base}/hang`).catch(() => {});
    const answer = await ask(session, `${base}/x`);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers["retry-after"], "1");
    assert.equal(answer.body.toString(), "Too many requests, please try again later.\n");
    session.destroy();
    await server.close(10);
  });

  it("shows how much a slow reader has not taken, and cuts it off", async () => {
    const seen: number[] = [];
    let closed: () => void = () => {};
    const done = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = await startTestServer((context) => {
      const stream = context.exchange.startStream(200, { "content-type": "application/json" });
      context.onClose(closed);
      const write = (): void => {
        if (context.closed) return;
        for (let i = 0; i < 10; i++) stream.write(Buffer.alloc(50_000, 120));
        seen.push(stream.queuedBytes);
        if (stream.queuedBytes > 2_000_000) stream.abort();
        else setImmediate(write);
      };
      write();
    });
    const session = server.h2();
    const stream = session.request({ ":path": `${base}?watch=true` });
    const reset = new Promise<Error>((resolve) => stream.once("error", resolve));
    stream.once("response", () => stream.pause());
    await done;
    stream.resume();
    await reset;
    assert.ok(seen.at(-1)! > 2_000_000);
    session.destroy();
    await server.close(10);
  });

  it("streams over HTTP/1.1 chunked and HTTP/2", async () => {
    const server = await startTestServer(({ exchange }) => {
      const stream = exchange.startStream(200, { "content-type": "application/json" });
      stream.write("one\n");
      stream.onDrain(() => {
        stream.write(Buffer.from("two\n"));
        stream.end();
      });
    });
    const old = await askHttp1(server, `${base}?watch=1`, server.pki.admin);
    assert.equal(old.body.toString(), "one\ntwo\n");
    assert.equal(old.headers["transfer-encoding"], "chunked");
    const session = server.h2();
    assert.equal((await ask(session, `${base}?watch=1`)).body.toString(), "one\ntwo\n");
    session.close();
    await server.close();
  });

  it("streams at once with warnings in UTF-8 over HTTP/1.1 and HTTP/2", async () => {
    const server = await startTestServer((context) => {
      context.warn("grün");
      const stream = context.exchange.startStream(200, { "content-type": "application/json" });
      setImmediate(() => stream.end());
    });
    const session = server.h2();
    for (const answer of [
      await askHttp1(server, `${base}?watch=1`, server.pki.admin),
      await ask(session, `${base}?watch=1`),
    ])
      assert.equal(Buffer.from(String(answer.headers.warning), "latin1").toString(), '299 - "grün"');
    session.close();
    await server.close();
  });

  it("finishes what it began, refuses the rest, and closes", async () => {
    let release: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const server = await startTestServer(async ({ exchange }) => {
      begun();
      await waiting;
      exchange.respond(201, { "content-type": "text/plain" }, "written");
    });
    const session = server.h2();
    const write = ask(session, `${base}/x`, { ":method": "PUT" }, Buffer.from("{}"));
    await started;
    server.shuttingDown = true;
    const refused = await askHttp1(server, `${base}/y`, server.pki.admin);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], "5");
    const closed = server.close(5000);
    release();
    assert.equal((await write).status, 201);
    await closed;
    assert.equal(server.transport.openConnections, 0);
    await assert.rejects(askHttp1(server, `${base}/z`, server.pki.admin), /ECONNREFUSED/);
  });
});
