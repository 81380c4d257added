import assert from "node:assert/strict";
import {
  startWebhookServer,
  type WebhookAnswer,
  type WebhookServer,
} from "#admission/testing/webhook-server.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { type Answer, type Json, type LiveOptions, type LiveServer, startLiveServer } from "./live-server.ts";

/** A webhook while it is installed. */
export interface InstalledWebhook extends AsyncDisposable {
  /** Requests that it has got. */
  requests(): Json[];
}

export type WebhookBehaviour = (request: Json) => WebhookAnswer;

/** For tests: a server with a workspace, and a webhook server beside it. */
export class WebhookFixture {
  readonly server: LiveServer;
  readonly hooks: WebhookServer;
  /** Path of the workspace. */
  readonly base: string;
  readonly #behaviours: Map<string, WebhookBehaviour>;
  #count = 0;

  private constructor(
    server: LiveServer,
    hooks: WebhookServer,
    base: string,
    behaviours: Map<string, WebhookBehaviour>,
  ) {
    this.server = server;
    this.hooks = hooks;
    this.base = base;
    this.#behaviours = behaviours;
  }

  static async start(options?: LiveOptions): Promise<WebhookFixture> {
    const behaviours = new Map<string, WebhookBehaviour>();
    const server = await startLiveServer(options);
    const hooks = await startWebhookServer(({ path, body }) => {
      const { pathname } = new URL(path, "https://hooks");
      return behaviours.get(pathname)!(body.request as unknown as Json);
    });
    const base = `/clusters/${await server.workspace("hooked", { type: "kubernetes" })}`;
    return new WebhookFixture(server, hooks, base, behaviours);
  }

  async close(): Promise<void> {
    await this.hooks[Symbol.asyncDispose]();
    await this.server.close();
    assert.deepEqual(this.server.bugs, []);
  }

  /** Installs a configuration of one webhook for config maps, for as long as it is held. */
  async install(
    kind: "Validating" | "Mutating",
    behaviour: WebhookBehaviour,
    more: JsonObject = {},
    name = `hook-${++this.#count}`,
  ): Promise<InstalledWebhook> {
    const { server, hooks } = this;
    const path = `/${name}`;
    this.#behaviours.set(path, behaviour);
    const before = hooks.requests.length;
    const resource = `${this.base}/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`;
    const made = await server.call("POST", resource, {
      body: {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: `${kind}WebhookConfiguration`,
        metadata: { name },
        webhooks: [
          {
            name: `${name}.example.com`,
            clientConfig: { url: `${hooks.url}${path}`, caBundle: hooks.caBundle },
            rules: [configMapRule],
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
            ...more,
          },
        ],
      },
    });
    assert.equal(made.status, 201, made.text);
    return {
      requests: () =>
        hooks.requests
          .slice(before)
          .filter((request) => request.path.startsWith(`${path}?`))
          .map((request) => request.body.request as unknown as Json),
      async [Symbol.asyncDispose]() {
        const gone = await server.call("DELETE", `${resource}/${name}`);
        assert.equal(gone.status, 200, gone.text);
      },
    };
  }

  /** Path of the config maps that the tests write. */
  get maps(): string {
    return `${this.base}/api/v1/namespaces/default/configmaps`;
  }

  create(name: string, more: object = {}, query = ""): Promise<Answer> {
    return this.server.call("POST", `${this.maps}${query}`, { body: configMap(name, more) });
  }

  mergePatch(path: string, body: object): Promise<Answer> {
    return this.server.call("PATCH", path, { body, type: "application/merge-patch+json" });
  }
}

export const configMapRule = {
  apiGroups: [""],
  apiVersions: ["v1"],
  resources: ["configmaps"],
  operations: ["*"],
};

export const configMap = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...more,
});

export const review = (response: JsonObject): JsonValue => ({
  kind: "AdmissionReview",
  apiVersion: "admission.k8s.io/v1",
  response,
});
export const allow = (request: Json, more: JsonObject = {}): JsonValue =>
  review({ uid: request.uid as string, allowed: true, ...more });
export const deny = (request: Json, status?: JsonObject): JsonValue =>
  review({ uid: request.uid as string, allowed: false, ...(status === undefined ? {} : { status }) });
export const patch = (request: Json, operations: JsonValue): JsonValue =>
  allow(request, {
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
  });

export const warningsOf = (answer: Answer): readonly string[] => [answer.headers.warning ?? []].flat();
