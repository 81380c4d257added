// A kind with two versions and a real conversion webhook: what several managers apply and update in both, what lists and
// watches show, and what happens when the webhook fails or takes its time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWatch } from "../etcd/watch.ts";
import { sleep, until } from "../harness/child.ts";
import { startWebhook, type Webhook } from "../harness/webhook.ts";
import { openTarget, type Target, type Workspace } from "../harness.ts";

type Managed = {
  manager: string;
  operation: string;
  apiVersion: string;
  fieldsV1: object;
  subresource?: string;
};
type Crate = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    resourceVersion: string;
    generation: number;
    managedFields?: Managed[];
    labels?: Record<string, string>;
  };
  spec: Record<string, unknown>;
};
type Answer = { status: number; message: string; object: Crate };

const group = "ship.example.com";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const at = (version: string, name = ""): string =>
  `/apis/${group}/${version}/namespaces/default/crates${name === "" ? "" : `/${name}`}`;

/** What the webhook does besides converting, at the moment; asked for each review. */
let disturb: (objects: readonly Crate[]) => Promise<void> | void = () => undefined;
let webhook: Webhook;
let target: Target;
let workspace: Workspace;

/** v1 keeps `spec.size` as a number, v2 as the text `spec.box.size`. */
function convert(object: Crate, apiVersion: string): Crate {
  if (object.apiVersion === apiVersion) return object;
  const { size, box, ...rest } = object.spec ?? {};
  const boxed = (box as { size?: string } | undefined)?.size;
  const spec = apiVersion.endsWith("v2")
    ? { ...rest, ...(size === undefined ? {} : { box: { size: String(size) } }) }
    : { ...rest, ...(boxed === undefined ? {} : { size: Number(boxed) }) };
  return { ...object, apiVersion, spec };
}

before(async () => {
  webhook = await startWebhook(async ({ request }) => {
    const { desiredAPIVersion, objects } = request as unknown as {
      desiredAPIVersion: string;
      objects: Crate[];
    };
    try {
      await disturb(objects);
    } catch (error) {
      return { result: { status: "Failure", message: (error as Error).message } };
    }
    return {
      result: { status: "Success" },
      convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)),
    };
  });
  target = await openTarget();
  [workspace] = (await target.workspaces(1)) as [Workspace];
  const items = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items: {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, n: { type: "integer" } },
    },
  };
  const shared = { items, note: { type: "string" } };
  const version = (name: string, properties: object): object => ({
    name,
    served: true,
    storage: name === "v1",
    subresources: { status: {} },
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: { type: "object", properties: { ...shared, ...properties } },
          status: { type: "object", properties: { seen: { type: "integer" } } },
        },
      },
    },
  });
  await workspace.api.json("POST", definitions, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `crates.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind: "Crate", plural: "crates", singular: "crate", listKind: "CrateList" },
      versions: [
        version("v1", { size: { type: "integer" } }),
        version("v2", { box: { type: "object", properties: { size: { type: "string" } } } }),
      ],
      conversion: {
        strategy: "Webhook",
        webhook: {
          conversionReviewVersions: ["v1"],
          clientConfig: { url: `${webhook.url}/convert`, caBundle: webhook.caBundle },
        },
      },
    },
  });
  await until("crates are served", async () => (await send("GET", at("v2"))).status === 200);
});
after(async () => {
  await target?.close();
  await webhook?.close();
});

async function send(method: string, path: string, body?: object, type?: string): Promise<Answer> {
  const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
  const { status, text } = await workspace.api.send(method, path, body, headers);
  const object = (text.startsWith("{") ? JSON.parse(text) : { message: text }) as Crate & {
    message?: string;
  };
  return { status, message: object.message ?? "", object };
}
async function ok(method: string, path: string, body?: object, type?: string): Promise<Crate> {
  const answer = await send(method, path, body, type);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.message}`);
  return answer.object;
}
const crate = (version: string, name: string, spec: object, metadata: object = {}): object => ({
  apiVersion: `${group}/${version}`,
  kind: "Crate",
  metadata: { name, ...metadata },
  spec,
});
const apply = (version: string, name: string, manager: string, spec: object, more = ""): Promise<Answer> =>
  send(
    "PATCH",
    `${at(version, name)}?fieldManager=${manager}${more}`,
    crate(version, name, spec),
    "application/apply-patch+yaml",
  );
/** `manager operation version subresource: field set`, in order. */
const managers = (object: Crate): string[] =>
  (object.metadata.managedFields ?? [])
    .map(
      ({ manager, operation, apiVersion, subresource, fieldsV1 }) =>
        `${manager} ${operation} ${apiVersion.slice(group.length + 1)}${subresource === undefined ? "" : ` ${subresource}`} ${JSON.stringify(fieldsV1)}`,
    )
    .sort();

