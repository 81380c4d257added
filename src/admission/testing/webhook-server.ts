import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { createCertificate } from "#base/x509/certificate.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";

export interface WebhookRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: JsonObject;
}

/** For tests: a webhook on loopback, with a certificate of its own authority for `localhost` and 127.0.0.1. */
export interface WebhookServer extends AsyncDisposable {
  readonly port: number;
  /** `https://localhost:<port>` */
  readonly url: string;
  /** Base64 of the authority's certificate. */
  readonly caBundle: string;
  /** Base64 of the server's own certificate. */
  readonly ownBundle: string;
  /** All requests, in order. */
  readonly requests: WebhookRequest[];
  /** TLS connections made so far. */
  readonly connections: () => number;
}

/** What a webhook answers; a function writes the answer itself. */
export type WebhookAnswer = JsonValue | ((response: ServerResponse, request: IncomingMessage) => void);

const day = 86_400_000;
const ca = createCertificate(
  { commonName: "webhook-ca", usage: "ca", notBefore: Date.now() - day, notAfter: Date.now() + day },
  undefined,
  randomBytes,
);
const webhookCaBundle = Buffer.from(ca.cert).toString("base64");

export async function startWebhookServer(
  answer: (request: WebhookRequest) => WebhookAnswer,
  hosts: readonly string[] = ["localhost", "127.0.0.1"],
): Promise<WebhookServer> {
  const period = { notBefore: Date.now() - day, notAfter: Date.now() + day };
  const pair = createCertificate(
    { commonName: "localhost", usage: "server", hosts, ...period },
    ca,
    randomBytes,
  );
  const requests: WebhookRequest[] = [];
  let connections = 0;
  const server: Server = createServer(pair, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
      const seen = { path: request.url ?? "", headers: request.headers, body };
      requests.push(seen);
      const given = answer(seen);
      if (typeof given === "function") return given(response, request);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(given));
    });
  });
  server.on("secureConnection", () => connections++);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://localhost:${port}`,
    caBundle: webhookCaBundle,
    ownBundle: Buffer.from(pair.cert).toString("base64"),
    requests,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
