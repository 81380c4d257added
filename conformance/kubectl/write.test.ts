import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configMap, suite } from "./suite.ts";

const ns = ["-n", "writing"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "writing"]);
});

const get = (name: string) => s.kubectl.json(["get", "cm", name, ...ns]);

test("create configmap from literals and files, binary ones too", async () => {
  const folder = join(s.target.folder, "files");
  mkdirSync(folder);
  writeFileSync(join(folder, "text"), "line\n");
  writeFileSync(join(folder, "bytes"), Buffer.from([0xff, 0x00, 0x80]));
  assert.equal(
    await s.kubectl.ok(["create", "cm", "made", ...ns, "--from-literal=a=1", `--from-file=${folder}`]),
    "configmap/made created\n",
  );
  const object = await get("made");
  assert.deepEqual(object.data, { a: "1", text: "line\n" });
  assert.deepEqual(object.binaryData, { bytes: "/wCA" });
});

test("create secrets: generic, tls type, stringData", async () => {
  assert.equal(
    await s.kubectl.ok(["create", "secret", "generic", "pass", ...ns, "--from-literal=k=value"]),
    "secret/pass created\n",
  );
  const manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "strings", namespace: "writing" },
    stringData: { plain: "text" },
  };
  await s.kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify(manifest) });
  const secret = await s.kubectl.json(["get", "secret", "strings", ...ns]);
  assert.deepEqual(secret.data, { plain: Buffer.from("text").toString("base64") });
  assert.equal(secret.type, "Opaque");
  assert.equal(secret.stringData, undefined);
});

test("create serviceaccount, role, rolebinding, quota by their generators (protobuf bodies)", async () => {
  assert.equal(await s.kubectl.ok(["create", "sa", "robot", ...ns]), "serviceaccount/robot created\n");
  assert.equal(
    await s.kubectl.ok(["create", "role", "reader", "--verb=get,list", "--resource=configmaps", ...ns]),
    "role.rbac.authorization.k8s.io/reader created\n",
  );
  await s.kubectl.ok([
    ...["create", "rolebinding", "readers", "--role=reader", "--serviceaccount=writing:robot", ...ns],
  ]);
  assert.match(
    await s.kubectl.ok(["get", "rolebinding", "readers", "-o", "wide", ...ns]),
    /^NAME\s+ROLE\s+AGE\s+USERS\s+GROUPS\s+SERVICEACCOUNTS\nreaders\s+Role\/reader\s+\S+\s+writing\/robot\n/,
  );
  await s.kubectl.ok(["create", "quota", "few", "--hard=count/configmaps=100", ...ns]);
  assert.equal(
    await s.kubectl.ok(["get", "quota", "few", "-o", "jsonpath={.spec.hard}", ...ns]),
    '{"count/configmaps":"100"}',
  );
});

test("create from a YAML file with several documents, a List, and generateName", async () => {
  const file = join(s.target.folder, "several.yaml");
  writeFileSync(
    file,
    `apiVersion: v1
kind: ConfigMap
metadata:
  name: one
data: {a: "1"}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: two}
- apiVersion: v1
  kind: Secret
  metadata: {generateName: three-}
`,
  );
  const text = await s.kubectl.ok(["create", "-f", file, ...ns]);
  assert.match(
    text,
    /^configmap\/one created\nconfigmap\/two created\nsecret\/three-[bcdfghjklmnpqrstvwxz2456789]{5} created\n$/,
  );
});

test("apply: created, unchanged, configured; a field that left the file leaves the object", async () => {
  const apply = (data: Record<string, string>, metadata: Record<string, unknown> = {}): Promise<string> =>
    s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: configMap("applied", data, metadata) });
  assert.equal(await apply({ a: "1", b: "2" }, { labels: { keep: "no" } }), "configmap/applied created\n");
  const first = await get("applied");
  assert.equal(await apply({ a: "1", b: "2" }, { labels: { keep: "no" } }), "configmap/applied unchanged\n");
  assert.equal((await get("applied")).metadata.resourceVersion, first.metadata.resourceVersion);
  // A field of somebody else's stays.
  await s.kubectl.ok(["patch", "cm", "applied", ...ns, "-p", '{"data":{"foreign":"yes"}}']);
  assert.equal(await apply({ b: "3", c: "4" }), "configmap/applied configured\n");
  const object = await get("applied");
  assert.deepEqual(object.data, { b: "3", c: "4", foreign: "yes" });
  assert.equal(object.metadata.labels, undefined);
  assert.match(
    object.metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"] ?? "",
    /^{"apiVersion":"v1","data":{"b":"3","c":"4"},"kind":"ConfigMap"/,
  );
});

