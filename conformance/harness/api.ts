import { Agent, request } from "node:https";
import { patience } from "./child.ts";

/** Who asks, and whom to trust: what a kubeconfig says about one cluster and one user. PEM texts. */
export type Access = {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
};

/** An answer of the API server, body as text. */
export type Answer = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
};

/** What the harness itself sends, for what no client at hand can. */
export type Api = {
  /** One request; `path` begins with a slash. An object as body is sent as JSON. */
  send(
    method: string,
    path: string,
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** As `send`, but an answer other than 2xx is an error, and the body is parsed. */
  json(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  close(): void;
};

/** A small HTTPS client for the server at `url`. */
export function openApi(url: string, access: Access): Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const send: Api["send"] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const call = request(
        url + path,
        {
          method,
          agent,
          ca: access.ca,
          ...(access.cert === undefined ? {} : { cert: access.cert }),
          ...(access.key === undefined ? {} : { key: access.key }),
          timeout: patience,
          headers: {
            accept: "application/json",
            ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
            ...(text === undefined
              ? {}
              : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      call.once("timeout", () => call.destroy(new Error(`${method} ${path}: no answer in time`)));
      call.once("error", reject);
      call.end(text);
    });
  return {
    send,
    async json(method, path, body) {
      const answer = await send(method, path, body);
      if (answer.status < 200 || answer.status > 299) {
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      }
      return JSON.parse(answer.text) as Record<string, unknown>;
    },
    close: () => agent.destroy(),
  };
}
