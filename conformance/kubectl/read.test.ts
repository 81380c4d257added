import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/child.ts";
import { configMap, isReference, suite } from "./suite.ts";

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "reading"]);
  await kubectl.ok(["create", "namespace", "other"]);
  const objects = [
    configMap("alpha", { a: "1" }, { namespace: "reading", labels: { app: "x", tier: "front" } }),
    configMap("beta", { a: "2", b: "3" }, { namespace: "reading", labels: { app: "x", tier: "back" } }),
    configMap("gamma", { a: "0" }, { namespace: "reading", labels: { app: "y" } }),
    configMap("alpha", { other: "yes" }, { namespace: "other", labels: { app: "x" } }),
  ];
  await kubectl.ok(["create", "-f", "-"], { stdin: objects.join("\n---\n") });
  await kubectl.ok(["create", "secret", "generic", "door", "--from-literal=key=open", "-n", "reading"]);
});

const names = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const reading = (...args: string[]): Promise<string> => s.kubectl.ok(["get", ...args, "-n", "reading"]);
const own = "metadata.name!=kube-root-ca.crt";

test("get prints the server's table", async () => {
  const lines = names(await reading("configmaps", "--field-selector", own));
  assert.match(lines[0] ?? "", /^NAME\s+DATA\s+AGE$/);
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(/\s+/).slice(0, 2)),
    [
      ["alpha", "1"],
      ["beta", "2"],
      ["gamma", "1"],
    ],
  );
  assert.match(lines[1] ?? "", /\s\d+s$|\s\d+m\d*s?$/);
});

test("get of one secret shows type and count", async () => {
  assert.match(await reading("secret", "door"), /^NAME\s+TYPE\s+DATA\s+AGE\ndoor\s+Opaque\s+1\s+\d+[sm]/);
});

test("get namespaces -o wide shows their phase", async () => {
  assert.match(
    await s.kubectl.ok(["get", "ns", "reading", "-o", "wide"]),
    /^NAME\s+STATUS\s+AGE\nreading\s+Active\s/,
  );
});

