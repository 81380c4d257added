import { request } from "node:https";
import type { Access } from "../harness/api.ts";

/** One frame of a watch, cut to what is compared. */
export type Frame = { readonly type: string; readonly name: string; readonly version: number };

/** A watch that runs, and what it has brought. */
export type Watcher = {
  readonly frames: readonly Frame[];
  /** Set when the server ended it. */
  ended(): Error | undefined;
  close(): void;
};

type Event = { type: string; object: { metadata: { name: string; resourceVersion: string } } };

/** Watches `url` (without a query) after `version`, over one HTTP/1.1 answer without an end. */
export function openWatch(url: string, access: Access, version: string): Promise<Watcher> {
  return new Promise((resolve, reject) => {
    const frames: Frame[] = [];
    let over: Error | undefined;
    const call = request(
      `${url}?watch=1&resourceVersion=${version}`,
      { ca: access.ca, cert: access.cert, key: access.key, headers: { accept: "application/json" } },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          reject(new Error(`watch of ${url}: ${response.statusCode}`));
          return;
        }
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          const lines = (rest + text).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const { type, object } = JSON.parse(line) as Event;
            const { name, resourceVersion } = object.metadata;
            frames.push({ type, name, version: Number(resourceVersion) });
          }
        });
        response.once("close", () => {
          over = new Error(`the watch of ${url} ended: ${rest}`);
        });
        response.on("error", () => undefined);
        resolve({ frames, ended: () => over, close: () => call.destroy() });
      },
    );
    call.on("error", reject);
    call.end();
  });
}
