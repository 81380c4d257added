/**
 * Broken applies, definitions, schemas, CEL expressions and custom resources by the thousand: each answers with a Status that
 * blames the client, none shows as a bug of the server, and the connection serves on.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import fc from "fast-check";
import { checkAnswer, upstreams500 } from "./testing/answers.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";
import { broken, pick, randomOf, runs } from "./testing/random-objects.ts";

let server: LiveServer;
let base = "";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const things = "/apis/bad.example.com/v1/namespaces/default/things";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("broken", { type: "kubernetes" })}`;
  const made = await server.call("POST", base + definitions, { body: definition(thing()) });
  assert.equal(made.status, 201, made.text);
});
after(() => server.close());
afterEach(async () => {
  assert.equal((await server.call("GET", `${base}/api/v1/namespaces/default`)).status, 200);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

/** Runs requests made from seeds; at least one in ten must get past the first checks. */
async function manyRequests(
  count: number,
  request: (random: () => number) => { method: string; path: string; body: unknown; type?: string },
): Promise<void> {
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0x7fff_ffff }), async (seed) => {
      const { method, path, ...options } = request(randomOf(seed));
      const answer = await server.call(method, base + path, options);
      if (answer.status === 500 && upstreams500.test(answer.json.message)) {
        refused++;
        return;
      }
      checkAnswer(server, answer, `${method} ${path} ${JSON.stringify(options).slice(0, 2_000)}`);
      if (answer.status < 300) taken++;
      else refused++;
    }),
    { numRuns: runs(count) },
  );
  assert.ok(refused > runs(count) / 10, `${refused} of ${count} were refused: the generator breaks nothing`);
  assert.ok(taken > 0, `${taken} of ${count} were taken: the generator makes nothing that gets far`);
}

type Tree = { [key: string]: unknown };

/** A schema with something of everything. */
const thing = (): Tree => ({
  type: "object",
  required: ["spec"],
  properties: {
    spec: {
      type: "object",
      properties: {
        size: { type: "integer", minimum: 1, maximum: 9, default: 3 },
        name: { type: "string", pattern: "^(a+)+$", maxLength: 200 },
        when: { type: "string", format: "date-time" },
        port: { "x-kubernetes-int-or-string": true },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        tags: {
          type: "array",
          "x-kubernetes-list-type": "set",
          items: { type: "string", maxLength: 20 },
          maxItems: 20,
        },
        rows: {
          type: "array",
          maxItems: 20,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["key"],
          items: {
            type: "object",
            required: ["key"],
            properties: { key: { type: "string", maxLength: 20 }, value: { type: "integer" } },
          },
        },
        map: { type: "object", maxProperties: 10, additionalProperties: { type: "string", maxLength: 50 } },
      },
      "x-kubernetes-validations": [
        { rule: "!has(self.tags) || self.tags.all(tag, tag.matches('^[a-z]*$'))", message: "lower case" },
        { rule: "!has(self.rows) || self.rows.all(row, !has(row.value) || row.value < 10)" },
        { rule: "self.size >= oldSelf.size", messageExpression: "'not ' + self.name" },
      ],
    },
    status: { type: "object", properties: { replicas: { type: "integer" } } },
  },
});

