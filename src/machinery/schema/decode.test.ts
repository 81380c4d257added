import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { TypeCompiler } from "./decode.ts";
import { testTypes } from "./testing.ts";
import { DecodeError } from "./walk.ts";

// Expectations are what sigs.k8s.io/json and encoding/json do with the real Go types (observed, k8s.io/api v0.36).
const compiler = new TypeCompiler(testTypes);
const typeOf = (kind: string): string =>
  kind === "ControllerRevision" ? "io.k8s.api.apps.v1.ControllerRevision" : `io.k8s.api.core.v1.${kind}`;
const decode = (kind: string, value: JsonValue) => compiler.compile(typeOf(kind)).decode(value);
const text = (kind: string, json: string): string => JSON.stringify(decode(kind, JSON.parse(json)).value);

describe("decode: what is written", () => {
  const cases: [kind: string, input: string, output: string][] = [
    ["ConfigMap", '{"kind":"ConfigMap","apiVersion":"v1"}', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}'],
    ["ConfigMap", '{"data":{},"immutable":null,"metadata":null}', '{"metadata":{}}'],
    ["ConfigMap", '{"immutable":false}', '{"metadata":{},"immutable":false}'],
    ["ConfigMap", '{"data":{"b":"1","a":null}}', '{"metadata":{},"data":{"a":"","b":"1"}}'],
    ["ConfigMap", '{"binaryData":{"a":null,"b":"","c":"YW\\nJi","d":"AB=="}}',
      '{"metadata":{},"binaryData":{"a":"","b":"","c":"YWJi","d":"AA=="}}'],
    ["ConfigMap", '{"binaryData":{"a":[1,2]}}', '{"metadata":{},"binaryData":{"a":"AQI="}}'],
    ["ConfigMap", '{"metadata":{"name":"x","labels":{"a":"1"},"annotations":{"b":"2"}}}',
      '{"metadata":{"annotations":{"b":"2"},"name":"x","labels":{"a":"1"}}}'],
    ["ConfigMap", '{"metadata":{"creationTimestamp":null,"deletionTimestamp":null,"generation":0}}', '{"metadata":{}}'],
    ["ConfigMap", '{"metadata":{"creationTimestamp":"2020-01-01T00:00:00.9+23:59"}}',
      '{"metadata":{"creationTimestamp":"2019-12-31T00:01:00Z"}}'],
    ["ConfigMap", '{"metadata":{"creationTimestamp":"0001-01-01T00:00:00Z","deletionTimestamp":"0001-01-01T00:00:00Z"}}',
      '{"metadata":{}}'],
    ["ConfigMap", '{"metadata":{"finalizers":[null,"a"]}}', '{"metadata":{"finalizers":["","a"]}}'],
    ["ConfigMap", '{"metadata":{"generation":1.0}}', '{"metadata":{"generation":1}}'],
    ["Pod", "{}", '{"metadata":{},"spec":{"containers":null},"status":{"lastProbeTime":null}}'],
    ["Pod", '{"spec":{"containers":[]}}', '{"metadata":{},"spec":{"containers":null},"status":{"lastProbeTime":null}}'],
    ["Pod", '{"spec":{"hostNetwork":false,"shareProcessNamespace":false,"containers":[null,{"port":"a"}]}}',
      '{"metadata":{},"spec":{"containers":[{"name":"","resources":{},"port":0},{"name":"","resources":{},"port":"a"}],"shareProcessNamespace":false},"status":{"lastProbeTime":null}}'],
    ["Pod", '{"spec":{"containers":null,"volumes":[{"name":"a","emptyDir":{}},{"emptyDir":{"sizeLimit":null}}]}}',
      '{"metadata":{},"spec":{"volumes":[{"name":"a","emptyDir":{}},{"name":"","emptyDir":{}}],"containers":null},"status":{"lastProbeTime":null}}'],
    ["ControllerRevision", '{"data":null}', '{"metadata":{},"data":null,"revision":0}'],
    ["ControllerRevision", '{"data":{"b":1,"a":[]},"revision":3}', '{"metadata":{},"data":{"b":1,"a":[]},"revision":3}'],
  ]; // biome-ignore format: a table
  for (const [kind, input, output] of cases)
    it(`${kind} ${input}`, () => assert.equal(text(kind, input), output));

  it("keeps int64 beyond 2^53", () => {
    const { value } = decode("ConfigMap", { metadata: { generation: rawNumber("9223372036854775807") } });
    assert.equal(JSON.stringify(value), '{"metadata":{"generation":9223372036854775807}}');
  });

  it("replaces lone surrogates", () => {
    const { value } = decode("ConfigMap", { data: { "\ud800": "\udc00x" } });
    assert.deepEqual(value.data, { "\ufffd": "\ufffdx" });
  });

  it("keeps `__proto__` as a key of a map", () => {
    const parsed = JSON.parse('{"data":{"__proto__":"x","constructor":"y"}}') as JsonValue;
    assert.equal(
      JSON.stringify(decode("ConfigMap", parsed).value.data),
      '{"__proto__":"x","constructor":"y"}',
    );
  });

  it("sorts map keys by bytes, not by UTF-16 units", () => {
    const { value } = decode("ConfigMap", { data: { "\u{1f600}": "", "\uffff": "" } });
    assert.deepEqual(Object.keys(value.data as object), ["\uffff", "\u{1f600}"]);
  });

  it("bounds the depth", () => {
    let tree: JsonValue = {};
    for (let i = 0; i < 600; i++) tree = { children: [tree] };
    assert.throws(() => compiler.compile("test.v1.Tree").decode(tree), /exceeded max depth/);
  });
});