test("apply of a kind with lists merges by key (strategic merge)", async () => {
  const account = (...secrets: string[]): string =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "merged", namespace: "writing" },
      secrets: secrets.map((name) => ({ name })),
    });
  await s.kubectl.ok(["apply", "-f", "-"], { stdin: account("a", "b") });
  await s.kubectl.ok(["patch", "sa", "merged", ...ns, "-p", '{"secrets":[{"name":"c"}]}']);
  await s.kubectl.ok(["apply", "-f", "-"], { stdin: account("a", "d") });
  const names = await s.kubectl.ok(["get", "sa", "merged", ...ns, "-o", "jsonpath={.secrets[*].name}"]);
  assert.deepEqual(names.split(" ").sort(), ["a", "c", "d"]);
});

test("apply --prune removes what is no longer in the set", async () => {
  const labels = { set: "pruned" };
  const apply = (...names: string[]): Promise<string> =>
    s.kubectl.ok(
      ["apply", "-f", "-", ...ns, "--prune", "-l", "set=pruned", "--prune-allowlist=core/v1/ConfigMap"],
      { stdin: names.map((name) => configMap(name, { a: "1" }, { labels })).join("\n---\n") },
    );
  await apply("stays", "goes");
  assert.match(await apply("stays"), /configmap\/stays unchanged\nconfigmap\/goes pruned\n/);
  assert.match(await s.kubectl.fails(["get", "cm", "goes", ...ns]), /not found/);
});

test("apply view-last-applied and set-last-applied; diff", async () => {
  await s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: configMap("looked", { a: "1" }) });
  assert.match(await s.kubectl.ok(["apply", "view-last-applied", "cm", "looked", ...ns]), /a: "1"/);
  const same = await s.kubectl.run(["diff", "-f", "-", ...ns], { stdin: configMap("looked", { a: "1" }) });
  assert.deepEqual([same.code, same.stdout], [0, ""], same.stderr);
  const other = await s.kubectl.run(["diff", "-f", "-", ...ns], { stdin: configMap("looked", { a: "2" }) });
  assert.equal(other.code, 1, other.stderr);
  assert.match(other.stdout, /-\s+a: "1"\n\+\s+a: "2"/);
});

test("edit through an editor; no change is no write", async () => {
  await s.kubectl.ok(["create", "cm", "edited", ...ns, "--from-literal=a=1"]);
  const editor = join(s.target.folder, "editor.sh");
  writeFileSync(editor, '#!/bin/sh\nsed -i \'s/a: "1"/a: "edited"/\' "$1"\n', { mode: 0o700 });
  const edit = (program: string): Promise<string> =>
    s.kubectl.ok(["edit", "cm", "edited", ...ns], { env: { KUBE_EDITOR: program } });
  assert.equal(await edit(editor), "configmap/edited edited\n");
  const object = await get("edited");
  assert.deepEqual(object.data, { a: "edited" });
  await s.kubectl.run(["edit", "cm", "edited", ...ns], { env: { KUBE_EDITOR: "true" } });
  assert.equal((await get("edited")).metadata.resourceVersion, object.metadata.resourceVersion);
});

test("patch: strategic (default), merge, json", async () => {
  await s.kubectl.ok(["create", "cm", "patched", ...ns, "--from-literal=a=1", "--from-literal=b=2"]);
  const patch = (type: string, body: string): Promise<string> =>
    s.kubectl.ok(["patch", "cm", "patched", ...ns, `--type=${type}`, "-p", body]);
  assert.equal(await patch("strategic", '{"data":{"a":null,"c":"3"}}'), "configmap/patched patched\n");
  assert.deepEqual((await get("patched")).data, { b: "2", c: "3" });
  await patch("merge", '{"data":{"b":null,"d":"4"}}');
  assert.deepEqual((await get("patched")).data, { c: "3", d: "4" });
  await patch(
    "json",
    '[{"op":"test","path":"/data/c","value":"3"},{"op":"replace","path":"/data/c","value":"5"},{"op":"remove","path":"/data/d"}]',
  );
  assert.deepEqual((await get("patched")).data, { c: "5" });
  assert.equal(await patch("merge", '{"data":{"c":"5"}}'), "configmap/patched patched (no change)\n");
});

test("patch: a failing JSON patch test is 422, a wrong body 400", async () => {
  await s.kubectl.ok(["create", "cm", "unpatched", ...ns, "--from-literal=a=1"]);
  const patch = (type: string, body: string): Promise<string> =>
    s.kubectl.fails(["patch", "cm", "unpatched", ...ns, `--type=${type}`, "-p", body]);
  assert.match(
    await patch("json", '[{"op":"test","path":"/data/a","value":"2"}]'),
    /^The request is invalid: the server rejected our request due to an error in our request|testing value \/data\/a failed|test failed/,
  );
  assert.match(await patch("merge", '{"data":[1]}'), /cannot unmarshal|json: |BadRequest|invalid/i);
});

