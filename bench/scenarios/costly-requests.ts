/** Requests that cost much: as large, as deep or as many-fielded as they get through. Upstream refuses some and takes the others. */

export interface CostlyRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: string | Buffer;
  readonly type: string;
}

const json = "application/json";
const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const record = (
  count: number,
  make: (index: number) => readonly [string, unknown],
): Record<string, unknown> => Object.fromEntries(list(count, make));
const keys = (count: number, value: unknown = "", prefix = "k"): Record<string, unknown> =>
  record(count, (i) => [`${prefix}${i}`, value]);

const configMaps = "/api/v1/namespaces/default/configmaps";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const admission = "/apis/admissionregistration.k8s.io/v1";
const things = "/apis/bench.example.com/v1/namespaces/default/things";

const post = (
  name: string,
  path: string,
  body: unknown,
  type = json,
  query = "dryRun=All",
): CostlyRequest => ({
  name,
  method: "POST",
  path: `${path}?${query}`,
  body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  type,
});
const patch = (
  name: string,
  type: string,
  body: unknown,
  path = `${configMaps}/kube-root-ca.crt`,
): CostlyRequest => ({
  ...post(name, path, body, `application/${type}`, "dryRun=All&fieldManager=bench&force=true"),
  method: "PATCH",
  ...(type === "apply-patch+yaml" ? {} : { path: `${path}?dryRun=All&fieldManager=bench` }),
});
const configMap = (data: unknown, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "large", ...metadata },
  data,
});

const definition = (schema: object, plural = "bads", version: object = {}) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.bench.example.com` },
  spec: {
    group: "bench.example.com",
    scope: "Namespaced",
    names: { plural, kind: plural === "things" ? "Thing" : "Bad" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
  },
});
const wide = (count: number, field: object) => ({
  type: "object",
  properties: record(count, (i) => [`f${i}`, field]),
});
const deep = (levels: number): object => {
  let schema: object = { type: "string" };
  for (let i = 0; i < levels; i++)
    schema = { type: "object", properties: { a: schema }, not: { type: "string" } };
  return schema;
};
const text = { type: "string" };
const row = {
  type: "object",
  required: ["key"],
  properties: { key: text, value: { type: "integer", default: 3 } },
};
/** What the requests for `things` need. */
export const thingDefinition: CostlyRequest = post(
  "the definition of things",
  definitions,
  definition(
    {
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
      properties: {
        spec: {
          type: "object",
          properties: {
            set: { type: "array", "x-kubernetes-list-type": "set", items: text },
            rows: {
              type: "array",
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": ["key"],
              items: row,
            },
            map: { type: "object", additionalProperties: { ...text, pattern: "^[a-z]*$" } },
            integers: { type: "array", items: { type: "integer", minimum: 3 } },
          },
        },
      },
    },
    "things",
  ),
  json,
  "",
);
const thing = (spec: object, more: object = {}) => ({
  apiVersion: "bench.example.com/v1",
  kind: "Thing",
  metadata: { name: "large" },
  spec,
  ...more,
});

const policy = (name: string, spec: object): CostlyRequest =>
  post(name, `${admission}/validatingadmissionpolicies`, {
    metadata: { name: "p" },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
        ],
      },
      ...spec,
    },
  });

export const costlyRequests = (): CostlyRequest[] => [
  ...bodies(),
  ...patches(),
  ...schemas(),
  ...Object.entries(expressions()).map(([name, rule]) =>
    post(
      `a rule: ${name}`,
      definitions,
      definition({ ...wide(3, text), "x-kubernetes-validations": [{ rule }] }),
    ),
  ),
  policy("a policy of 1,000 expressions", {
    validations: list(1_000, (i) => ({ expression: `object.spec.containers.all(c, c.image != 'a${i}')` })),
    variables: list(1_000, (i) => ({ name: `v${i}`, expression: `object.spec.containers[${i}].name` })),
  }),
  policy("a policy of 60,000 additions", {
    validations: [{ expression: list(60_000, () => "1").join("+") }],
  }),
  ...customObjects(),
];

function bodies(): CostlyRequest[] {
  const aliases = list(
    9,
    (i) => `${"bcdefghij"[i]}: &${"bcdefghij"[i]} [${`*${"abcdefghi"[i]},`.repeat(9)}]`,
  );
  const megabytes = "x".repeat(2_900_000);
  const big = "12345678901234567890,";
  return [
    post("2.9 MB that is no JSON", configMaps, `{"data":{"a":"${megabytes}`),
    post(
      "2.9 MB that is no UTF-8",
      configMaps,
      Buffer.concat([
        Buffer.from('{"metadata":{"name":"a"},"data":{"a":"'),
        Buffer.alloc(2_900_000, 0xff),
        Buffer.from('"}}'),
      ]),
    ),
    post("brackets, 1 MB deep", configMaps, "[".repeat(1_000_000)),
    post("140,000 big integers", configMaps, `{"data":[${big.repeat(140_000)}1]}`),
    post("one key 400,000 times", configMaps, `{"data":{${'"a":"",'.repeat(400_000)}"b":""}}`),
    post("200,000 unknown fields", configMaps, { metadata: { name: "x" }, ...keys(200_000) }),
    post(
      "200,000 unknown fields, warned of",
      configMaps,
      { metadata: { name: "x" }, ...keys(200_000) },
      json,
      "dryRun=All&fieldValidation=Warn",
    ),
    post("100,000 bad keys", configMaps, configMap(keys(100_000, "", "!k"))),
    post("100,000 bad labels", configMaps, configMap({}, { labels: keys(100_000, "", "!k") })),
    post("300,000 bad finalizers", configMaps, configMap({}, { finalizers: list(300_000, () => "!") })),
    post("30,000 owners", configMaps, configMap({}, { ownerReferences: owners(30_000) })),
    post("a config map of 40,000 keys", configMaps, configMap(keys(40_000))),
    post("a config map of 80,000 keys", configMaps, configMap(keys(80_000))),
    post("a secret of 80,000 keys", "/api/v1/namespaces/default/secrets", {
      metadata: { name: "a" },
      data: keys(80_000, "YQ=="),
    }),
    post("a YAML bomb", configMaps, `a: &a [${"x,".repeat(100)}]\n${aliases.join("\n")}`, "application/yaml"),
    post(
      "YAML of 20,000 lines",
      configMaps,
      `data:\n${list(20_000, (i) => `  !k${i}: "a"\n`).join("")}`,
      "application/yaml",
    ),
  ];
}

