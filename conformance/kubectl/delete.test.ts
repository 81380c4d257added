import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/child.ts";
import { configMap, isReference, suite } from "./suite.ts";

const ns = ["-n", "deleting"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "deleting"]);
});

const create = (name: string, ...labels: string[]): Promise<string> =>
  s.kubectl.ok(["create", "-f", "-", ...ns], {
    stdin: configMap(
      name,
      {},
      labels.length === 0 ? {} : { labels: Object.fromEntries(labels.map((each) => [each, "yes"])) },
    ),
  });
const exists = async (name: string): Promise<boolean> =>
  (await s.kubectl.run(["get", "cm", name, ...ns])).code === 0;

test("delete one, several, from a file; a second time is NotFound, or fine with --ignore-not-found", async () => {
  for (const name of ["one", "two", "three", "four"]) await create(name);
  assert.equal(
    await s.kubectl.ok(["delete", "cm", "one", ...ns]),
    'configmap "one" deleted from deleting namespace\n',
  );
  await s.kubectl.ok(["delete", "cm/two", "cm/three", ...ns]);
  await s.kubectl.ok(["delete", "-f", "-", ...ns], { stdin: configMap("four", {}) });
  for (const name of ["one", "two", "three", "four"]) assert.equal(await exists(name), false, name);
  assert.equal(
    await s.kubectl.fails(["delete", "cm", "one", ...ns]),
    'Error from server (NotFound): configmaps "one" not found',
  );
  assert.equal(await s.kubectl.ok(["delete", "cm", "one", "--ignore-not-found", ...ns]), "");
});

test("delete by label, and --all", async () => {
  await create("l1", "gone");
  await create("l2", "gone");
  await create("l3", "kept");
  await s.kubectl.ok(["delete", "cm", "-l", "gone", ...ns]);
  assert.deepEqual([await exists("l1"), await exists("l2"), await exists("l3")], [false, false, true]);
  await s.kubectl.ok(["delete", "cm", "--all", ...ns]);
  assert.equal(await exists("l3"), false);
});

test("delete with every propagation policy, now and with a grace period", async () => {
  for (const cascade of ["background", "foreground", "orphan"]) {
    // The reference runs no garbage collector: nobody would take these finalizers away.
    if (isReference && cascade !== "background") continue;
    await create(cascade);
    await s.kubectl.ok(["delete", "cm", cascade, `--cascade=${cascade}`, ...ns]);
    assert.equal(await exists(cascade), false);
  }
  await create("now");
  await s.kubectl.ok(["delete", "cm", "now", "--now", ...ns]);
  await create("grace");
  await s.kubectl.ok(["delete", "cm", "grace", "--grace-period=5", ...ns]);
  assert.deepEqual([await exists("now"), await exists("grace")], [false, false]);
});

test("finalizers hold an object; delete waits; wait --for=delete sees it go", async () => {
  await s.kubectl.ok(["create", "-f", "-", ...ns], {
    stdin: configMap("held", {}, { finalizers: ["example.com/hold"] }),
  });
  const waiting = s.kubectl.run(["delete", "cm", "held", ...ns]);
  await until("the deletion has begun", async () => {
    const object = await s.kubectl.json(["get", "cm", "held", ...ns]);
    return object.metadata.deletionTimestamp !== undefined;
  });
  const held = await s.kubectl.json(["get", "cm", "held", ...ns]);
  assert.equal(held.metadata.deletionGracePeriodSeconds, 0);
  const waiter = s.kubectl.run(["wait", "--for=delete", "cm/held", ...ns, "--timeout=300s"]);
  // No new finalizer once deletion has begun.
  assert.match(
    await s.kubectl.fails([
      "patch",
      "cm",
      "held",
      ...ns,
      "--type=merge",
      "-p",
      '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}',
    ]),
    /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string{"example.com\/more"}/,
  );
  await s.kubectl.ok([
    "patch",
    "cm",
    "held",
    ...ns,
    "--type=merge",
    "-p",
    '{"metadata":{"finalizers":null}}',
  ]);
  assert.equal((await waiting).code, 0);
  const waited = await waiter;
  assert.equal(waited.code, 0, waited.stderr);
  assert.equal(await exists("held"), false);
});