test("patch of a serviceaccount's list with a $patch directive", async () => {
  await s.kubectl.ok(["create", "-f", "-"], {
    stdin: JSON.stringify({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "listed", namespace: "writing" },
      secrets: [{ name: "a" }, { name: "b" }],
    }),
  });
  await s.kubectl.ok([
    "patch",
    "sa",
    "listed",
    ...ns,
    "-p",
    '{"secrets":[{"$patch":"delete","name":"a"},{"name":"c"}]}',
  ]);
  const names = await s.kubectl.ok(["get", "sa", "listed", ...ns, "-o", "jsonpath={.secrets[*].name}"]);
  assert.deepEqual(names.split(" ").sort(), ["b", "c"]);
});

test("replace; a stale one conflicts with upstream's message; --force makes a new object", async () => {
  await s.kubectl.ok(["create", "cm", "replaced", ...ns, "--from-literal=a=1"]);
  const stale = await get("replaced");
  const replace = (manifest: string, ...flags: string[]) =>
    s.kubectl.run(["replace", ...flags, "-f", "-", ...ns], { stdin: manifest });
  const done = await replace(configMap("replaced", { a: "2" }));
  assert.equal(done.stdout, "configmap/replaced replaced\n", done.stderr);
  const conflict = await replace(JSON.stringify({ ...stale, data: { a: "3" } }));
  assert.equal(conflict.code, 1);
  assert.equal(
    conflict.stderr,
    'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "replaced": the object has been modified; please apply your changes to the latest version and try again\n',
  );
  assert.deepEqual((await get("replaced")).data, { a: "2" });
  const forced = await replace(configMap("replaced", { a: "4" }), "--force");
  assert.equal(
    forced.stdout,
    'configmap "replaced" deleted from writing namespace\nconfigmap/replaced replaced\n',
    forced.stderr,
  );
  assert.notEqual((await get("replaced")).metadata.uid, stale.metadata.uid);
});

test("label and annotate: add, refuse to overwrite, overwrite, remove, by selector", async () => {
  await s.kubectl.ok(["create", "cm", "marked", ...ns]);
  assert.equal(await s.kubectl.ok(["label", "cm", "marked", "a=1", ...ns]), "configmap/marked labeled\n");
  assert.match(
    await s.kubectl.fails(["label", "cm", "marked", "a=2", ...ns]),
    /'a' already has a value \(1\), and --overwrite is false/,
  );
  await s.kubectl.ok(["label", "cm", "marked", "a=2", "--overwrite", ...ns]);
  await s.kubectl.ok(["annotate", "cm", "-l", "a=2", "note=hello", ...ns]);
  const object = await get("marked");
  assert.deepEqual([object.metadata.labels, object.metadata.annotations?.note], [{ a: "2" }, "hello"]);
  assert.equal(await s.kubectl.ok(["label", "cm", "marked", "a-", ...ns]), "configmap/marked unlabeled\n");
  await s.kubectl.ok(["annotate", "cm", "marked", "note-", ...ns]);
  const bare = await get("marked");
  assert.deepEqual([bare.metadata.labels, bare.metadata.annotations?.note], [undefined, undefined]);
});

test("immutable configmaps refuse changes with upstream's text", async () => {
  const manifest = { ...(JSON.parse(configMap("fixed", { a: "1" })) as object), immutable: true };
  await s.kubectl.ok(["create", "-f", "-", ...ns], { stdin: JSON.stringify(manifest) });
  assert.equal(
    await s.kubectl.fails(["patch", "cm", "fixed", ...ns, "-p", '{"data":{"a":"2"}}']),
    'The ConfigMap "fixed" is invalid: data: Forbidden: field is immutable when `immutable` is set',
  );
});

test("--dry-run=server stores nothing", async () => {
  assert.equal(
    await s.kubectl.ok(["create", "cm", "dry", ...ns, "--dry-run=server"]),
    "configmap/dry created (server dry run)\n",
  );
  assert.match(await s.kubectl.fails(["get", "cm", "dry", ...ns]), /NotFound/);
  await s.kubectl.ok(["create", "cm", "wet", ...ns, "--from-literal=a=1"]);
  await s.kubectl.ok(["patch", "cm", "wet", ...ns, "--dry-run=server", "-p", '{"data":{"a":"2"}}']);
  await s.kubectl.ok(["delete", "cm", "wet", ...ns, "--dry-run=server"]);
  assert.deepEqual((await get("wet")).data, { a: "1" });
});