const definition = (schema: unknown, name = "things"): Tree => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${name}.bad.example.com` },
  spec: {
    group: "bad.example.com",
    scope: "Namespaced",
    names: { plural: name, kind: name === "things" ? "Thing" : "Other" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.size", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
        schema: { openAPIV3Schema: schema },
      },
    ],
  },
});

const object = (random: () => number): Tree => ({
  apiVersion: "bad.example.com/v1",
  kind: "Thing",
  metadata: { name: `t${Math.floor(random() * 10)}`, labels: { a: "b" } },
  spec: {
    size: Math.floor(random() * 9) + 1,
    name: "a".repeat(Math.floor(random() * 40)) + (random() < 0.3 ? "!" : "a"),
    when: pick(random, ["2026-01-01T00:00:00Z", "today"]),
    port: pick<unknown>(random, [80, "http"]),
    free: { anything: [{ goes: null }] },
    tags: pick(random, [["a"], ["a", "b"], ["a", "a"], ["A"]]),
    rows: pick(random, [
      [{ key: "a", value: 1 }],
      [{ key: "a" }, { key: "a" }],
      [{ value: 1 }],
      [{ key: "b", value: 99 }],
    ]),
    map: { a: "b" },
  },
  status: { replicas: 1 },
});

const words = [
  "self",
  "oldSelf",
  "self.size",
  "self.rows",
  "self.map",
  "self.name",
  "object",
  ".",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  "?",
  "&&",
  "||",
  "!",
  "==",
  "<",
  "+",
  "-",
  "*",
  "/",
  "%",
  " in ",
  "1",
  "0",
  "9223372036854775808",
  "1.5e400",
  "0x",
  "'a'",
  "b'\\xff'",
  "r'('",
  '"',
  "'",
  "\\",
  "\u0000",
  "\ud83d\ude00",
  "true",
  "null",
  "x",
  "all(x, ",
  "map(x, x)",
  "exists(x, x == ",
  "filter(x, true)",
  ".matches('(a+)+$')",
  ".matches('[')",
  ".contains(",
  ".size()",
  "has(self.size)",
  "has(",
  "dyn(",
  "duration('1x')",
  "timestamp('x')",
  "string(",
  "int(",
  "cel.bind(",
  "__proto__",
  "constructor",
  "google.protobuf.Any{}",
  "quantity('1Gi')",
  "authorizer.group('a')",
];
/** One that is right, or a soup of words, or one of those that are too much. */
function expression(random: () => number): string {
  const roll = random();
  if (roll < 0.1) return pick(random, ["true", "has(self.size)", "self.size > 0", "size(self.rows) < 5"]);
  if (roll < 0.2) {
    const many = pick(random, [30, 300, 3_000]);
    return pick(random, [
      `${"(".repeat(many)}true${")".repeat(many)}`,
      `${"!".repeat(many)}true`,
      `${"[".repeat(many)}${"]".repeat(many)}`,
      Array.from({ length: many }, () => "self.size").join(" + "),
      `${"self.rows.all(x, ".repeat(many / 30)}true${")".repeat(many / 30)}`,
      `'${"a".repeat(many * 10)}'.matches('(a+)+$')`,
      `${"true ? true : ".repeat(many)}true`,
      `${"{1: ".repeat(many)}1${"}".repeat(many)}`,
      `self${".size".repeat(many)}`,
      `-${"-".repeat(many)}1 == 1`,
    ]);
  }
  return Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(random, words)).join("");
}

describe("bad input for kinds that workspaces define", () => {
  it("definitions with something broken in them", async () => {
    await manyRequests(500, (random) => ({
      method: "POST",
      path: `${definitions}?dryRun=All`,
      body: broken(definition(thing(), "others"), random, pick(random, [0.002, 0.02, 0.1])),
    }));
  });

  it("rules and messages of random CEL", async () => {
    await manyRequests(500, (random) => {
      const schema = thing();
      const rule = {
        rule: expression(random),
        ...(random() < 0.3 ? { messageExpression: expression(random) } : {}),
      };
      const spec = (schema.properties as { spec: Tree }).spec;
      spec["x-kubernetes-validations"] = random() < 0.1 ? [rule, broken(rule, random, 0.3)] : [rule];
      return { method: "POST", path: `${definitions}?dryRun=All`, body: definition(schema, "others") };
    });
  });

  it("policies of random CEL", async () => {
    await manyRequests(300, (random) => {
      const odd = Math.floor(random() * 5);
      const at = (place: number, good: string): string => (place === odd ? expression(random) : good);
      return {
        method: "POST",
        path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?dryRun=All",
        body: broken(
          {
            apiVersion: "admissionregistration.k8s.io/v1",
            kind: "ValidatingAdmissionPolicy",
            metadata: { name: "p" },
            spec: {
              failurePolicy: "Fail",
              matchConstraints: {
                resourceRules: [
                  { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
                ],
              },
              variables: [{ name: "v", expression: at(0, "object.kind") }],
              matchConditions: [{ name: "m", expression: at(1, "true") }],
              validations: [{ expression: at(2, "object.metadata.name != variables.v") }],
              auditAnnotations: [{ key: "k", valueExpression: at(3, "'x'") }],
            },
          },
          random,
          pick(random, [0, 0.01, 0.05]),
        ),
      };
    });
  });

  it("custom resources, created, replaced, patched and applied", async () => {
    const types = [
      "application/json-patch+json",
      "application/merge-patch+json",
      "application/apply-patch+yaml",
      "application/strategic-merge-patch+json",
    ] as const;
    await manyRequests(700, (random) => {
      const body = broken(object(random), random, pick(random, [0, 0.01, 0.1])) as Tree;
      const name = `t${Math.floor(random() * 10)}`;
      const query = `?fieldManager=${pick(random, ["a", "b"])}&fieldValidation=${pick(random, ["Strict", "Warn", "Ignore"])}`;
      const subresource = pick(random, ["", "", "/status", "/scale"]);
      const roll = random();
      if (roll < 0.3) return { method: "POST", path: things + query, body };
      if (roll < 0.5) return { method: "PUT", path: `${things}/${name}${subresource}${query}`, body };
      const type = pick(random, types);
      const force = type === types[2] ? `&force=${pick(random, ["true", "false", "x"])}` : "";
      return { method: "PATCH", path: `${things}/${name}${subresource}${query}${force}`, body, type };
    });
  });

  it("applies to built-in kinds", async () => {
    await manyRequests(500, (random) => {
      const name = `a${Math.floor(random() * 5)}`;
      const good = pick<Tree>(random, [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: pick(random, ["1", "2"]) } },
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name },
          spec: { ports: [{ port: 80, protocol: "TCP" }, { port: 80 }], selector: { a: "b" } },
        },
      ]);
      const collection = good.kind === "ConfigMap" ? "configmaps" : "services";
      const body = broken(good, random, pick(random, [0, 0.02, 0.15]));
      const texts = [": : :", "&a [*a]", "- 1", "{", "a: b: c", "\u0000", "%YAML 9", "!!js/function x"];
      return {
        method: "PATCH",
        path: `/api/v1/namespaces/default/${collection}/${name}?fieldManager=${pick(random, ["a", "b", "", "x".repeat(129)])}&force=${pick(random, ["true", "false"])}`,
        body: random() < 0.05 ? pick(random, texts) : body,
        type: "application/apply-patch+yaml",
      };
    });
  });
});