test("several managers apply and update in both versions: values, owners, conflicts", async () => {
  const first = await apply("v1", "shared", "one", { size: 1, items: [{ name: "a", n: 1 }] });
  assert.equal(first.status, 201, first.message);
  const second = await apply("v2", "shared", "two", { note: "x", items: [{ name: "b", n: 2 }] });
  assert.equal(second.status, 200, second.message);
  assert.deepEqual(second.object.spec, {
    box: { size: "1" },
    note: "x",
    items: [
      { name: "a", n: 1 },
      { name: "b", n: 2 },
    ],
  });
  const one =
    'one Apply v1 {"f:spec":{"f:items":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:n":{},"f:name":{}}},"f:size":{}}}';
  const two = (more: string): string =>
    `two Apply v2 {"f:spec":{${more}"f:items":{"k:{\\"name\\":\\"b\\"}":{".":{},"f:n":{},"f:name":{}}},"f:note":{}}}`;
  assert.deepEqual(managers(second.object), [one, two("")]);

  // The same size, told in the other version: shared, no conflict.
  const items = [{ name: "b", n: 2 }];
  const agreed = await apply("v2", "shared", "two", { box: { size: "1" }, note: "x", items });
  assert.equal(agreed.status, 200, agreed.message);
  assert.deepEqual(managers(agreed.object), [one, two('"f:box":{"f:size":{}},')]);
  // Again: nothing is written.
  const again = await apply("v2", "shared", "two", { box: { size: "1" }, note: "x", items });
  assert.equal(again.object.metadata.resourceVersion, agreed.object.metadata.resourceVersion);

  const conflict = await apply("v2", "shared", "two", { box: { size: "2" }, note: "x", items });
  assert.equal(conflict.status, 409);
  assert.equal(conflict.message, 'Apply failed with 1 conflict: conflict with "one": .spec.size');
  const forced = await apply("v2", "shared", "two", { box: { size: "2" }, note: "x", items }, "&force=true");
  assert.equal(forced.status, 200, forced.message);
  assert.deepEqual(managers(forced.object), [
    'one Apply v1 {"f:spec":{"f:items":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:n":{},"f:name":{}}}}}',
    two('"f:box":{"f:size":{}},'),
  ]);
  assert.deepEqual((await ok("GET", at("v1", "shared"))).spec.size, 2);

  // An update in v1 takes the size from the one who has it in v2.
  const current = await ok("GET", at("v1", "shared"));
  const put = await ok("PUT", `${at("v1", "shared")}?fieldManager=three`, {
    ...current,
    spec: { ...current.spec, size: 3 },
  });
  assert.deepEqual(managers(put), [
    'one Apply v1 {"f:spec":{"f:items":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:n":{},"f:name":{}}}}}',
    'three Update v1 {"f:spec":{"f:size":{}}}',
    two(""),
  ]);
  // A status in v2 has a manager of its own.
  const status = await ok(
    "PATCH",
    `${at("v2", "shared")}/status?fieldManager=four`,
    { status: { seen: 1 } },
    "application/merge-patch+json",
  );
  assert.ok(managers(status).includes('four Update v2 status {"f:status":{".":{},"f:seen":{}}}'));

  // What a manager no longer applies goes, whatever version it was written in.
  const less = await apply("v2", "shared", "one", {});
  assert.equal(less.status, 200, less.message);
  assert.deepEqual(less.object.spec, { box: { size: "3" }, note: "x", items });
});

test("a conversion that fails midway changes nothing, and says so", async () => {
  await ok("POST", at("v1"), crate("v1", "failing", { size: 1, note: "a" }));
  const stored = await ok("GET", at("v1", "failing"));
  disturb = () => {
    throw new Error("out of boxes");
  };
  try {
    const asked: [string, Promise<Answer>][] = [
      ["get", send("GET", at("v2", "failing"))],
      ["apply", apply("v2", "failing", "one", { note: "b" })],
      ["patch", send("PATCH", at("v2", "failing"), { spec: { note: "b" } }, "application/merge-patch+json")],
      ["put", send("PUT", at("v2", "failing"), { ...convert(stored, `${group}/v2`), spec: { note: "b" } })],
      ["post", send("POST", at("v2"), crate("v2", "failing-new", { note: "b" }))],
    ];
    for (const [name, answer] of asked) {
      const { status, message } = await answer;
      assert.equal(status, 500, `${name}: ${message}`);
      assert.match(
        message,
        /conversion webhook for ship\.example\.com\/v[12], Kind=Crate failed: out of boxes/,
        name,
      );
    }
    assert.deepEqual(await ok("GET", at("v1", "failing")), stored);
    assert.equal((await send("GET", at("v1", "failing-new"))).status, 404);
  } finally {
    disturb = () => undefined;
  }
  // The second of several conversions of one write.
  let calls = 0;
  disturb = () => {
    calls += 1;
    if (calls === 2) throw new Error("out of boxes");
  };
  try {
    const { status } = await apply("v2", "failing", "one", { note: "b" }, "&force=true");
    assert.equal(status, 500);
    assert.deepEqual(await ok("GET", at("v1", "failing")), stored);
  } finally {
    disturb = () => undefined;
  }
  const applied = await apply("v2", "failing", "one", { note: "b" }, "&force=true");
  assert.deepEqual(applied.object.spec, { box: { size: "1" }, note: "b" });
});