const owners = (count: number) =>
  list(count, (i) => ({ uid: `u${i}`, name: "n", kind: "K", apiVersion: "v1" }));

function patches(): CostlyRequest[] {
  const insertion = { op: "add", path: "/metadata/finalizers/0", value: "a/b" };
  const many = owners(20_000);
  const order = many.map(({ uid }) => ({ uid }));
  const forged = (i: number) => ({
    manager: `m${i}`,
    operation: "Apply",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { [`f:k${i}`]: {} } },
  });
  return [
    patch(
      "a JSON patch of 10,000 insertions",
      "json-patch+json",
      list(10_000, () => insertion),
    ),
    patch("a JSON patch that compares 80,000 keys 9,000 times", "json-patch+json", [
      { op: "add", path: "/data", value: keys(80_000) },
      ...list(9_000, () => ({ op: "test", path: "/data", value: {} })),
    ]),
    patch("a strategic merge of 20,000 owners in an order", "strategic-merge-patch+json", {
      metadata: { ownerReferences: many, "$setElementOrder/ownerReferences": order },
    }),
    patch("a strategic merge of 100,000 finalizers", "strategic-merge-patch+json", {
      metadata: {
        finalizers: list(100_000, (i) => `a/b${i}`),
        "$deleteFromPrimitiveList/finalizers": list(50_000, (i) => `a/c${i}`),
      },
    }),
    patch("a merge patch of 100,000 keys", "merge-patch+json", { data: keys(100_000) }),
    patch(
      "an apply of 100,000 bad fields",
      "apply-patch+yaml",
      configMap(keys(100_000, "", "!k"), { name: "kube-root-ca.crt" }),
    ),
    patch(
      "an apply of 80,000 fields",
      "apply-patch+yaml",
      configMap(keys(80_000), { name: "kube-root-ca.crt" }),
    ),
    patch(
      "an apply of 100,000 wrong types",
      "apply-patch+yaml",
      configMap(keys(100_000, 1), { name: "kube-root-ca.crt" }),
    ),
    patch("managed fields of 20,000 managers", "merge-patch+json", {
      metadata: { managedFields: list(20_000, forged) },
    }),
  ];
}

