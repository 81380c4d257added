import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, suite } from "./suite.ts";

const s = suite();

test("version", async () => {
  const text = await s.kubectl.ok(["version"]);
  assert.match(text, /^Client Version: v1\.36\.\d+\nKustomize Version: .*\nServer Version: v1\.36\.\d+/);
});

test("api-versions names the served groups", async () => {
  const versions = (await s.kubectl.ok(["api-versions"])).trim().split("\n");
  const wanted = [
    ...["v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1"],
    ...["coordination.k8s.io/v1", "events.k8s.io/v1", "rbac.authorization.k8s.io/v1"],
  ];
  assert.deepEqual(
    wanted.filter((version) => !versions.includes(version)),
    [],
  );
});

test("api-resources: short names, scope, verbs, filters", async () => {
  const text = await s.kubectl.ok(["api-resources", "-o", "wide"]);
  assert.match(text, /^NAME\s+SHORTNAMES\s+APIVERSION\s+NAMESPACED\s+KIND\s+VERBS\s+CATEGORIES\n/);
  assert.match(
    text,
    /\nconfigmaps\s+cm\s+v1\s+true\s+ConfigMap\s+create,delete,deletecollection,get,list,patch,update,watch\s/,
  );
  assert.match(
    text,
    /\nnamespaces\s+ns\s+v1\s+false\s+Namespace\s+create,delete,get,list,patch,update,watch\s/,
  );
  assert.match(text, /\nleases\s+coordination\.k8s\.io\/v1\s+true\s+Lease\s/);
  const names = await s.kubectl.ok(["api-resources", "--namespaced=false", "--api-group=", "-o", "name"]);
  assert.ok(names.split("\n").includes("namespaces"), names);
  assert.ok(!names.split("\n").includes("configmaps"), names);
});

test("explain, from OpenAPI v3: kind, field, recursive", async () => {
  assert.match(
    await s.kubectl.ok(["explain", "configmap"]),
    /^KIND: {7}ConfigMap\nVERSION: {4}v1\n\nDESCRIPTION:\n(?:.*\n)*FIELDS:\n {2}apiVersion\t<string>\n(?:.*\n)* {2}binaryData\t<map\[string\]string>\n(?:.*\n)* {2}metadata\t<ObjectMeta>\n/,
  );
  assert.match(
    await s.kubectl.ok(["explain", "configmap.metadata.ownerReferences"]),
    /FIELD: ownerReferences <\[\]OwnerReference>\n(?:.*\n)* {2}uid\t<string> -required-\n/,
  );
  assert.match(
    await s.kubectl.ok(["explain", "lease", "--recursive"]),
    /FIELDS:\n(?:.*\n)* {2}spec\t<LeaseSpec>\n(?:.*\n)* {4}holderIdentity\t<string>\n/,
  );
  assert.match(await s.kubectl.fails(["explain", "configmap.nothing"]), /field "nothing" does not exist/);
});

test("explain, from OpenAPI v2 in protobuf", async () => {
  assert.match(
    await s.kubectl.ok(["explain", "lease.spec", "--output", "plaintext-openapiv2"]),
    /^KIND: {5}Lease\nVERSION: {2}coordination\.k8s\.io\/v1\n(?:.*\n)* {3}holderIdentity\t<string>\n/,
  );
});

test("auth whoami", async () => {
  const text = await s.kubectl.ok(["auth", "whoami"]);
  assert.match(text, /^ATTRIBUTE\s+VALUE\nUsername\s+\S+\n/);
  assert.match(text, /Groups\s+\[.*system:masters.*system:authenticated.*\]/);
});

test("get --raw and create --raw", async () => {
  const version = JSON.parse(await s.kubectl.ok(["get", "--raw", "/version"])) as Record<string, string>;
  assert.deepEqual([version.major, version.minor], ["1", "36"]);
  const groups = JSON.parse(await s.kubectl.ok(["get", "--raw", "/apis"])) as Record<string, unknown>;
  assert.equal(groups.kind, "APIGroupList");
  const made = JSON.parse(
    await s.kubectl.ok(["create", "--raw", "/api/v1/namespaces/default/configmaps", "-f", "-"], {
      stdin: configMap("raw", {}),
    }),
  ) as Record<string, unknown>;
  assert.equal(made.kind, "ConfigMap");
  const gone = JSON.parse(
    await s.kubectl.ok(["delete", "--raw", "/api/v1/namespaces/default/configmaps/raw"]),
  ) as Record<string, unknown>;
  assert.deepEqual([gone.kind, gone.status], ["Status", "Success"]);
});

