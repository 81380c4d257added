/**
 * The webhook client against real HTTPS servers that answer rightly, wrongly, hugely, slowly or not at all. Time is a fake
 * clock: what is slow is late only when the test says so.
 */
import assert from "node:assert/strict";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { after, test } from "node:test";
import type { Clock } from "#base/clock.ts";
import { parseEgressPolicy } from "./egress.ts";
import { startWebhookServer, type WebhookAnswer } from "./testing/webhook-server.ts";
import { createWebhookClient } from "./webhook-client.ts";
import { WebhookCallError } from "./webhook-errors.ts";
import type { WebhookClientConfig } from "./webhook-target.ts";

/** Time passes when the test says so: `expire` runs all timers. */
function stoppedClock(): Clock & { expire(): void; readonly timers: Set<() => void> } {
  const timers = new Set<() => void>();
  return {
    timers,
    now: () => 0,
    after(_delay, callback) {
      timers.add(callback);
      return () => timers.delete(callback);
    },
    expire: () => {
      for (const callback of timers) callback();
    },
  };
}

const clock = stoppedClock();
const egress = parseEgressPolicy("loopback")!;
const client = createWebhookClient({
  egress,
  clock,
  resolve: (hostname) => {
    const named: Record<string, string> = {
      localhost: "127.0.0.1",
      rebind: "127.0.0.1",
      inside: "10.0.0.7",
      metadata: "169.254.169.254",
    };
    const address = named[hostname];
    if (address !== undefined) return Promise.resolve([{ address, family: 4 }]);
    return Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND", hostname }));
  },
});
after(() => client.close());

let answer: WebhookAnswer = { ok: true };
const server = await startWebhookServer(() => answer);
after(() => server[Symbol.asyncDispose]());

const options = { timeoutMs: 2_000, maxResponseBytes: 1_000 };
const config = { url: `${server.url}/hook`, caBundle: server.caBundle };
const call = (change: Partial<WebhookClientConfig> = {}) =>
  client.post({ ...config, ...change }, { a: 1 }, options);