test("--wait=false returns at once", async () => {
  await s.kubectl.ok(["create", "-f", "-", ...ns], {
    stdin: configMap("slow", {}, { finalizers: ["example.com/hold"] }),
  });
  await s.kubectl.ok(["delete", "cm", "slow", "--wait=false", ...ns]);
  assert.equal(await exists("slow"), true);
  await s.kubectl.ok([
    "patch",
    "cm",
    "slow",
    ...ns,
    "--type=json",
    "-p",
    '[{"op":"remove","path":"/metadata/finalizers"}]',
  ]);
  assert.equal(await exists("slow"), false);
});

test("wait --for=jsonpath and --for=create", async () => {
  await create("awaited");
  const waiter = s.kubectl.run([
    "wait",
    "--for=jsonpath={.data.ready}=yes",
    "cm/awaited",
    ...ns,
    "--timeout=300s",
  ]);
  const creation = s.kubectl.run(["wait", "--for=create", "cm/later", ...ns, "--timeout=300s"]);
  await s.kubectl.ok(["patch", "cm", "awaited", ...ns, "-p", '{"data":{"ready":"no"}}']);
  await s.kubectl.ok(["patch", "cm", "awaited", ...ns, "-p", '{"data":{"ready":"yes"}}']);
  await create("later");
  const done = await waiter;
  assert.equal(done.stdout, "configmap/awaited condition met\n", done.stderr);
  const created = await creation;
  assert.equal(created.stdout, "configmap/later condition met\n", created.stderr);
  assert.match(
    await s.kubectl.fails([
      "wait",
      "--for=jsonpath={.data.ready}=never",
      "cm/awaited",
      ...ns,
      "--timeout=5s",
    ]),
    /timed out waiting for the condition on configmaps\/awaited/,
  );
});

test("a namespace's deletion takes its content along", { skip: isReference }, async () => {
  await s.kubectl.ok(["create", "namespace", "doomed"]);
  await s.kubectl.ok(["create", "cm", "inside", "-n", "doomed"]);
  await s.kubectl.ok(["create", "secret", "generic", "inside", "-n", "doomed"]);
  assert.equal(await s.kubectl.ok(["delete", "namespace", "doomed"]), 'namespace "doomed" deleted\n');
  assert.equal(
    await s.kubectl.fails(["get", "namespace", "doomed"]),
    'Error from server (NotFound): namespaces "doomed" not found',
  );
  await s.kubectl.ok(["create", "namespace", "doomed"]);
  assert.equal(
    await s.kubectl.ok([
      "get",
      "cm,secret",
      "-n",
      "doomed",
      "-o",
      "name",
      "--field-selector=metadata.name=inside",
    ]),
    "",
  );
});

test("a terminating namespace takes no new objects", async () => {
  await s.kubectl.ok(["create", "namespace", "closing"]);
  await s.kubectl.ok(["create", "-f", "-", "-n", "closing"], {
    stdin: configMap("held", {}, { finalizers: ["example.com/hold"] }),
  });
  await s.kubectl.ok(["delete", "namespace", "closing", "--wait=false"]);
  assert.match(await s.kubectl.ok(["get", "ns", "closing"]), /closing\s+Terminating/);
  assert.equal(
    await s.kubectl.fails(["create", "cm", "late", "-n", "closing"]),
    'error: failed to create configmap: configmaps "late" is forbidden: unable to create new content in namespace closing because it is being terminated',
  );
  await s.kubectl.ok([
    "patch",
    "cm",
    "held",
    "-n",
    "closing",
    "--type=merge",
    "-p",
    '{"metadata":{"finalizers":null}}',
  ]);
  if (isReference) return;
  await s.kubectl.ok(["wait", "--for=delete", "ns/closing", "--timeout=300s"]);
});

test("the first namespaces cannot be deleted", async () => {
  assert.equal(
    await s.kubectl.fails(["delete", "namespace", "default"]),
    'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
  );
});