test("get -o yaml and -o json show the whole object", async () => {
  const yaml = await reading("cm", "alpha", "-o", "yaml");
  assert.match(yaml, /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\nmetadata:\n/);
  assert.match(yaml, /\n {2}labels:\n {4}app: x\n {4}tier: front\n {2}name: alpha\n {2}namespace: reading\n/);
  const object = await s.kubectl.json(["get", "cm", "alpha", "-n", "reading"]);
  assert.deepEqual(object.data, { a: "1" });
  assert.match(object.metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(object.metadata.resourceVersion, /^[1-9][0-9]*$/);
  assert.match(String(object.metadata.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test("get of a list in JSON is a List with the kind of each item", async () => {
  const list = await s.kubectl.json(["get", "cm", "-n", "reading", "-l", "app=x"]);
  assert.equal(list.kind, "List");
  assert.deepEqual(
    list.items.map((item) => [item.kind, item.apiVersion, item.metadata.name]),
    [
      ["ConfigMap", "v1", "alpha"],
      ["ConfigMap", "v1", "beta"],
    ],
  );
});

test("get -o name, jsonpath, custom-columns, go-template", async () => {
  assert.equal(await reading("cm", "alpha", "-o", "name"), "configmap/alpha\n");
  assert.equal(await reading("cm", "beta", "-o", "jsonpath={.data.b}"), "3");
  assert.equal(
    await reading("cm", "-l", "app", "-o", "custom-columns=N:.metadata.name,A:.data.a"),
    "N       A\nalpha   1\nbeta    2\ngamma   0\n",
  );
  assert.equal(await reading("cm", "gamma", "-o", "go-template={{.metadata.labels.app}}"), "y");
});

test("label selectors: equality, sets, existence", async () => {
  const select = async (selector: string): Promise<string[]> =>
    names(await reading("cm", "-l", selector, "-o", "name")).map((each) => each.slice("configmap/".length));
  assert.deepEqual(await select("app=x"), ["alpha", "beta"]);
  assert.deepEqual(await select("app=x,tier!=back"), ["alpha"]);
  assert.deepEqual(await select("tier in (front, back)"), ["alpha", "beta"]);
  assert.deepEqual(await select("app,!tier"), ["gamma"]);
  assert.deepEqual(await select("app notin (x),app"), ["gamma"]);
});

test("a malformed label selector is refused", async () => {
  assert.match(
    await s.kubectl.fails(["get", "cm", "-l", "a in ("]),
    /^$|unable to parse requirement|found '', expected/,
  );
  assert.match(
    await s.kubectl.fails(["get", "--raw", "/api/v1/configmaps?labelSelector=a%3D%3D%3D"]),
    /unable to parse requirement|BadRequest/,
  );
});

test("field selectors: name and namespace, and an unknown one is refused", async () => {
  assert.equal(
    await s.kubectl.ok(["get", "cm", "-A", "--field-selector", "metadata.name=alpha", "-o", "name"]),
    "configmap/alpha\nconfigmap/alpha\n",
  );
  assert.equal(
    await s.kubectl.ok([
      ...["get", "cm", "-A", "--field-selector", "metadata.name=alpha,metadata.namespace!=other"],
      ...["-o", "jsonpath={.items[*].metadata.namespace}"],
    ]),
    "reading",
  );
  assert.match(
    await s.kubectl.fails(["get", "cm", "--field-selector", "data.a=1"]),
    /field label not supported: data\.a|"data\.a" is not a known field selector/,
  );
});

test("-A shows namespaces, --show-labels labels, -L columns of labels", async () => {
  assert.match(
    await s.kubectl.ok(["get", "cm", "-A", "-l", "app=x"]),
    /^NAMESPACE\s+NAME\s+DATA\s+AGE\nother\s+alpha\s+1\s+\S+\nreading\s+alpha\s+1\s+\S+\nreading\s+beta\s/,
  );
  assert.match(
    await reading("cm", "alpha", "--show-labels"),
    /LABELS\nalpha\s+1\s+\S+\s+app=x,tier=front\n$/,
  );
  assert.match(await reading("cm", "alpha", "-L", "tier"), /AGE\s+TIER\nalpha\s+1\s+\S+\s+front\n$/);
});

test("--sort-by orders by a field", async () => {
  assert.equal(
    await reading("cm", "-l", "app", "--sort-by={.data.a}", "-o", "name"),
    "configmap/gamma\nconfigmap/alpha\nconfigmap/beta\n",
  );
});

test("--chunk-size reads page by page and shows everything once", async () => {
  const many = Array.from({ length: 23 }, (_, at) =>
    configMap(`page-${String(at).padStart(2, "0")}`, {}, { namespace: "reading", labels: { paged: "yes" } }),
  );
  await s.kubectl.ok(["create", "-f", "-"], { stdin: many.join("\n---\n") });
  const { stdout, stderr } = await s.kubectl.run([
    ...["get", "cm", "-n", "reading", "-l", "paged", "--chunk-size=5", "-o", "name", "-v=6"],
  ]);
  assert.deepEqual(
    names(stdout),
    many.map((_, at) => `configmap/page-${String(at).padStart(2, "0")}`),
  );
  assert.equal(stderr.match(/limit=5/g)?.length, 5, stderr);
  assert.equal(stderr.match(/continue=/g)?.length, 4, stderr);
});

test("several kinds at once", async () => {
  const text = await reading("cm/alpha", "secret/door");
  assert.match(text, /configmap\/alpha\s+1/);
  assert.match(text, /secret\/door\s+Opaque\s+1/);
});

test("--watch shows what is there and what changes; --watch-only only what changes", async () => {
  const { kubectl } = s;
  await kubectl.ok(["create", "cm", "seen", "-n", "other", "--from-literal=n=0"]);
  const only = ["-n", "other", "--field-selector=metadata.name=seen"];
  const all = kubectl.follow(["get", "cm", ...only, "--watch", "--output-watch-events"]);
  const changes = kubectl.follow([
    ...["get", "cm", ...only, "--watch-only"],
    ...["-o", 'jsonpath={.data.n}{"\\n"}'],
  ]);
  try {
    await until("the first line", () => all.lines().length >= 2);
    await kubectl.ok(["patch", "cm", "seen", "-n", "other", "-p", '{"data":{"n":"1","m":"1"}}']);
    // The second follower may have begun after this patch; it must be at work before the next.
    await until("the patch is shown", () => all.lines().length >= 3);
    await until("the second follower is at work", async () => {
      await kubectl.ok(["annotate", "cm", "seen", "-n", "other", "--overwrite", `tick=${Date.now()}`]);
      return changes.lines().length >= 1;
    });
    await kubectl.ok(["delete", "cm", "seen", "-n", "other"]);
    await until("the deletion is shown", () => all.lines().some((line) => line.startsWith("DELETED")));
    const lines = all.lines().map((line) => line.trim().split(/\s+/).slice(0, 3));
    assert.deepEqual(lines[0], ["EVENT", "NAME", "DATA"]);
    assert.deepEqual(lines[1], ["ADDED", "seen", "1"]);
    assert.deepEqual(lines[2], ["MODIFIED", "seen", "2"]);
    assert.deepEqual(lines.at(-1), ["DELETED", "seen", "2"]);
    assert.ok(changes.lines().every((line) => line === "1"));
  } finally {
    await all.stop();
    await changes.stop();
  }
});

test("describe: namespace, configmap, secret", async () => {
  const { kubectl } = s;
  assert.match(
    await kubectl.ok(["describe", "namespace", "reading"]),
    /^Name:\s+reading\nLabels:\s+kubernetes\.io\/metadata\.name=reading\nAnnotations:\s+\S.*\nStatus:\s+Active\n/,
  );
  const text = await kubectl.ok(["describe", "cm", "alpha", "-n", "reading"]);
  assert.match(text, /^Name:\s+alpha\nNamespace:\s+reading\nLabels:\s+app=x\n\s+tier=front\n/);
  assert.match(text, /\nData\n====\na:\n----\n1\n/);
  assert.match(text, /Events:\s+<none>/);
  assert.match(
    await kubectl.ok(["describe", "secret", "door", "-n", "reading"]),
    /Type:\s+Opaque\n\nData\n====\nkey:\s+4 bytes\n/,
  );
});

test("describe shows the events about an object", async () => {
  const { kubectl } = s;
  const object = await kubectl.json(["get", "cm", "beta", "-n", "reading"]);
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "beta.1", namespace: "reading" },
    involvedObject: {
      kind: "ConfigMap",
      apiVersion: "v1",
      name: "beta",
      namespace: "reading",
      uid: object.metadata.uid,
    },
    reason: "Greeted",
    message: "hello there",
    type: "Normal",
    source: { component: "conformance" },
    count: 1,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
  };
  await kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify(event) });
  assert.match(
    await kubectl.ok(["describe", "cm", "beta", "-n", "reading"]),
    /Normal\s+Greeted\s+\S+\s+conformance\s+hello there/,
  );
  assert.match(
    await kubectl.ok(["get", "events", "-n", "reading"]),
    /LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE\n\S+\s+Normal\s+Greeted\s+configmap\/beta\s+hello there/,
  );
  assert.match(
    await kubectl.ok(["events", "-n", "reading", "--for", "configmap/beta"]),
    /Greeted\s+ConfigMap\/beta\s+hello there/,
  );
});

test("a namespace has its service account and root CA", { skip: isReference }, async () => {
  const { kubectl } = s;
  await until(
    "the service account",
    async () => (await kubectl.run(["get", "sa", "default", "-n", "other"])).code === 0,
  );
  assert.match(
    await kubectl.ok(["describe", "sa", "default", "-n", "other"]),
    /^Name:\s+default\nNamespace:\s+other\n/,
  );
  assert.match(
    await kubectl.ok(["get", "cm", "kube-root-ca.crt", "-n", "other", "-o", "jsonpath={.data.ca\\.crt}"]),
    /^-----BEGIN CERTIFICATE-----\n/,
  );
});