test("error texts: not found, already exists, unknown kind, missing namespace", async () => {
  const { kubectl } = s;
  assert.equal(
    await kubectl.fails(["get", "cm", "none"]),
    'Error from server (NotFound): configmaps "none" not found',
  );
  await kubectl.ok(["create", "cm", "twice"]);
  assert.equal(
    await kubectl.fails(["create", "cm", "twice"]),
    'error: failed to create configmap: configmaps "twice" already exists',
  );
  assert.equal(
    await kubectl.fails(["create", "-f", "-"], { stdin: configMap("twice", {}) }),
    'Error from server (AlreadyExists): error when creating "STDIN": configmaps "twice" already exists',
  );
  assert.equal(
    await kubectl.fails(["get", "unicorns"]),
    'error: the server doesn\'t have a resource type "unicorns"',
  );
  assert.equal(
    await kubectl.fails(["create", "-f", "-"], {
      stdin: '{"apiVersion":"example.com/v1","kind":"Unicorn","metadata":{"name":"x"}}',
    }),
    'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Unicorn" in version "example.com/v1"\nensure CRDs are installed first',
  );
  assert.equal(
    await kubectl.fails(["create", "cm", "x", "-n", "nowhere"]),
    'error: failed to create configmap: namespaces "nowhere" not found',
  );
  assert.equal(await kubectl.ok(["get", "cm", "-n", "nowhere"]), "");
  assert.equal(
    await kubectl.fails(["get", "--raw", "/apis/example.com/v1"]),
    "Error from server (NotFound): the server could not find the requested resource",
  );
});

test("error texts: invalid objects, one cause and several", async () => {
  const { kubectl } = s;
  const create = (manifest: object): Promise<string> =>
    kubectl.fails(["create", "-f", "-"], { stdin: JSON.stringify(manifest) });
  const of = (metadata: object, more: object = {}) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
    ...more,
  });
  assert.equal(
    await create(of({ name: "Bad_Name" })),
    `The ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
  );
  assert.equal(
    await create(of({ name: "x", labels: { "a b": "c" } }, { data: { "bad key": "x" } })),
    `The ConfigMap "x" is invalid: 
* metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
* data[bad key]: Invalid value: "bad key": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
  );
  assert.match(
    await kubectl.fails(["create", "namespace", "a.b"]),
    /metadata\.name: Invalid value: "a\.b": must not contain dots/,
  );
  assert.match(
    await kubectl.fails(["create", "-f", "-"], { stdin: configMap("", {}) }),
    /name or generateName is required|resource name may not be empty/,
  );
  assert.match(
    await kubectl.fails(["patch", "ns", "default", "--type=merge", "-p", '{"metadata":{"uid":"changed"}}']),
    /metadata\.uid: Invalid value: "changed": field is immutable|Precondition failed: UID in precondition: changed/,
  );
});

test("unknown fields: --validate=strict refuses, warn warns, ignore is silent", async () => {
  const { kubectl } = s;
  const manifest = (name: string): string =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, colour: "red" },
      dota: { a: "1" },
    });
  const strict = await kubectl.fails(["create", "--validate=strict", "-f", "-"], {
    stdin: manifest("strict"),
  });
  assert.equal(
    strict,
    'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dota", unknown field "metadata.colour"',
  );
  const warned = await kubectl.run(["create", "--validate=warn", "-f", "-"], { stdin: manifest("warned") });
  assert.equal(warned.code, 0, warned.stderr);
  assert.match(warned.stderr, /Warning: unknown field "dota"/);
  assert.match(warned.stderr, /Warning: unknown field "metadata.colour"/);
  const ignored = await kubectl.run(["create", "--validate=ignore", "-f", "-"], {
    stdin: manifest("ignored"),
  });
  assert.deepEqual([ignored.code, ignored.stderr], [0, ""]);
});

test("a value of the wrong type is refused", async () => {
  assert.match(
    await s.kubectl.fails(["create", "-f", "-"], {
      stdin: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"typed"},"data":{"a":1}}',
    }),
    /ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap\.data of type string/,
  );
});

test("auth can-i, for one who may do everything", async () => {
  assert.equal(await s.kubectl.ok(["auth", "can-i", "create", "configmaps"]), "yes\n");
});