describe("decode: unknown fields", () => {
  const unknown = (kind: string, json: string) => decode(kind, JSON.parse(json)).unknownFields;

  it("are named by their paths", () => {
    assert.deepEqual(
      unknown(
        "Pod",
        '{"foo":1,"metadata":{"fo\\"o":1},"spec":{"Containers":1,"containers":[{"foo":1,"env":[{},{"bar":1}]}]}}',
      ),
      [
        'unknown field "foo"',
        'unknown field "metadata.fo\\"o"',
        'unknown field "spec.Containers"',
        'unknown field "spec.containers[0].foo"',
        'unknown field "spec.containers[0].env[1].bar"',
      ],
    );
  });

  it("include what objects inherit, and what only protobuf has", () => {
    assert.deepEqual(
      unknown("Pod", '{"__proto__":1,"toString":2,"spec":{"volumes":[{"volumeSource":{}}]}}'),
      [
        'unknown field "__proto__"',
        'unknown field "toString"',
        'unknown field "spec.volumes[0].volumeSource"',
      ],
    );
  });

  it("are counted to 100", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x${i}`, 1]));
    assert.equal(decode("ConfigMap", many).unknownFields.length, 100);
  });

  it("are not looked for in free-form values", () => {
    assert.deepEqual(unknown("ControllerRevision", '{"data":{"x":1}}'), []);
  });
});

describe("decode: wrong types, in Go's words", () => {
  const cases: [kind: string, input: string, message: string][] = [
    ["ConfigMap", '"x"', "json: cannot unmarshal string into Go value of type v1.ConfigMap"],
    ["ConfigMap", '{"data":"x"}', "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string"],
    ["ConfigMap", '{"data":{"a":1}}', "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"],
    ["ConfigMap", '{"metadata":[]}', "json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta"],
    ["ConfigMap", '{"metadata":{"name":1},"data":[]}', "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string"],
    ["ConfigMap", '{"metadata":{"uid":{}}}', "json: cannot unmarshal object into Go struct field ObjectMeta.metadata.uid of type types.UID"],
    ["ConfigMap", '{"metadata":{"generation":"1"}}', "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.generation of type int64"],
    ["ConfigMap", '{"metadata":{"generation":1.5}}', "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64"],
    ["ConfigMap", '{"metadata":{"creationTimestamp":5}}', "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string"],
    ["ConfigMap", '{"metadata":{"finalizers":["a",null,5]}}', "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.finalizers of type string"],
    ["ConfigMap", '{"binaryData":{"a":5}}', "json: cannot unmarshal number into Go struct field ConfigMap.binaryData of type []uint8"],
    ["ConfigMap", '{"binaryData":{"a":"YW Ji"}}', "illegal base64 data at input byte 2"],
    ["Pod", '{"metadata":{"ownerReferences":[{"controller":"x"}]}}', "json: cannot unmarshal string into Go struct field OwnerReference.metadata.ownerReferences.controller of type bool"],
    ["Pod", '{"spec":{"restartPolicy":5,"containers":{}}}', "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy"],
    ["Pod", '{"spec":{"containers":["x"]}}', "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container"],
    ["Pod", '{"spec":{"volumes":[{"emptyDir":5}]}}', "json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource"],
    ["Pod", '{"spec":{"containers":[{"ports":[{"containerPort":99999999999}]}]}}', "json: cannot unmarshal number 99999999999 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32"],
    ["Pod", '{"spec":{"containers":[{"port":{}}]}}', "json: cannot unmarshal object into Go struct field Container.spec.containers.port of type int32"],
    ["Pod", '{"metadata":{"name":5},"spec":{"containers":[{"resources":{"limits":{"cpu":"zz"}}}]}}', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ]; // biome-ignore format: a table
  for (const [kind, input, message] of cases) {
    it(`${kind} ${input}`, () => {
      assert.throws(
        () => decode(kind, JSON.parse(input)),
        (error: unknown) => {
          assert.ok(error instanceof DecodeError);
          assert.equal(error.message, message);
          return true;
        },
      );
    });
  }

  it("refuses integers beyond int64", () => {
    assert.throws(
      () => decode("ConfigMap", { metadata: { generation: rawNumber("9223372036854775808") } }),
      /cannot unmarshal number 9223372036854775808 into Go struct field ObjectMeta.metadata.generation of type int64/,
    );
  });
});

describe("applyDefaults", () => {
  const apply = (kind: string, json: string): unknown => {
    const compiled = compiler.compile(typeOf(kind));
    const { value } = compiled.decode(JSON.parse(json));
    compiled.applyDefaults(value);
    return value;
  };

  it("fills in absent fields, in list items too", () => {
    const pod = apply("Pod", '{"spec":{"containers":[{"ports":[{},{"protocol":"UDP"}]}]}}') as {
      spec: { restartPolicy: string; containers: [{ ports: { protocol: string }[] }] };
    };
    assert.equal(pod.spec.restartPolicy, "Always");
    assert.deepEqual(
      pod.spec.containers[0].ports.map((port) => port.protocol),
      ["TCP", "UDP"],
    );
  });

  it("leaves a type without defaults alone", () => {
    assert.deepEqual(apply("ConfigMap", '{"data":{"a":"b"}}'), { metadata: {}, data: { a: "b" } });
  });
});
