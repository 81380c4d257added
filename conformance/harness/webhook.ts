import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What an API server posts to a webhook: an AdmissionReview or a ConversionReview. */
export type Review = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: Record<string, unknown> & { uid: string };
};

/** A webhook on loopback, with a certificate that is its own authority. */
export type Webhook = {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** Base64 of its certificate. */
  readonly caBundle: string;
  /** Reviews that were asked, so far. */
  asked(): number;
  close(): Promise<void>;
};

/** Answers with `response` of a review; an error breaks the connection. */
export async function startWebhook(
  answer: (review: Review, path: string) => object | Promise<object>,
): Promise<Webhook> {
  const folder = mkdtempSync(join(tmpdir(), "myriad-webhook-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=webhook"],
        ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
      ],
      { stdio: "ignore" },
    );
    const pair = { key: readFileSync(key), cert: readFileSync(cert) };
    let asked = 0;
    const server = createServer(pair, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        asked += 1;
        try {
          const review = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Review;
          const { pathname } = new URL(request.url ?? "/", "https://webhook");
          const { apiVersion, kind } = review;
          const body = { uid: review.request.uid, ...(await answer(review, pathname)) };
          response.setHeader("content-type", "application/json");
          response.end(JSON.stringify({ apiVersion, kind, response: body }));
        } catch {
          response.destroy();
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      caBundle: pair.cert.toString("base64"),
      asked: () => asked,
      close() {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(() => resolve()));
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
