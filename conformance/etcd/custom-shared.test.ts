// Three servers on one etcd: what concerns many objects holds over all of them: quotas, garbage collection, admission,
// conversion.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testPatience, until } from "../harness/child.ts";
import { startWebhook, type Webhook } from "../harness/webhook.ts";
import { admission, policy, policyBinding, webhookConfiguration, widgetRule } from "./rules.ts";
import {
  ask,
  definition,
  definitions,
  instance,
  itemsOf,
  missing,
  ok,
  type Reply,
  type Server,
  type Servers,
  startServers,
  type Thing,
} from "./servers.ts";
import { openWatch } from "./watch.ts";

type Counts = Readonly<Record<string, string>>;

const schema = { type: "object", properties: { n: { type: "string" } } };
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const maps = "/api/v1/namespaces/default/configmaps";
const widget = (name: string, metadata: object = {}, spec: object = {}): object =>
  instance("example.com/v1", "Widget", name, spec, metadata);
const configMap = (name: string, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
});

describe("shared rules with three servers on one etcd", {
  skip: missing("etcd"),
  timeout: testPatience,
}, () => {
  let servers: Servers;
  let a: Server;
  let b: Server;
  let c: Server;
  let webhook: Webhook;

  /** One of the servers, in turn. */
  const server = (turn: number): Server => servers.all[turn % servers.all.length] ?? a;
  const isGone = async (at: Server, path: string): Promise<boolean> =>
    (await ask(at, "GET", path)).status === 404;
  const workspace = async (name: string): Promise<string> => {
    const base = await servers.workspace(name);
    await ok(a, "POST", base + definitions, definition("widgets", [{ name: "v1", schema }]));
    return base;
  };

  before(async () => {
    servers = await startServers(["a", "b", "c"]);
    [a, b, c] = servers.all as [Server, Server, Server];
    webhook = await startWebhook((review, path) => {
      if (path === "/deny") return { allowed: false, status: { message: "denied by the webhook" } };
      // v1 has `spec.size` as a number, v2 as a text.
      const { desiredAPIVersion, objects } = review.request as unknown as {
        desiredAPIVersion: string;
        objects: Thing[];
      };
      const convert = desiredAPIVersion.endsWith("v2") ? String : Number;
      return {
        result: { status: "Success" },
        convertedObjects: objects.map((object) => ({
          ...object,
          apiVersion: desiredAPIVersion,
          spec: { ...object.spec, size: convert(object.spec.size) },
        })),
      };
    });
  });
  after(async () => {
    await webhook?.close();
    await servers?.close();
  });

  const quotas = "/api/v1/namespaces/default/resourcequotas";
  const quota = (hard: object): object => ({
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "few" },
    spec: { hard },
  });
  const usedOf = async (at: Server, base: string, name: string): Promise<number> =>
    Number(((await ok(at, "GET", `${base}${quotas}/few`)).status?.used as Counts | undefined)?.[name]);

  test("a quota of custom objects holds, whichever servers they are created through", async () => {
    const base = await workspace("quota");
    const counted = "count/widgets.example.com";
    const limit = 40;
    await ok(a, "POST", base + quotas, quota({ [counted]: String(limit) }));
    await until("it is counted", async () => (await usedOf(b, base, counted)) === 0);
    const until403 = async (at: Server, id: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const { status, message } = await ask(at, "POST", base + widgets, widget(`w${id}-${i}`));
        if (status === 403) {
          assert.match(message, /exceeded quota: few, requested: .*=1, used: .*=40, limited: .*=40/);
          return;
        }
        assert.equal(status, 201, message);
      }
    };
    const clients = Array.from({ length: 9 }, (_, id) => id);
    await Promise.all(clients.map((id) => until403(server(id), id)));
    assert.equal((await itemsOf(c, base + widgets)).length, limit);
    assert.equal(await usedOf(a, base, counted), limit);

    // What is freed through one may be used through another, and never twice.
    let most = 0;
    let done = false;
    const churn = async (at: Server, id: number): Promise<void> => {
      for (let i = 0; i < 30; i++) {
        const [first] = await itemsOf(at, `${base}${widgets}?limit=1&resourceVersion=0`);
        if (first !== undefined) await ask(at, "DELETE", `${base}${widgets}/${first.metadata.name}`);
        const { status, message } = await ask(server(id + i), "POST", base + widgets, widget(`x${id}-${i}`));
        assert.ok(status === 201 || status === 403, message);
      }
    };
    const look = async (): Promise<void> => {
      while (!done) most = Math.max(most, (await itemsOf(b, base + widgets)).length);
    };
    const looking = look();
    await Promise.all(clients.slice(0, 6).map((id) => churn(server(id), id)));
    done = true;
    await looking;
    assert.ok(most <= limit, `${most} objects`);
    const actual = (await itemsOf(c, base + widgets)).length;
    await until("the usage is what there is", async () => (await usedOf(a, base, counted)) === actual);
  });

  test("what is created while a quota comes into being is counted", async () => {
    const base = await workspace("fresh-quota");
    const counted = "count/widgets.example.com";
    for (let round = 0; round < 6; round++) {
      let writing = true;
      let created = 0;
      const write = async (at: Server, id: number): Promise<void> => {
        for (let i = 0; writing; i++) {
          await ok(at, "POST", base + widgets, widget(`r${round}-${id}-${i}`));
          created += 1;
        }
      };
      const writers = [a, b, c, b, c].map(write);
      await until("there are writes", () => created > 10);
      await ok(server(round), "POST", base + quotas, quota({ [counted]: "100000" }));
      // What is charged before is told as well; the limit tells that it was counted.
      const path = `${base}${quotas}/few`;
      await until("it is counted", async () => (await ok(c, "GET", path)).status?.hard !== undefined);
      writing = false;
      await Promise.all(writers);
      const actual = (await itemsOf(b, base + widgets)).length;
      assert.equal(await usedOf(a, base, counted), actual);
      await ok(server(round + 1), "DELETE", `${base}${quotas}/few`);
    }
  });

  test("custom owners and dependents may be written through any server", async () => {
    const base = await workspace("owners");
    const owns = (owner: Thing, more: object = {}): object => ({
      ownerReferences: [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid,
          ...more,
        },
      ],
    });
    for (let round = 0; round < 6; round++) {
      const [here, there, third] = [server(round), server(round + 1), server(round + 2)];
      const owner = await ok(here, "POST", base + widgets, widget(`owner${round}`));
      const child = await ok(there, "POST", base + widgets, widget(`child${round}`, owns(owner)));
      await ok(third, "POST", base + maps, configMap(`grandchild${round}`, owns(child)));
      const blocking = owns(owner, { blockOwnerDeletion: true });
      await ok(here, "POST", base + maps, configMap(`blocking${round}`, blocking));
      const policy = ["Background", "Foreground", "Orphan"][round % 3];
      await ok(there, "DELETE", `${base}${widgets}/owner${round}`, {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: policy,
      });
      await until("the owner is gone", () => isGone(third, `${base}${widgets}/owner${round}`));
      if (policy === "Orphan") {
        const kept = await ok(third, "GET", `${base}${widgets}/child${round}`);
        assert.equal((kept.metadata as { ownerReferences?: object[] }).ownerReferences, undefined);
        continue;
      }
      for (const path of [
        `${widgets}/child${round}`,
        `${maps}/grandchild${round}`,
        `${maps}/blocking${round}`,
      ])
        await until(`${path} is gone`, () => isGone(here, base + path));
    }
  });

  const rule = widgetRule("CREATE");

  /** Through all servers, until each answers so. */
  const everywhere = async (base: string, test: (reply: Reply) => boolean): Promise<void> => {
    for (const at of servers.all)
      await until(`${at.name} answers so`, async () =>
        test(await ask(at, "POST", `${base}${widgets}?dryRun=All`, widget("tried"))),
      );
  };

  test("policies and webhooks made, changed and deleted through one are in force at all, at once", async () => {
    const base = await workspace("admitted");
    const kinds = { policy: "validatingadmissionpolicies", binding: "validatingadmissionpolicybindings" };
    const hooks = `${base}${admission}/validatingwebhookconfigurations`;
    for (let round = 0; round < 6; round++) {
      const [here, there] = [server(round), server(round + 1)];
      await ok(here, "POST", `${base}${admission}/${kinds.policy}`, policy(rule, "false", `round ${round}`));
      await ok(there, "POST", `${base}${admission}/${kinds.binding}`, policyBinding);
      await everywhere(base, ({ message }) => message.endsWith(`denied request: round ${round}`));
      await ok(there, "PATCH", `${base}${admission}/${kinds.policy}/no`, {
        spec: { validations: [{ expression: "false", message: `changed ${round}` }] },
      });
      await everywhere(base, ({ message }) => message.endsWith(`denied request: changed ${round}`));
      await ok(here, "DELETE", `${base}${admission}/${kinds.binding}/no`);
      await everywhere(base, ({ status }) => status === 201);
      await ok(there, "DELETE", `${base}${admission}/${kinds.policy}/no`);

      await ok(here, "POST", hooks, webhookConfiguration(webhook, rule));
      await everywhere(base, ({ message }) => message.includes("denied by the webhook"));
      await ok(there, "DELETE", `${hooks}/no`);
      await everywhere(base, ({ status }) => status === 201);
    }
  });

  test("versions, a conversion webhook and a new storage version, with writes through all", async () => {
    const base = await servers.workspace("converted");
    const sized = (type: string): object => ({ type: "object", properties: { size: { type } } });
    const conversion = {
      strategy: "Webhook",
      webhook: {
        conversionReviewVersions: ["v1"],
        clientConfig: { url: `${webhook.url}/convert`, caBundle: webhook.caBundle },
      },
    };
    const path = `${base}${definitions}/gadgets.example.com`;
    await ok(
      a,
      "POST",
      base + definitions,
      definition(
        "gadgets",
        [
          { name: "v1", schema: sized("integer") },
          { name: "v2", schema: sized("string") },
        ],
        { spec: { conversion } },
      ),
    );
    const at = (version: string): string => `${base}/apis/example.com/${version}/namespaces/default/gadgets`;
    const list = await ok(c, "GET", at("v2"));
    const watch = await openWatch(
      c.myriad.url + at("v2"),
      c.myriad.admin.access,
      list.metadata.resourceVersion,
    );
    const first = instance("example.com/v2", "Gadget", "first", { size: "1" });
    assert.deepEqual((await ok(b, "POST", at("v2"), first)).spec, { size: "1" });
    await until("the watch in the other version has it", () => watch.frames.length === 1);
    watch.close();
    assert.deepEqual((await ok(c, "GET", `${at("v1")}/first`)).spec, { size: 1 });

    let writing = true;
    let written = 1;
    const write = async (through: Server, id: number): Promise<void> => {
      for (let i = 0; writing; i++) {
        const [version, size] = i % 2 === 0 ? ["v1", i] : ["v2", String(i)];
        const name = `g${id}-${i}`;
        const made = await ok(
          through,
          "POST",
          at(version),
          instance(`example.com/${version}`, "Gadget", name, { size }),
        );
        assert.deepEqual(made.spec, { size });
        written += 1;
        await ok(through, "PATCH", `${at("v2")}/${name}`, { metadata: { labels: { n: String(i) } } });
      }
    };
    const writers = [a, b, c].map(write);
    for (let turn = 0; turn < 6; turn++) {
      await until("there are writes", () => written > (turn + 1) * 10);
      const current = await ok(server(turn), "GET", path);
      const spec = current.spec as { versions: { name: string; storage: boolean }[] };
      for (const version of spec.versions) version.storage = version.name === (turn % 2 === 0 ? "v2" : "v1");
      await ok(server(turn), "PUT", path, current);
    }
    writing = false;
    await Promise.all(writers);
    for (const through of servers.all) {
      const [numbers, texts] = [await itemsOf(through, at("v1")), await itemsOf(through, at("v2"))];
      assert.equal(numbers.length, written);
      for (const [index, { metadata, spec }] of numbers.entries()) {
        assert.equal(String(spec.size), metadata.labels?.n ?? "1");
        assert.deepEqual(texts[index]?.spec, { size: String(spec.size) });
      }
    }
  });
});