function schemas(): CostlyRequest[] {
  const one = definition({ type: "object" });
  const version = one.spec.versions[0]!;
  const versions = list(10_000, (i) => ({ ...version, name: `v${i + 1}`, storage: i === 0 }));
  const repeated = (i: number) => ({ ...text, pattern: `^(a{1,900}b{1,${(i % 900) + 1}})$` });
  const rule = (i: number) => ({
    rule: `self.f${i % 200} != 'a' && self.f${(i + 1) % 200}.matches('^[a-z]+$')`,
  });
  const rules = { "x-kubernetes-validations": list(1_000, rule) };
  const broken = { ...text, default: 1, pattern: "(" };
  const branch = (i: number) => ({ properties: { [`a${i}`]: text } });
  const column = (i: number) => ({ name: `c${i}`, type: "string", jsonPath: ".spec.a[?(@.b=='c')].d" });
  const of = (name: string, schema: object, more: object = {}): CostlyRequest =>
    post(name, definitions, definition(schema, "bads", more));
  return [
    of("a definition of 20,000 broken fields", wide(20_000, broken)),
    of("a definition of 60,000 fields", wide(60_000, text)),
    of("a definition with a schema 900 deep", deep(900)),
    of("a definition with an enum of 100,000", {
      type: "object",
      properties: { a: { ...text, enum: list(100_000, (i) => `e${i}`) } },
    }),
    of("a definition with anyOf of 30,000", { type: "object", anyOf: list(30_000, branch) }),
    of("a definition with 1,000 rules", { ...wide(200, text), ...rules }),
    of("a definition with 2,000 long patterns", {
      type: "object",
      properties: record(2_000, (i) => [`f${i}`, repeated(i)]),
    }),
    of(
      "a definition with 10,000 columns",
      { type: "object" },
      { additionalPrinterColumns: list(10_000, column) },
    ),
    post("a definition of 10,000 versions", definitions, { ...one, spec: { ...one.spec, versions } }),
  ];
}

const expressions = (): Record<string, string> => ({
  "parentheses, 100,000 deep": "(".repeat(100_000),
  "60,000 additions": `${list(60_000, () => "1").join("+")} > 0`,
  "nested loops": `${"[1,2,3].all(x, ".repeat(12)}true${")".repeat(12)}`,
  "a bad pattern": `'a'.matches('${"(a+)+".repeat(5_000)}$')`,
  "a bad pattern of a kilobyte": `'a'.matches('${"(a+)+".repeat(200)}$')`,
  "200 KB of words": `self.${"a b ".repeat(50_000)}`,
  "a list of 30,000": `self.f1 in [${list(30_000, (i) => `'e${i}'`).join(",")}]`,
  "lists in lists": `${"[".repeat(200)}1${"]".repeat(200)} == ${"[".repeat(200)}1${"]".repeat(200)}`,
});

function customObjects(): CostlyRequest[] {
  const rows = list(40_000, (i) => ({ key: `a${i}`, value: 1 }));
  const apply = (name: string, spec: object) =>
    patch(name, "apply-patch+yaml", thing(spec), `${things}/large`);
  return [
    post("a custom object of 100,000 unknown keys", things, thing({}, keys(100_000))),
    post("a custom object of 500,000 empty objects", things, thing({}, { free: list(500_000, () => ({})) })),
    post("a custom object of 500,000 bad integers", things, thing({ integers: list(500_000, () => 1) })),
    post("a custom object with a set of 100,000", things, thing({ set: list(100_000, (i) => `a${i}`) })),
    post("a custom object with 40,000 rows", things, thing({ rows })),
    post(
      "a custom object with 100,000 equal rows",
      things,
      thing({ rows: list(100_000, () => ({ key: "a" })) }),
    ),
    post("a custom object with 100,000 bad texts", things, thing({ map: keys(100_000, "A") })),
    apply("an apply of 40,000 rows", { rows }),
    apply("an apply of a map of 100,000", { map: keys(100_000) }),
  ];
}
