// Three servers on one etcd: what decides over writes holds on all of them with the next write, dry runs included.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testPatience } from "../harness/child.ts";
import { startWebhook, type Webhook } from "../harness/webhook.ts";
import { admission, policy, policyBinding, webhookConfiguration, widgetRule } from "./rules.ts";
import {
  ask,
  definition,
  definitions,
  instance,
  missing,
  ok,
  type Reply,
  type Server,
  type Servers,
  startServers,
} from "./servers.ts";

const schema = { type: "object", properties: { n: { type: "string" } } };
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const widget = (name: string): object => instance("example.com/v1", "Widget", name, {});
const rule = widgetRule("*");

describe("rules with three servers on one etcd", { skip: missing("etcd"), timeout: testPatience }, () => {
  let servers: Servers;
  let a: Server;
  let webhook: Webhook;

  /** One of the servers, in turn. */
  const server = (turn: number): Server => servers.all[turn % servers.all.length] ?? a;

  before(async () => {
    servers = await startServers(["a", "b", "c"]);
    a = server(0);
    webhook = await startWebhook(() => ({
      allowed: false,
      status: { message: "denied by the webhook" },
    }));
  });
  after(async () => {
    await webhook?.close();
    await servers?.close();
  });

  test("the next write through another server obeys what was made, changed or deleted through one", async () => {
    const base = await servers.workspace("obeyed", "kubernetes");
    await ok(a, "POST", base + definitions, definition("widgets", [{ name: "v1", schema }]));
    const hooks = `${base}${admission}/validatingwebhookconfigurations`;
    const policies = `${base}${admission}/validatingadmissionpolicies`;
    const limits = `${base}/api/v1/namespaces/default/limitranges`;
    await ok(a, "POST", `${base}${admission}/validatingadmissionpolicybindings`, policyBinding);
    const hook = webhookConfiguration(webhook, rule);
    await ok(a, "POST", base + widgets, widget("old"));
    /** Each kind of write, on its own server, right after a change of the rules. */
    const kindsOfWrites: readonly ((at: Server, name: string) => Promise<Reply>)[] = [
      (at, name) => ask(at, "POST", base + widgets, widget(name)),
      (at, name) => ask(at, "POST", `${base}${widgets}?dryRun=All`, widget(name)),
      (at, name) => ask(at, "PATCH", `${base}${widgets}/old`, { spec: { n: name } }),
      (at, name) => ask(at, "PATCH", `${base}${widgets}/old?dryRun=All`, { spec: { n: `dry-${name}` } }),
      (at) => ask(at, "DELETE", `${base}${widgets}/old?dryRun=All`),
    ];
    const refused = async (write: () => Promise<Reply>, why: string): Promise<void> => {
      const { status, message } = await write();
      assert.ok(status >= 400 && message.includes(why), `${status} ${message}, not ${why}`);
    };
    const accepted = async (write: () => Promise<Reply>): Promise<void> => {
      const { status, message } = await write();
      assert.ok(status < 300, `${status} ${message}`);
    };
    let round = 0;
    for (let turn = 0; turn < 4; turn++) {
      for (const write of kindsOfWrites) {
        round += 1;
        const [here, there] = [server(round), server(round + 1 + (round % 2))];
        const now = (): Promise<Reply> => write(there, `w${round}`);
        await ok(here, "POST", policies, policy(rule, "false", "policy"));
        await refused(now, "policy");
        await ok(there, "PATCH", `${policies}/no`, { spec: { validations: [{ expression: "true" }] } });
        await accepted(() => write(here, `x${round}`));
        await ok(there, "PATCH", `${policies}/no`, {
          spec: { validations: [{ expression: "false", message: "policy" }] },
        });
        await refused(() => write(here, `y${round}`), "policy");
        await ok(here, "DELETE", `${policies}/no`);
        await accepted(now);
        await ok(there, "POST", hooks, hook);
        await refused(() => write(here, `z${round}`), "denied by the webhook");
        await ok(here, "DELETE", `${hooks}/no`);
        await accepted(() => write(there, `v${round}`));
      }
      const claim = (name: string): object => ({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } },
      });
      const claims = `${base}/api/v1/namespaces/default/persistentvolumeclaims`;
      const [here, there] = [server(turn), server(turn + 1)];
      await ok(here, "POST", limits, {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "small" },
        spec: { limits: [{ type: "PersistentVolumeClaim", max: { storage: "1Gi" } }] },
      });
      await refused(() => ask(there, "POST", claims, claim(`c${turn}`)), "maximum storage usage");
      await ok(there, "DELETE", `${limits}/small`);
      await accepted(() => ask(here, "POST", claims, claim(`c${turn}`)));
    }
  });
});