const failure = async (what: Promise<unknown>): Promise<string> => {
  const error = await what.then(
    () => assert.fail("did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WebhookCallError, String(error));
  return error.message;
};
const post = `Post "${config.url}?timeout=2s"`;

test("posts JSON, tells the time limit, and uses one connection again", async () => {
  answer = { ok: 1 };
  assert.deepEqual(await call(), { ok: 1 });
  await call();
  const seen = server.requests.at(-1)!;
  assert.equal(seen.path, "/hook?timeout=2s");
  assert.deepEqual(seen.body, { a: 1 });
  assert.equal(seen.headers["content-type"], "application/json");
  assert.equal(seen.headers.host, `localhost:${server.port}`);
  assert.equal(server.connections(), 1);
  assert.equal(clock.timers.size, 0, "no timer is left");
});

test("answers that are none", async () => {
  const cases: readonly [WebhookAnswer, string][] = [
    [(response) => response.end("<html>"), "couldn't get version/kind; json parse error:"],
    [
      [1],
      "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct",
    ],
    [
      (response) => response.end(),
      "0-length response with status code: 200 and content type: application/json",
    ],
    [(response) => response.writeHead(404).end(), "the server could not find the requested resource"],
    [
      (response) => response.writeHead(500, { "content-type": "text/plain" }).end("oops\n"),
      'an error on the server ("oops") has prevented the request from succeeding',
    ],
    [
      (response) => response.writeHead(500, { "content-type": "application/json" }).end("{}"),
      'an error on the server ("unknown") has prevented the request from succeeding',
    ],
    [
      (response) => response.writeHead(418).end(),
      "the server responded with the status code 418 but did not return more information",
    ],
    [
      (response) =>
        response
          .writeHead(422)
          .end('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"mine"}'),
      "mine",
    ],
    [
      (response) => response.writeHead(200).end("x".repeat(1_001)),
      "unexpected error when reading response body. Please retry. Original error: the response is larger than 1000 bytes",
    ],
    [
      (response) => {
        response.writeHead(200, { "content-length": "5" });
        response.write("{");
        setImmediate(() => response.destroy());
      },
      "unexpected error when reading response body. Please retry. Original error: unexpected EOF",
    ],
    [(response) => response.destroy(), `${post}: EOF`],
  ];
  for (const [given, expected] of cases) {
    answer = given;
    const message = await failure(call());
    assert.ok(message.startsWith(expected), `${message}\ninstead of\n${expected}`);
  }
});

test("a redirect is an answer without use: nobody follows it", async () => {
  const before = server.requests.length;
  answer = (response) => response.writeHead(307, { location: `${server.url}/other` }).end();
  assert.match(await failure(call()), /^the server responded with the status code 307/);
  assert.equal(server.requests.length, before + 1);
});

test("a slow webhook ends with its time limit: before the answer and within it", async () => {
  answer = () => clock.expire();
  assert.equal(await failure(call()), `${post}: context deadline exceeded`);
  answer = (response) => {
    response.writeHead(200);
    response.write("{", () => clock.expire());
  };
  assert.match(await failure(call()), /context deadline exceeded$/);
  assert.equal(clock.timers.size, 0);
  answer = { ok: true };
  assert.deepEqual(await call(), { ok: true });
});

test("certificates: another authority, another name, no certificate, no bundle at all", async () => {
  answer = { ok: true };
  const foreign = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const verify = `${post}: tls: failed to verify certificate: x509:`;
  const { caBundle: _caBundle, ...systemRoots } = config;
  assert.equal(
    await failure(client.post(systemRoots, {}, options)),
    `${verify} certificate signed by unknown authority`,
  );
  const broken = await client
    .post({ ...config, caBundle: Buffer.from(foreign).toString("base64") }, {}, options)
    .catch((error: WebhookCallError) => error);
  assert.ok(broken instanceof WebhookCallError && broken.unusable);
  assert.equal(broken.message, "unable to load root certificates: unable to parse bytes as PEM block");
  const url = `https://rebind:${server.port}/hook`;
  assert.equal(
    await failure(call({ url })),
    `Post "${url}?timeout=2s": tls: failed to verify certificate: x509: certificate is valid for localhost, 127.0.0.1, not rebind`,
  );
});

test("a bundle may hold the server's own certificate alone, though it is no authority's", async () => {
  answer = { ok: 1 };
  assert.deepEqual(await call({ caBundle: server.ownBundle }), { ok: 1 });
  await using other = await startWebhookServer(() => answer);
  assert.match(await failure(call({ caBundle: other.ownBundle })), /certificate signed by unknown authority/);
});

test("who is not there, and who speaks no TLS", async () => {
  const plain = createTcpServer((socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const { port } = plain.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  assert.equal(
    await failure(call({ url })),
    `Post "${url}?timeout=2s": http: server gave HTTP response to HTTPS client`,
  );
  await new Promise((resolve) => plain.close(resolve));
  assert.equal(
    await failure(call({ url })),
    `Post "${url}?timeout=2s": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
  assert.equal(
    await failure(call({ url: "https://nobody.example" })),
    'Post "https://nobody.example?timeout=2s": dial tcp: lookup nobody.example: no such host',
  );
});

test("addresses that the operator does not allow are refused: as literals, by name, in every spelling", async () => {
  for (const host of [
    "10.0.0.7",
    "169.254.169.254",
    "[fe80::1]",
    "[::ffff:169.254.169.254]",
    "0x0a000007",
    "2852039166",
  ])
    assert.match(
      await failure(call({ url: `https://${host}/` })),
      /may not be reached from this server: .*--webhook-egress=loopback/,
      host,
    );
  assert.match(
    await failure(call({ url: "https://inside/" })),
    /dial tcp: inside \(10\.0\.0\.7\) may not be reached/,
  );
  assert.match(
    await failure(call({ url: "https://metadata/" })),
    /metadata \(169\.254\.169\.254\) may not be reached/,
  );
});

test("service references and configurations without an address", async () => {
  const service = { namespace: "ns", name: "svc", path: "/p" };
  assert.match(
    await failure(client.post({ service }, {}, options)),
    /^Post "https:\/\/svc\.ns\.svc:443\/p\?timeout=2s": service references are not supported, .*use clientConfig\.url$/,
  );
  assert.equal(
    await failure(client.post({}, {}, options)),
    "webhook configuration must have either service or URL",
  );
  assert.match(await failure(client.post({ url: "http://localhost/" }, {}, options)), /^Unparsable URL/);
});

test("one caller cannot take every call", async () => {
  const waiting: (() => void)[] = [];
  answer = (response) => void waiting.push(() => response.end('{"ok":true}'));
  const many = Array.from({ length: 257 }, () =>
    client.post(config, {}, { ...options, caller: "greedy" }).catch((error: Error) => error.message),
  );
  assert.equal(await many[256], `${post}: too many webhook calls are under way`);
  const other = client.post(config, {}, { ...options, caller: "modest" });
  while (waiting.length < 257) await new Promise((resolve) => setImmediate(resolve));
  for (const release of waiting) release();
  assert.deepEqual(await other, { ok: true });
  assert.equal((await Promise.all(many)).filter((one) => typeof one === "object").length, 256);
});