test("slow conversions: nobody's change is lost, and requests in the stored version do not wait", async () => {
  await ok("POST", at("v1"), crate("v1", "slow", { size: 0, items: [] }));
  let reads = 0;
  // A conversion lasts until several reads were answered: were they behind it in a queue, both would wait for ever.
  disturb = async () => {
    const before = reads;
    await sleep(60);
    await until("reads go on", () => reads >= before + 3);
  };
  try {
    let busy = true;
    const reader = (async () => {
      for (; busy; reads += 1) await ok("GET", at("v1", "slow"));
    })();
    const count = async (version: string, writer: string): Promise<void> => {
      for (let done = 0; done < 4; ) {
        const current = await ok("GET", at(version, "slow"));
        const { size, box } = current.spec as { size?: number; box?: { size: string } };
        const items = (current.spec.items ?? []) as object[];
        const next =
          version === "v1" ? { size: (size ?? 0) + 1 } : { box: { size: String(Number(box?.size) + 1) } };
        const { status, message } = await send("PUT", at(version, "slow"), {
          ...current,
          spec: { ...current.spec, ...next, items: [...items, { name: `${writer}-${done}` }] },
        });
        assert.ok(status === 200 || status === 409, message);
        if (status === 200) done += 1;
      }
    };
    await Promise.all([count("v1", "a"), count("v2", "b"), count("v2", "c")]);
    busy = false;
    await reader;
    const { spec } = await ok("GET", at("v1", "slow"));
    assert.equal(spec.size, 12);
    assert.equal((spec.items as object[]).length, 12);
  } finally {
    disturb = () => undefined;
  }
});

test("lists, pages and watches of both versions see every write", async () => {
  const { server, access } = { server: workspace.url, access: target.myriad?.admin.access };
  const begin = (await ok("GET", at("v1"))).metadata.resourceVersion;
  const watches =
    access === undefined
      ? []
      : await Promise.all(["v1", "v2"].map((version) => openWatch(server + at(version), access, begin)));
  const expected: string[] = [];
  for (let i = 0; i < 20; i++) {
    const version = i % 2 === 0 ? "v1" : "v2";
    const spec = version === "v1" ? { size: i } : { box: { size: String(i) } };
    await ok("POST", at(version), crate(version, `listed-${i}`, spec, { labels: { listed: "yes" } }));
    expected.push(`ADDED listed-${i}`);
  }
  await ok("DELETE", at("v2", "listed-0"));
  expected.push("DELETED listed-0");
  for (const watch of watches) {
    await until("the watch has all", () => watch.frames.length === expected.length);
    assert.deepEqual(
      watch.frames.map(({ type, name }) => `${type} ${name}`),
      expected,
    );
    watch.close();
  }
  const sizes = async (version: string): Promise<unknown[]> => {
    const found: unknown[] = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const path = `${at(version)}?labelSelector=listed&limit=7&continue=${encodeURIComponent(next)}`;
      const page = (await ok("GET", path)) as unknown as { items: Crate[]; metadata: { continue?: string } };
      for (const { apiVersion, spec } of page.items) {
        assert.equal(apiVersion, `${group}/${version}`);
        found.push(version === "v1" ? spec.size : Number((spec.box as { size: string }).size));
      }
      next = page.metadata.continue === "" ? undefined : page.metadata.continue;
    }
    return found.sort((x, y) => Number(x) - Number(y));
  };
  const all = Array.from({ length: 19 }, (_, i) => i + 1);
  assert.deepEqual(await sizes("v1"), all);
  assert.deepEqual(await sizes("v2"), all);
});

test("a watch that cannot be converted ends with the error, and goes on where it was", async (t) => {
  const { myriad } = target;
  // kube-apiserver's watches hang on its cache, which begins anew in the background.
  if (myriad === undefined) return t.skip("only Myriad");
  const { access } = myriad.admin;
  const list = await ok("GET", at("v2"));
  const version = list.metadata.resourceVersion;
  const watch = await openWatch(workspace.url + at("v2"), access, version);
  disturb = () => {
    throw new Error("out of boxes");
  };
  try {
    await ok("POST", at("v1"), crate("v1", "unseen", { size: 1 }));
    await until("the watch has ended", () => watch.ended() !== undefined);
  } finally {
    disturb = () => undefined;
  }
  assert.deepEqual(
    watch.frames.map(({ type }) => type),
    ["ERROR"],
  );
  const again = await openWatch(workspace.url + at("v2"), access, version);
  await until("it is seen", () => again.frames.some(({ name }) => name === "unseen"));
  again.close();
});
