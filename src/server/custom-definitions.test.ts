/** The life of definitions: names, conditions, deletion, and what else goes when they do. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "#base/testing/until.ts";
import { definitionOf } from "./testing/definitions.ts";
import { type Answer, type Json, type LiveServer, startLiveServer } from "./testing/live-server.ts";
import { rest } from "./testing/tenants.ts";

let server: LiveServer;
before(async () => {
  server = await startLiveServer();
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const merge = "application/merge-patch+json";

const workspace = async (name: string, type?: string): Promise<string> =>
  `/clusters/${await server.workspace(name, type === undefined ? {} : { type })}`;
const define = (base: string, options: Parameters<typeof definitionOf>[0] = {}): Promise<Answer> =>
  server.call("POST", base + definitions, { body: definitionOf(options) });
const create = (base: string, name: string, metadata: object = {}, spec: object = {}): Promise<Answer> =>
  server.call("POST", base + widgets, {
    body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name, ...metadata }, spec },
  });

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}
const conditionsOf = ({ status }: Json): string[] =>
  (status as { conditions: Condition[] }).conditions.map(
    ({ type, status: is, reason }) => `${type} ${is} ${reason}`,
  );

const isGone = async (path: string): Promise<boolean> => (await server.call("GET", path)).status === 404;

test("a kind that is in use is refused, and the last conflict is told", async () => {
  const base = await workspace("names");
  await define(base);
  const second = await define(base, { plural: "gadgets", kind: "Widget" });
  assert.equal(second.status, 201);
  assert.deepEqual(conditionsOf(second.json), [
    "NamesAccepted False ListKindConflict",
    "Established False NotAccepted",
  ]);
  const { conditions, acceptedNames } = second.json.status as {
    conditions: Condition[];
    acceptedNames: object;
  };
  assert.equal(conditions[0]?.message, '"WidgetList" is already in use');
  assert.deepEqual(acceptedNames, { plural: "gadgets", kind: "" });
});

test("names: short names conflict, too, and with built-in kinds of the same group", async () => {
  const base = await workspace("short");
  await define(base, { names: { shortNames: ["w"] } });
  const second = await define(base, { kind: "Wheel", names: { shortNames: ["w"] } });
  assert.deepEqual(conditionsOf(second.json), [
    "NamesAccepted False ShortNamesConflict",
    "Established False NotAccepted",
  ]);
  assert.equal((await server.call("GET", `${base}/apis/example.com/v1/wheels`)).status, 404);
  const other = await define(base, {
    kind: "Wheel",
    group: "other.example.com",
    names: { shortNames: ["w"] },
  });
  assert.equal(conditionsOf(other.json)[0], "NamesAccepted True NoConflicts");
  const kcp = await define(base, { kind: "Workspace", group: "tenancy.kcp.io" });
  assert.equal(conditionsOf(kcp.json)[0], "NamesAccepted False ListKindConflict");

  assert.equal((await server.call("DELETE", `${base}${definitions}/widgets.example.com`)).status, 200);
  await until("the names are free", async () => {
    const now = (await server.call("GET", `${base}${definitions}/wheels.example.com`)).json;
    return conditionsOf(now).includes("Established True InitialNamesAccepted");
  });
  assert.equal((await server.call("GET", `${base}/apis/example.com/v1/wheels`)).status, 200);
});

test("a definition goes when its objects have gone; meanwhile nothing new is taken", async () => {
  const base = await workspace("finalizer");
  await define(base);
  await create(base, "plain");
  await create(base, "held", { finalizers: ["example.com/hold"] });
  const path = `${base}${definitions}/widgets.example.com`;
  const deleted = await server.call("DELETE", path);
  assert.equal(deleted.status, 200);
  assert.deepEqual(deleted.json.metadata.finalizers, ["customresourcecleanup.apiextensions.k8s.io"]);
  assert.ok(conditionsOf(deleted.json).includes("Terminating True InstanceDeletionPending"));
  await until("plain is gone", () => isGone(`${base}${widgets}/plain`));
  await until("the condition says so", async () =>
    conditionsOf((await server.call("GET", path)).json).includes(
      "Terminating True InstanceDeletionInProgress",
    ),
  );
  const refused = await create(base, "new");
  assert.equal(refused.status, 403);
  assert.match(refused.json.message, /create not allowed while custom resource definition is terminating$/);
  const discovery = (await server.call("GET", `${base}/apis/example.com/v1`)).json as unknown as {
    resources: { verbs: string[] }[];
  };
  assert.deepEqual(discovery.resources[0]?.verbs, ["delete", "deletecollection", "get", "list", "watch"]);
  const released = await server.call("PATCH", `${base}${widgets}/held`, {
    body: { metadata: { finalizers: null } },
    type: merge,
  });
  assert.equal(released.status, 200, released.text);
  await until("the definition is gone", () => isGone(path));
  assert.equal((await server.call("GET", base + widgets)).status, 404);
  assert.equal((await server.call("GET", `${base}/apis/example.com/v1`)).status, 404);
  // And can come again, empty.
  await define(base);
  assert.deepEqual((await server.call("GET", base + widgets)).json.items, []);
});

test("a deletion leaves the generation alone, and a watch of the objects goes on", async () => {
  const base = await workspace("marked");
  await define(base);
  await create(base, "held", { finalizers: ["example.com/hold"] });
  const list = (await server.call("GET", base + widgets)).json;
  const watch = await server.watch(
    `${base}${widgets}?watch=1&resourceVersion=${list.metadata.resourceVersion}`,
  );
  const deleted = await server.call("DELETE", `${base}${definitions}/widgets.example.com`);
  const { generation, deletionGracePeriodSeconds, deletionTimestamp } = deleted.json.metadata;
  assert.deepEqual([generation, deletionGracePeriodSeconds], [1, undefined]);
  assert.ok(deletionTimestamp !== undefined);
  const [event] = await watch.until(1);
  assert.deepEqual([event?.type, event?.object.metadata.name], ["MODIFIED", "held"]);
  watch.close();
});

test("what a write of the status may say: names and Established are settled again, no schema is non-structural", async () => {
  const base = await workspace("statuses");
  const created = (await define(base)).json as unknown as {
    metadata: object;
    status: { conditions: Condition[]; acceptedNames: object };
  };
  const path = `${base}${definitions}/widgets.example.com`;
  const { conditions, acceptedNames } = created.status;
  const answer = await server.call("PUT", `${path}/status`, {
    body: {
      ...created,
      metadata: { ...created.metadata, labels: { a: "b" } },
      status: {
        ...created.status,
        observedGeneration: 1,
        acceptedNames: { ...acceptedNames, shortNames: ["odd"] },
        conditions: [
          ...conditions.map((one) => (one.type === "Established" ? { ...one, status: "False" } : one)),
          { ...conditions[0], type: "NonStructuralSchema" },
          { ...conditions[0], type: "Mine", observedGeneration: 7 },
        ],
      },
    },
  });
  assert.equal(answer.status, 200, answer.text);
  const status = answer.json.status as {
    observedGeneration: number;
    conditions: unknown[];
    acceptedNames: object;
  };
  assert.deepEqual(status.acceptedNames, acceptedNames);
  assert.equal(status.observedGeneration, 1);
  assert.deepEqual(conditionsOf(answer.json), [
    "NamesAccepted True NoConflicts",
    "Established True InitialNamesAccepted",
    "Mine True NoConflicts",
  ]);
  assert.deepEqual((status.conditions[2] as { observedGeneration: number }).observedGeneration, 7);
  assert.deepEqual(answer.json.metadata.labels, { a: "b" });
  const refused = await server.call("PATCH", `${path}/status`, {
    body: { status: { acceptedNames: { plural: "UPPER" } } },
    type: merge,
  });
  assert.equal(refused.status, 422);
  assert.match(refused.json.message, /status.acceptedNames.plural: Invalid value: "UPPER"/);
});

test("what is wrong with names is told once; finalizers are free", async () => {
  const base = await workspace("free");
  const refused = await define(base, { names: { listKind: "Widget" } });
  assert.equal(refused.status, 422);
  assert.match(
    refused.json.message,
    /is invalid: spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same$/,
  );
  const free = definitionOf();
  const body = { ...free, metadata: { ...free.metadata, finalizers: ["nope"] } };
  const created = await server.call("POST", base + definitions, { body });
  assert.equal(created.status, 201, created.text);
});

test("custom objects say what they are; discovery tells it in full", async () => {
  const base = await workspace("kinds");
  await define(base);
  const text = async (body: object): Promise<string> => {
    const answer = await server.call("POST", base + widgets, { body });
    return `${answer.status} ${answer.json.message}`;
  };
  assert.equal(
    await text({ metadata: { name: "a" } }),
    `400 the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{"metadata":{"name":"a"}}' ({"metadata":{"name":"a"}})`,
  );
  assert.equal(
    await text({ kind: "Widget", metadata: { name: "a" } }),
    "400 the API version in the data () does not match the expected API version (example.com/v1)",
  );
  const gadget = { apiVersion: "example.com/v1", kind: "Gadget", metadata: { name: "a" } };
  assert.equal(
    await text(gadget),
    '422 Gadget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget',
  );
  await create(base, "a");
  const patched = await server.call("PATCH", `${base}${widgets}/a`, {
    body: { kind: "Pod", apiVersion: "v1" },
    type: merge,
  });
  assert.equal(
    patched.json.message,
    'Pod "a" is invalid: [kind: Invalid value: "Pod": must be Widget, apiVersion: Invalid value: "v1": must be example.com/v1]',
  );
  const list = (await server.call("GET", base + widgets)).json.metadata as { continue?: string };
  assert.equal(list.continue, "");
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const all = (await server.call("GET", `${base}/apis`, { accept })).json as unknown as {
    items: { metadata: { name: string }; versions: { resources: { responseKind: object }[] }[] }[];
  };
  const group = all.items.find(({ metadata }) => metadata.name === "example.com");
  assert.deepEqual(group?.versions[0]?.resources[0]?.responseKind, {
    group: "example.com",
    version: "v1",
    kind: "Widget",
  });
  const plain = (await server.call("GET", `${base}/apis/example.com/v1`)).json as unknown as {
    resources: { storageVersionHash?: string }[];
  };
  // sha256("example.com/v1/Widget"), the first eight bytes.
  assert.equal(plain.resources[0]?.storageVersionHash, "gIwvi5rymmg=");
});

test("storedVersions: a version stays in the definition until it is taken out of the status", async () => {
  const base = await workspace("stored");
  const one = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } };
  await define(base, { versions: [one] });
  const path = `${base}${definitions}/widgets.example.com`;
  const change = (spec: object): Promise<Answer> =>
    server.call("PATCH", path, { body: { spec }, type: merge });
  const two = { ...one, name: "v2" };
  const both = await change({ versions: [{ ...one, storage: false }, two] });
  assert.deepEqual((both.json.status as { storedVersions: string[] }).storedVersions, ["v1", "v2"]);
  const refused = await change({ versions: [two] });
  assert.equal(refused.status, 422);
  assert.match(
    refused.json.message,
    /status.storedVersions\[0\]: Invalid value: "v1": missing from spec.versions/,
  );
  const status = await server.call("PATCH", `${path}/status`, {
    body: { status: { storedVersions: ["v2"] } },
    type: merge,
  });
  assert.equal(status.status, 200, status.text);
  assert.equal((await change({ versions: [two] })).status, 200);
});

test("unserved and deprecated versions, paths that lead nowhere", async () => {
  const base = await workspace("paths");
  const schema = { openAPIV3Schema: { type: "object" } };
  const version = (name: string, more: object): object => ({
    name,
    served: true,
    storage: false,
    schema,
    ...more,
  });
  await define(base, {
    versions: [
      version("v1", { storage: true }),
      version("v1beta1", { deprecated: true }),
      version("v1alpha1", { deprecated: true, deprecationWarning: "no more" }),
      version("v2", { served: false }),
    ],
  });
  const warned = async (of: string): Promise<unknown> =>
    (await server.call("GET", `${base}/apis/example.com/${of}/widgets`)).headers.warning;
  assert.equal(await warned("v1"), undefined);
  assert.equal(
    await warned("v1beta1"),
    '299 - "example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget"',
  );
  assert.equal(await warned("v1alpha1"), '299 - "no more"');
  const text = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await server.call(
      method,
      `${base}/apis/example.com/${path}`,
      body === undefined ? {} : { body },
    );
    return `${answer.status} ${answer.text.trim()}`;
  };
  assert.equal(await text("GET", "v2/widgets"), "404 404 page not found");
  assert.equal(await text("GET", "v1/widgets/a"), "404 404 page not found");
  assert.equal(await text("GET", "v1/gadgets"), "404 404 page not found");
  const missing = await server.call("GET", `${base}${widgets}/a/nothing`);
  assert.equal(missing.json.message, 'widgets.example.com "a" not found');
  const scale = await server.call("GET", `${base}${widgets}/a/scale`);
  assert.equal(scale.status, 404);
  const created = await server.call("PUT", `${base}${widgets}/a`, {
    body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "a", resourceVersion: "1" } },
  });
  assert.equal(created.status, 404);
});

test("the wildcard says that every workspace defines its own", async () => {
  const base = await workspace("wildcard");
  await define(base);
  await create(base, "a");
  const answer = await server.call("GET", "/clusters/*/apis/example.com/v1/widgets");
  assert.equal(answer.status, 405);
  assert.match(
    answer.json.message,
    /workspaces define it each for itself, so only list and watch of PartialObjectMetadata are served there$/,
  );
  assert.equal((await server.call("GET", "/clusters/*/apis/example.com/v1/nothing")).status, 404);
});

