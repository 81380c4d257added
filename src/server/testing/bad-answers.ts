/** Answers of webhooks that are wrong as HTTP or as JSON, whatever they were asked. */
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { WebhookAnswer } from "#admission/testing/webhook-server.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { broken, pick } from "./random-objects.ts";

const send = (body: Buffer | string, headers: Record<string, string> = {}, code = 200): WebhookAnswer => {
  const bytes = Buffer.from(body as string);
  return (response: ServerResponse) =>
    void response
      .writeHead(code, {
        "content-type": "application/json",
        "content-length": String(bytes.length),
        ...headers,
      })
      .end(bytes);
};

/** Ten megabytes in ten kilobytes. */
const bomb = gzipSync(Buffer.alloc(10 * 1_024 * 1_024, 0x20));
const manyKeys = `{"response":{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":0`).join(",")}}}`;

/** Answers that no client can take for one: the call has failed. */
export const noAnswers: Readonly<Record<string, WebhookAnswer>> = {
  empty: send(""),
  "not JSON": send("hello"),
  null: send("null"),
  list: send("[]"),
  text: send('"x"'),
  "an empty object": send("{}"),
  "deep lists": send("[".repeat(50_000)),
  "deep objects": send('{"response":'.repeat(50_000)),
  "broken UTF-8": send(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22])),
  "half an object": send('{"kind":"AdmissionReview","response":{"uid"'),
  "two objects": send("{}{}"),
  YAML: send("kind: AdmissionReview\n"),
  huge: send("x".repeat(5_000_000)),
  "huge and valid": send(`{"a":"${"x".repeat(20_000_000)}"}`),
  "many keys": send(manyKeys),
  "a prototype": send('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  "packed though nobody asked": send(bomb, { "content-encoding": "gzip" }),
  "a lie about packing": send("{}", { "content-encoding": "gzip" }),
  protobuf: send("k8s\0\u0001", { "content-type": "application/vnd.kubernetes.protobuf" }),
  "a redirect": send("", { location: "/elsewhere" }, 302),
  "a redirect to the inside": send("", { location: "http://169.254.169.254/latest" }, 307),
  "a redirect to itself": send("", { location: "?" }, 308),
  "204": (response) => void response.writeHead(204).end(),
  "304": (response) => void response.writeHead(304).end(),
  "400": send("no", { "content-type": "text/plain" }, 400),
  "401": send('{"kind":"Status","status":"Failure","message":"who?"}', {}, 401),
  "404": send("", {}, 404),
  "429": send("later", { "retry-after": "1" }, 429),
  "500 and much text": send("x".repeat(100_000), { "content-type": "text/html" }, 500),
  "503 and a strange status": send('{"kind":"Status","status":"Failure","message":{"__proto__":1}}', {}, 503),
  "999": (response) => void response.socket?.end("HTTP/1.1 999 What\r\ncontent-length: 2\r\n\r\n{}"),
  "no HTTP": (response) => void response.socket?.end("SSH-2.0-OpenSSH\r\n"),
  "no HTTP, for long": (response) => void response.socket?.end("x".repeat(300_000)),
  "headers without end": (response) =>
    void response.socket?.end(`HTTP/1.1 200 OK\r\n${`a: ${"x".repeat(1_000)}\r\n`.repeat(200)}`),
  "two lengths": (response) =>
    void response.socket?.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
  "less than promised": (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{}");
    response.destroy();
  },
  "broken chunks": (response) =>
    void response.socket?.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}"),
  nothing: (response) => void response.destroy(),
};

/** They take the time that the webhook has: one second. */
export const lateAnswers: Readonly<Record<string, WebhookAnswer>> = {
  never: () => undefined,
  "headers only": (response) => void response.writeHead(200, { "content-length": "100" }).flushHeaders(),
  drop: (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(" "), 50);
    response.on("close", () => clearInterval(timer));
  },
};

/** A right answer with something broken in it, as JSON or as bytes. */
export function spoiled(answer: JsonValue, random: () => number): WebhookAnswer {
  if (random() < 0.6) return send(JSON.stringify(broken(answer, random, pick(random, [0.02, 0.1, 0.3]))));
  const bytes = Buffer.from(JSON.stringify(answer));
  for (let i = Math.floor(random() * 5); i >= 0; i--)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return send(random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes);
}
