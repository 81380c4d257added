import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { type JsonObject, type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { testTypes } from "#machinery/schema/testing.ts";
import type { Field, ObjectSchema, ScalarFormat, Schema } from "#machinery/schema/types.ts";
import { decodeEnvelope, encodeEnvelope, encodeList, encodeListItem, encodeWatchFrame } from "./envelope.ts";
import { ProtobufCodec } from "./protobuf.ts";

const codec = new ProtobufCodec(testTypes);
const compiler = new TypeCompiler(testTypes);
const configMap = "io.k8s.api.core.v1.ConfigMap";
const pod = "io.k8s.api.core.v1.Pod";

const encode = (type: string, value: JsonValue): string => codec.encode(type, value).toString("hex");

describe("protobuf messages", () => {
  it("write what is no pointer, also when it is zero, and maps sorted by key", () => {
    // ObjectMeta: name, generateName, namespace, selfLink, uid, resourceVersion, generation, creationTimestamp
    const meta = "0a0012001a0022002a00320038004200";
    assert.equal(
      encode(configMap, { metadata: {}, data: { b: "2", a: "1" }, immutable: false }),
      `0a10${meta}12060a016112013112060a01621201322000`,
    );
  });

  it("keep int64 and negative numbers", () => {
    for (const generation of [
      1,
      -1,
      2 ** 53 - 1,
      rawNumber("9223372036854775807"),
      rawNumber("-9223372036854775808"),
    ]) {
      const back = codec.decode(configMap, codec.encode(configMap, { metadata: { generation } }));
      assert.equal(JSON.stringify((back.metadata as JsonObject).generation), JSON.stringify(generation));
    }
  });

  it("carry embedded structs as messages of their own, and read a message that comes in parts", () => {
    const spec = {
      containers: null,
      volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }],
    };
    const bytes = codec.encode(pod, { spec });
    const twice = Buffer.concat([
      bytes,
      codec.encode(pod, { spec: { containers: [{ name: "c", port: "x%" }] } }),
    ]);
    const { value } = compiler.compile(pod).decode(codec.decode(pod, twice));
    assert.deepEqual(value.spec, {
      volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } }],
      containers: [{ name: "c", resources: {}, port: "x%" }],
    });
  });

  it("skip unknown fields of every wire type", () => {
    const unknown = Buffer.from(
      "f80601" + "f9060102030405060708" + "fa0602abcd" + "fd0601020304" + "fb06f80601fc06",
      "hex",
    );
    const known = codec.encode(configMap, { data: { a: "b" } });
    assert.deepEqual(codec.decode(configMap, Buffer.concat([unknown, known])).data, { a: "b" });
  });

  it("keep hostile keys as data", () => {
    const data = JSON.parse('{"__proto__":"x","constructor":"y"}') as JsonObject;
    assert.deepEqual(codec.decode(configMap, codec.encode(configMap, { data })).data, data);
  });

  it("do not look at the wire types in a map's entries, as upstream's decoders", () => {
    const entry = Buffer.from("1206" + "0e0161" + "160162", "hex");
    assert.deepEqual(codec.decode(configMap, entry).data, { a: "b" });
  });

  const is400 = (error: unknown): boolean => error instanceof StatusError && error.code === 400;

  it("refuse broken bytes with 400", () => {
    for (const hex of [
      "0a",
      "0a05",
      "08",
      "0801",
      "00",
      "0c",
      "0affffffffffffffffff01",
      // The time of creation, whose seconds are a text.
      "0a0542030a0178",
      "ffffffffffffffffffffff01",
    ]) {
      assert.throws(() => codec.decode(configMap, Buffer.from(hex, "hex")), is400, hex);
    }
    let deep = Buffer.alloc(0);
    for (let i = 0; i < 1_100; i++) {
      const head = codec.write((_, out) => {
        out.varint(deep.length);
        out.byte(0x0a);
      }, null);
      deep = Buffer.concat([head, deep]);
    }
    assert.throws(() => codec.decode("test.v1.Tree", deep), is400);
  });

  it("answer any bytes with an object or 400", () => {
    const valid = codec.encode(pod, {
      metadata: { labels: { a: "b" } },
      spec: { containers: [{ name: "x", port: 1 }] },
    });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
        const broken = Buffer.from(valid);
        broken[at] = byte;
        return broken;
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          assert.equal(typeof codec.decode(pod, Buffer.from(input)), "object");
        } catch (error) {
          assert.ok(is400(error), String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("envelopes", () => {
  it("are opened as they were closed", () => {
    const bytes = encodeEnvelope("apps/v1", "Deployment", Buffer.from("ab"), Buffer.from("cd"));
    assert.deepEqual(decodeEnvelope(bytes), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      raw: Buffer.from("abcd"),
    });
    assert.equal(bytes.subarray(0, 4).toString("latin1"), "k8s\0");
    assert.equal(bytes.subarray(-4).toString("hex"), "1a002200");
  });

  it("refuse what is not one", () => {
    for (const text of ["", "k8s", "{}", "k8s\0\x0a\x05"]) {
      assert.throws(() => decodeEnvelope(Buffer.from(text, "latin1")), StatusError);
    }
  });

  it("hold lists with their items inline", () => {
    const types = {
      resolve: (name: string): Schema => {
        if (name !== "List" && !name.endsWith("ListMeta")) return testTypes.resolve(name);
        const string: Schema = { kind: "string" };
        const field = (key: string, proto: number, schema: Schema): [string, Field] => [
          key,
          { name: key, proto, schema },
        ];
        if (name === "List") {
          const items: Schema = { kind: "list", items: { kind: "ref", ref: configMap } };
          return {
            kind: "object",
            fields: new Map([field("metadata", 1, types.resolve("ListMeta")), field("items", 2, items)]),
          };
        }
        return {
          kind: "object",
          fields: new Map([field("resourceVersion", 2, string), field("continue", 3, string)]),
        };
      },
    };
    const lists = new ProtobufCodec(types);
    const items = ["a", "b"].map((name) => encodeListItem(lists, configMap, { metadata: { name } }));
    const envelope = decodeEnvelope(
      encodeList(lists, "v1", "ConfigMapList", { resourceVersion: "7", continue: "" }, items),
    );
    const list = lists.decode("List", envelope.raw) as {
      metadata: JsonObject;
      items: { metadata: JsonObject }[];
    };
    assert.deepEqual(list.metadata, { resourceVersion: "7", continue: "" });
    assert.deepEqual(
      list.items.map((item) => item.metadata.name),
      ["a", "b"],
    );
  });

  it("travel in watch frames", () => {
    const frame = encodeWatchFrame("ADDED", Buffer.from("xyz"));
    assert.equal(frame.readUInt32BE(0), frame.length - 4);
    assert.equal(
      frame.subarray(4).toString("hex"),
      `0a05${Buffer.from("ADDED").toString("hex")}12050a0378797a`,
    );
  });
});

/** A random schema together with random values for it, some of them wild: null, zero, in other forms. */
interface Sample {
  readonly schema: Schema;
  readonly value: fc.Arbitrary<JsonValue>;
}

const formats: readonly [ScalarFormat, readonly JsonValue[]][] = [
  ["time", ["2020-01-01T00:00:00Z", "1969-01-01T00:00:00+05:00", "0001-01-01T00:00:00Z"]],
  ["micro-time", ["2020-01-01T00:00:00.123456Z", "1901-01-01T00:00:00.000001-01:00"]],
  ["quantity", ["1.5Gi", "100m", "0", 5, "1e3"]],
  ["int-or-string", [0, 5, -1, "", "25%"]],
  ["byte", ["", "AQI=", "AB=="]],
];
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.constantFrom("", "__proto__"));
const anyJson = fc
  .jsonValue({ maxDepth: 2 })
  .map((json) => JSON.parse(JSON.stringify(json).replaceAll("-0", "0")) as JsonValue);
const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant({ schema: { kind: "string" } as Schema, value: text as fc.Arbitrary<JsonValue> }),
  fc.constant({
    schema: { kind: "integer", format: "int32" } as Schema,
    value: fc.integer() as fc.Arbitrary<JsonValue>,
  }),
  fc.constant({
    schema: { kind: "integer", format: "int64" } as Schema,
    value: fc.oneof(
      fc.maxSafeInteger(),
      fc.bigInt(2n ** 60n, 2n ** 63n - 1n).map((n) => rawNumber(String(n))),
    ) as fc.Arbitrary<JsonValue>,
  }),
  fc.constant({
    schema: { kind: "number", format: "double" } as Schema,
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0) as fc.Arbitrary<JsonValue>,
  }),
  fc.constant({ schema: { kind: "boolean" } as Schema, value: fc.boolean() as fc.Arbitrary<JsonValue> }),
  fc.constant({ schema: { kind: "any" } as Schema, value: anyJson }),
  ...formats.map(([format, values]) =>
    fc.constant({
      schema: { kind: "string", format } as Schema,
      value: fc.constantFrom(...values) as fc.Arbitrary<JsonValue>,
    }),
  ),
);
const orNull = (value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonValue> =>
  fc.option(value, { nil: null, freq: 6 });

const structOf = (inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> =>
  fc
    .array(fc.tuple(inner, fc.constantFrom("one", "list", "map", "wrapped"), fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 5,
    })
    .map((members) => {
      const fields = new Map<string, Field>();
      const values: Record<string, fc.Arbitrary<JsonValue>> = {};
      members.forEach(([sample, form, omitEmpty, pointer], index) => {
        const name = `f${index}`;
        const many = orNull(sample.value);
        const schema: Schema =
          form === "list" || form === "wrapped"
            ? { kind: "list", items: sample.schema, wrapped: form === "wrapped" }
            : form === "map"
              ? { kind: "map", values: sample.schema }
              : sample.schema;
        fields.set(name, {
          name,
          schema,
          proto: index * 7 + 1,
          omitEmpty,
          // Go has no pointers to slices and maps, and raw values hold their own null.
          pointer: pointer && form === "one" && sample.schema.kind !== "any",
        });
        values[name] = orNull(
          form === "one"
            ? sample.value
            : form === "map"
              ? fc.dictionary(text, many, { maxKeys: 3 })
              : fc.array(many, { maxLength: 3 }),
        );
      });
      const schema: ObjectSchema = { kind: "object", fields };
      return { schema, value: fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<JsonValue> };
    });

const sampled = structOf(
  fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: structOf(leaf) }),
).chain(({ schema, value }) => value.map((json) => ({ schema, json })));

describe("random schemas", () => {
  it("decode is idempotent, and protobuf carries what JSON carries", () => {
    fc.assert(
      fc.property(sampled, ({ schema, json }) => {
        const types = { resolve: () => schema };
        const compiled = new TypeCompiler(types).compile("test.v1.Random");
        const { value } = compiled.decode(json);
        const again = compiled.decode(value).value;
        assert.equal(JSON.stringify(again), JSON.stringify(value));
        const proto = new ProtobufCodec(types);
        const back = compiled.decode(
          proto.decode("test.v1.Random", proto.encode("test.v1.Random", value)),
        ).value;
        assert.equal(JSON.stringify(back), JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  });
});