test("namespaces and workspaces take their custom objects along, also when the definition went first", async () => {
  const base = await workspace("content", "kubernetes");
  await define(base);
  await server.call("POST", `${base}/api/v1/namespaces`, { body: { metadata: { name: "n" } } });
  const inside = `${base}/apis/example.com/v1/namespaces/n/widgets`;
  const body = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "a" } };
  assert.equal((await server.call("POST", inside, { body })).status, 201);
  await create(base, "b");
  await server.call("DELETE", `${base}/api/v1/namespaces/n`);
  await until("the namespace is gone", () => isGone(`${base}/api/v1/namespaces/n`));
  assert.equal(await isGone(`${inside}/a`), true);
  assert.equal((await server.call("GET", `${base}${widgets}/b`)).status, 200);

  const cluster = base.slice("/clusters/".length);
  await server.call("DELETE", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/content");
  await until("nothing is left", async () => server.store.tenantCounts(cluster).length === 0);
});

test("owners of custom kinds: dependents go with them, in both directions", async () => {
  const base = await workspace("owners");
  await define(base);
  const owner = (await create(base, "owner")).json;
  const reference = { apiVersion: "example.com/v1", kind: "Widget", name: "owner", uid: owner.metadata.uid };
  const dependent = await create(base, "dependent", { ownerReferences: [reference] });
  assert.equal(dependent.status, 201, dependent.text);
  const map = `${base}/api/v1/namespaces/default/configmaps`;
  await server.call("POST", map, { body: { metadata: { name: "m", ownerReferences: [reference] } } });
  await server.call("POST", map, {
    body: {
      metadata: {
        name: "lost",
        ownerReferences: [{ ...reference, uid: "11111111-1111-4111-8111-111111111111" }],
      },
    },
  });
  await until("a missing owner counts", () => isGone(`${map}/lost`));
  assert.equal((await server.call("GET", `${map}/m`)).status, 200);
  await server.call("DELETE", `${base}${widgets}/owner`);
  await until(
    "dependents are gone",
    async () => (await isGone(`${map}/m`)) && isGone(`${base}${widgets}/dependent`),
  );
  await rest(server);
});

test("two definitions of one kind created at once do not both keep it", async () => {
  const base = await workspace("race");
  await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      define(base, { plural: `race${i}`, kind: "Race", names: { singular: `race${i}x` } }),
    ),
  );
  await rest(server);
  const all = (await server.call("GET", base + definitions)).json.items;
  const accepted = all.filter((one) => conditionsOf(one).includes("NamesAccepted True NoConflicts"));
  assert.equal(accepted.length, 1);
});
