/**
 * Values survive a whole request as they would in Go. Where JavaScript differs from Go, these tests hold:
 *
 * | Matter | Tests |
 * | --- | --- |
 * | integers | here; machinery/json/json.test.ts "int64 survives", machinery/codecs/protobuf.test.ts "keep int64" |
 * | floats | here; machinery/json/json.test.ts "numbers print as Go prints them" |
 * | quantities | here; machinery/values/values.test.ts |
 * | duplicate keys | here, writing.test.ts "reports unknown and repeated fields"; json.test.ts, codecs/yaml.test.ts |
 * | key order | here; machinery/schema/decode.test.ts "sorts map keys by bytes", splice.test.ts "a root key looks like an index" |
 * | `__proto__`, `constructor` | here; json.test.ts, codecs, patch/json-patch.test.ts, selectors.test.ts "inherited properties" |
 * | strings: limits in bytes, order by bytes | here; base/base.test.ts |
 * | broken UTF-8, lone surrogates | here; json.test.ts |
 * | regular expressions of users | machinery/regex/ascii-matcher.test.ts "as RE2 does"; bad-definitions.test.ts |
 * | time | here; machinery/values/values.test.ts |
 * | empty and absent | here; machinery/schema/decode.test.ts, api/golden.test.ts |
 * | case of field names | here |
 * | recursion | here, bad-input.test.ts "too deep"; json.test.ts, codecs/yaml.test.ts |
 * | concurrency: nothing holds the loop | here; machinery/patch/patch.test.ts "long lists are merged by an index" |
 * | buffers | base/base.test.ts "an owned copy does not share its pool"; storage/suite/ |
 * | HTTP/2 | server.test.ts "cuts it off", "429"; watching.test.ts "its reader is too slow" |
 * | shutdown | server.test.ts "finishes what it began"; cli/start.test.ts "SIGTERM" |
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadCatalogue } from "#api/catalogue.ts";
import { decodeEnvelope, encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { rawNumber } from "#machinery/json/value.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import type { Operation } from "#storage/port.ts";
import {
  type Answer,
  type CallOptions,
  callOn,
  type Json,
  type LiveServer,
  startLiveServer,
} from "./testing/live-server.ts";

let server: LiveServer;
let root = "";
before(async () => {
  server = await startLiveServer();
  root = `/clusters/${await server.workspace("values", { type: "kubernetes" })}`;
});
after(() => server.close());

const codec = new ProtobufCodec(loadCatalogue());
const protobuf = "application/vnd.kubernetes.protobuf";
const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  server.call(method, `${root}${path}`, options);
const merge = (path: string, body: unknown): Promise<Answer> =>
  call("PATCH", path, { body, type: "application/merge-patch+json" });
async function create(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
  const answer = await call("POST", path, { body, ...options });
  assert.equal(answer.status, 201, answer.text);
  return answer;
}
const pod = (name: string, spec: string): string =>
  `{"metadata":{"name":"${name}"},"spec":{"containers":[{"name":"c","image":"i"}],${spec}}}`;

describe("integers", () => {
  const most = "9223372036854775807";
  const seconds = (text: string): string | undefined => /"activeDeadlineSeconds":\s*(-?\d+)/.exec(text)?.[1];

  it("of 64 bits survive create, get, list, watch, patch, YAML and protobuf", async () => {
    const graceful = (name: string, value: string): string =>
      pod(name, `"terminationGracePeriodSeconds":${value}`);
    const grace = (text: string): string | undefined =>
      /"?terminationGracePeriodSeconds"?:\s*(\d+)/.exec(text)?.[1];
    const exact = "4611686018427387905";
    const created = await create(pods, graceful("large", exact));
    assert.equal(grace(created.text), exact);
    for (const accept of ["application/json", "application/yaml"]) {
      assert.equal(grace((await call("GET", `${pods}/large`, { accept })).text), exact, accept);
      assert.equal(grace((await call("GET", pods, { accept })).text), exact, accept);
    }
    const watch = await server.watch(`${root}${pods}?watch=1`);
    await watch.until(1);
    assert.equal(grace(watch.bytes().toString()), exact);
    watch.close();
    const binary = decodeEnvelope((await call("GET", `${pods}/large`, { accept: protobuf })).bytes);
    const decoded = codec.decode("io.k8s.api.core.v1.Pod", binary.raw) as {
      spec: { terminationGracePeriodSeconds: unknown };
    };
    const decodedGrace = decoded.spec.terminationGracePeriodSeconds as { rawJSON?: string };
    assert.equal(String(decodedGrace.rawJSON), exact);
    const labelled = await merge(`${pods}/large`, { metadata: { labels: { a: "b" } } });
    assert.deepEqual([labelled.status, grace(labelled.text)], [200, exact]);
    for (const type of ["application/json-patch+json", "application/strategic-merge-patch+json"]) {
      const body = type.includes("json-patch")
        ? [{ op: "test", path: "/metadata/name", value: "large" }]
        : {};
      assert.equal(grace((await call("PATCH", `${pods}/large`, { body, type })).text), exact);
    }
    const sent = encodeObjectProtobuf(codec, "io.k8s.api.core.v1.Pod", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "binary" },
      spec: { containers: [{ name: "c", image: "i" }], terminationGracePeriodSeconds: rawNumber(exact) },
    });
    assert.equal(grace((await create(pods, sent, { type: protobuf })).text), exact);
  });

  it("are refused where they are none, or too large", async () => {
    assert.equal(seconds(`"activeDeadlineSeconds": ${most}`), most);
    for (const value of ["1.5", "9223372036854775808", '"5"', "1e400", "true"]) {
      const answer = await call("POST", pods, {
        body: pod("refused", `"terminationGracePeriodSeconds":${value}`),
      });
      assert.equal(answer.status, 400, `${value}: ${answer.text}`);
      assert.match(answer.json.message, /cannot unmarshal|invalid/i);
    }
    const whole = await create(pods, pod("whole", '"terminationGracePeriodSeconds":5.0,"priority":1e2'));
    assert.match(whole.text, /"terminationGracePeriodSeconds":5[,}]/);
  });
});

it("quantities keep their value and are printed as upstream prints them", async () => {
  const quota = (hard: object): unknown => ({ metadata: { name: "q" }, spec: { hard } });
  const path = "/api/v1/namespaces/default/resourcequotas";
  const answer = await create(
    path,
    quota({ cpu: "0.1", memory: "1.5Gi", "requests.cpu": 2, "limits.memory": "1e3", pods: "1000" }),
  );
  assert.deepEqual(answer.json.spec.hard, {
    cpu: "100m",
    "limits.memory": "1e3",
    memory: "1536Mi",
    pods: "1k",
    "requests.cpu": "2",
  });
  // The controller counts; after that nobody but the client writes.
  const counted = async (): Promise<string> => {
    for (;;) {
      const { json } = await call("GET", `${path}/q`);
      if ((json.status as { used?: object } | undefined)?.used !== undefined)
        return json.metadata.resourceVersion;
    }
  };
  const before = await counted();
  const same = await call("PUT", `${path}/q`, {
    body: quota({ cpu: "100m", memory: "1536Mi", "requests.cpu": "2", "limits.memory": "1e3", pods: "1k" }),
  });
  assert.equal(same.json.metadata.resourceVersion, before);
  assert.equal((await call("POST", path, { body: quota({ cpu: "much" }) })).status, 400);
});

describe("keys", () => {
  it("of prototypes are ordinary: in data, labels and annotations, and in every patch", async () => {
    const hostile =
      '{"metadata":{"name":"keys","labels":{"constructor":"a","toString":"b"},"annotations":{"constructor":"c","valueOf":"d"}},"data":{"__proto__":"e","constructor":"f","hasOwnProperty":"g"}}';
    await create(maps, hostile);
    const patches: [string, string][] = [
      [
        "application/merge-patch+json",
        '{"data":{"__proto__":"h","prototype":"i"},"metadata":{"labels":{"valueOf":"j"}}}',
      ],
      ["application/strategic-merge-patch+json", '{"data":{"__proto__":"k"}}'],
      [
        "application/json-patch+json",
        '[{"op":"add","path":"/data/__proto__","value":"l"},{"op":"add","path":"/data/isPrototypeOf","value":"m"}]',
      ],
    ];
    for (const [type, body] of patches)
      assert.equal((await call("PATCH", `${maps}/keys`, { type, body })).status, 200, type);
    const { text } = await call("GET", `${maps}/keys`);
    assert.match(
      text,
      /"data":\{"__proto__":"l","constructor":"f","hasOwnProperty":"g","isPrototypeOf":"m","prototype":"i"\}/,
    );
    assert.match(text, /"labels":\{"constructor":"a","toString":"b","valueOf":"j"\}/);
    for (const [selector, found] of [
      ["constructor%3Da", 1],
      ["hasOwnProperty", 0],
      ["valueOf%3Dj", 1],
    ] as const)
      assert.equal(
        (await call("GET", `${maps}?labelSelector=${selector}`)).json.items.length,
        found,
        selector,
      );
    const binary = decodeEnvelope((await call("GET", `${maps}/keys`, { accept: protobuf })).bytes);
    const data = (codec.decode("io.k8s.api.core.v1.ConfigMap", binary.raw) as unknown as Json).data;
    assert.deepEqual(Object.keys(data).toSorted(), [
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "isPrototypeOf",
      "prototype",
    ]);
    const yaml = await create(maps, "metadata: {name: keys-yaml}\ndata: {__proto__: p, constructor: q}\n", {
      type: "application/yaml",
    });
    assert.match(yaml.text, /"data":\{"__proto__":"p","constructor":"q"\}/);
    for (const body of [
      '{"__proto__":{"polluted":"yes"},"data":{}}',
      '{"metadata":{"__proto__":{"polluted":"yes"}}}',
    ])
      await merge(`${maps}/keys`, body);
    assert.equal(
      (await call("DELETE", `${maps}/keys`, { body: '{"__proto__":{"dryRun":["All"]}}' })).json.status,
      "Success",
    );
    assert.equal(({} as { polluted?: string }).polluted, undefined);
  });

  it("are written sorted by bytes, and their order is no change, nor is that of keys like integers", async () => {
    const created = await create(
      maps,
      '{"data":{"b":"","k10":"","k2":"","a":"","B":""},"metadata":{"name":"order"}}',
    );
    assert.match(created.text, /"data":\{"B":"","a":"","b":"","k10":"","k2":""\}/);
    const again = await call("PUT", `${maps}/order`, {
      body: '{"metadata":{"name":"order"},"data":{"a":"","k2":"","B":"","b":"","k10":""}}',
    });
    assert.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
    const numbers = (data: string): string => `{"metadata":{"name":"numbers"},"data":{${data}}}`;
    const first = await create(maps, numbers('"b":"","10":"","2":"","-1":""'));
    const second = await call("PUT", `${maps}/numbers`, { body: numbers('"-1":"","2":"","10":"","b":""') });
    assert.equal(second.json.metadata.resourceVersion, first.json.metadata.resourceVersion);
    assert.deepEqual(Object.keys(first.json.data).toSorted(), ["-1", "10", "2", "b"]);
  });

  it("of fields match by their case", async () => {
    const strict = await call("POST", `${maps}?fieldValidation=Strict`, {
      body: { metadata: { name: "case" }, Data: {} },
    });
    assert.match(strict.json.message, /unknown field "Data"/);
    const loose = await create(maps, { metadata: { name: "case", Labels: { a: "b" } }, DATA: { k: "v" } });
    assert.deepEqual([loose.json.data, loose.json.metadata.labels], [undefined, undefined]);
  });

  it("given twice: the last wins, in YAML as well", async () => {
    const json = await create(maps, '{"metadata":{"name":"twice-json"},"data":{"k":"1","k":"2"}}');
    const yaml = await call("POST", `${maps}?fieldValidation=Strict`, {
      body: "metadata: {name: x}\ndata:\n  k: a\n  k: b\n",
      type: "application/yaml",
    });
    assert.equal(json.json.data.k, "2");
    assert.equal(yaml.status, 400);
    assert.match(yaml.json.message, /k/);
  });
});

describe("strings", () => {
  it("that are no Unicode become U+FFFD", async () => {
    const made = await create(
      maps,
      '{"metadata":{"name":"lone"},"data":{"k":"a\\ud800b","l":"\\ude00\\ud83d","ok":"\\ud83d\\ude00"}}',
    );
    assert.deepEqual(made.json.data, { k: "a\ufffdb", l: "\ufffd\ufffd", ok: "😀" });
    const broken = Buffer.concat([
      Buffer.from('{"metadata":{"name":"broken"},"data":{"k":"'),
      Buffer.from([0xff, 0x41, 0xed, 0xa0, 0x80]),
      Buffer.from('"}}'),
    ]);
    assert.match((await create(maps, broken)).json.data.k!, /^\ufffdA\ufffd+$/);
    for (const name of ["lone", "broken"]) {
      const { bytes } = await call("GET", `${maps}/${name}`, { accept: protobuf });
      assert.ok(bytes.includes("\ufffd"));
    }
  });

  it("are counted in bytes", async () => {
    const limit = 256 * 1024;
    const with4 = (count: number): object => ({
      metadata: { name: "bytes", annotations: { a: "😀".repeat(count) } },
    });
    assert.equal((await call("POST", `${maps}?dryRun=All`, { body: with4(limit / 4 - 1) })).status, 201);
    assert.equal((await call("POST", `${maps}?dryRun=All`, { body: with4(limit / 4) })).status, 422);
    const configMap = (bytes: number): object => ({
      metadata: { name: "total" },
      data: { a: "é".repeat(bytes / 2) },
    });
    assert.equal((await call("POST", `${maps}?dryRun=All`, { body: configMap(1024 * 1024) })).status, 201);
    assert.equal(
      (await call("POST", `${maps}?dryRun=All`, { body: configMap(1024 * 1024 + 2) })).status,
      422,
    );
  });
});

it("times take any offset, keep seconds or microseconds, and nothing else", async () => {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const lease = (name: string, renewTime: unknown): object => ({ metadata: { name }, spec: { renewTime } });
  const made = await create(leases, lease("micro", "2026-01-02T03:04:05.123456+02:00"));
  assert.equal(made.json.spec.renewTime, "2026-01-02T01:04:05.123456Z");
  const event = await create("/api/v1/namespaces/default/events", {
    metadata: { name: "e" },
    involvedObject: { namespace: "default" },
    firstTimestamp: "2026-01-02T03:04:05.9+02:00",
  });
  assert.equal(event.json.firstTimestamp, "2026-01-02T01:04:05Z");
  for (const text of [
    "yesterday",
    "2026-01-02T03:04:05Z",
    "2026-13-01T00:00:00Z",
    "12026-01-01T00:00:00Z",
    "2026-01-01",
    5,
  ])
    assert.equal((await call("POST", leases, { body: lease("none", text) })).status, 400, String(text));
});

it("empty lists, maps and strings are absent where Go drops them", async () => {
  const made = await create(maps, {
    metadata: {
      name: "empty",
      labels: {},
      annotations: {},
      finalizers: [],
      ownerReferences: null,
      generateName: "",
    },
    data: {},
    binaryData: null,
  });
  assert.deepEqual(Object.keys(made.json).toSorted(), ["apiVersion", "kind", "metadata"]);
  assert.deepEqual(Object.keys(made.json.metadata).toSorted(), [
    "annotations",
    "creationTimestamp",
    "name",
    "namespace",
    "resourceVersion",
    "uid",
  ]);
  for (const body of [
    { metadata: { name: "empty" } },
    { metadata: { name: "empty", labels: null }, data: null },
  ]) {
    const same = await call("PUT", `${maps}/empty`, { body });
    assert.equal(same.json.metadata.resourceVersion, made.json.metadata.resourceVersion);
  }
});

it("deep nesting is 400 wherever it stands, and the server goes on", async () => {
  const deep = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  for (const [method, path, type] of [
    ["POST", maps, "application/json"],
    ["PUT", `${maps}/empty`, "application/yaml"],
    ["PATCH", `${maps}/empty`, "application/merge-patch+json"],
    ["PATCH", `${maps}/empty`, "application/strategic-merge-patch+json"],
    ["DELETE", `${maps}/empty`, "application/json"],
  ] as const) {
    const answer = await call(method, path, { body: deep, type });
    assert.deepEqual([answer.status, answer.json.reason], [400, "BadRequest"], `${method} ${type}`);
  }
  assert.equal((await call("GET", `${maps}/empty`)).status, 200);
  assert.deepEqual(server.bugs, []);
});

it("a long list does not keep others waiting", async () => {
  const cluster = root.split("/")[2]! as ClusterName;
  const secrets = "/api/v1/namespaces/default/secrets";
  const data = { k: Buffer.from("x".repeat(500)).toString("base64") };
  await create(secrets, { metadata: { name: "s" }, data });
  // Names are told by keys, so what is stored of one is what is stored of the others.
  const keyOf = (name: string) =>
    objectKey(collectionPrefix({ group: "", resource: "secrets" }), { cluster, namespace: "default", name });
  const { value } = server.store.get(keyOf("s"))!;
  for (let i = 0; i < 4_000; i += 100) {
    const operations = Array.from(
      { length: 100 },
      (_, n): Operation => ({ type: "put", key: keyOf(`s-${i + n}`), value }),
    );
    await server.store.commit({ compare: [], operations });
  }
  const other = server.connect();
  let listed = false;
  const long = call("GET", `${secrets}?labelSelector=!none`, {
    accept: protobuf,
  }).then(() => {
    listed = true;
  });
  let between = 0;
  while (!listed) {
    await callOn(other, "GET", `/clusters/${cluster}${maps}/empty`);
    if (!listed) between++;
  }
  await long;
  other.destroy();
  assert.ok(between > 0, "nobody was served while the list was made");
});
