/** MutatingAdmissionPolicies over HTTP: apply configurations, JSON patches, order, reinvocation, failures. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("mutated", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const group = "apis/admissionregistration.k8s.io/v1";
const rule = (apiGroup: string, resource: string) => ({
  apiGroups: [apiGroup],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE"],
  resources: [resource],
});
const apply = (expression: string) => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});
const patch = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });

/** Installs a policy with a binding of the same name for as long as it is held. */
async function install(
  name: string,
  mutations: readonly object[],
  spec: object = {},
  binding: object = {},
): Promise<AsyncDisposable> {
  const put = async (resource: string, kind: string, body: object): Promise<void> => {
    const made = await server.call("POST", `${base}/${group}/${resource}`, {
      body: { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, spec: body },
    });
    assert.equal(made.status, 201, made.text);
  };
  await put("mutatingadmissionpolicies", "MutatingAdmissionPolicy", {
    matchConstraints: { resourceRules: [rule("", "configmaps")] },
    reinvocationPolicy: "Never",
    mutations,
    ...spec,
  });
  await put("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", {
    policyName: name,
    ...binding,
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const resource of ["mutatingadmissionpolicybindings", "mutatingadmissionpolicies"])
        assert.equal((await server.call("DELETE", `${base}/${group}/${resource}/${name}`)).status, 200);
    },
  };
}

let count = 0;
const create = (more: object = {}, name = `m-${++count}`): Promise<Answer> =>
  server.call("POST", `${base}/api/v1/namespaces/default/configmaps`, {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, ...more },
  });
const made = (answer: Answer) => {
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};

describe("apply configurations", () => {
  it("add to what is there", async () => {
    await using _policy = await install("add", [
      apply("Object{metadata: Object.metadata{labels: {'added': object.metadata.name}}, data: {'b': '2'}}"),
    ]);
    const object = made(
      await create({ metadata: { name: "one", labels: { own: "yes" } }, data: { a: "1" } }, "one"),
    );
    assert.deepEqual(object.metadata.labels, { own: "yes", added: "one" });
    assert.deepEqual(object.data, { a: "1", b: "2" });
  });

  it("merge lists by their keys, and complete what they add with defaults", async () => {
    await using _policy = await install(
      "sidecar",
      [
        apply(
          `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
            initContainers: [Object.spec.template.spec.initContainers{name: "mesh", image: "proxy", restartPolicy: "Always"}]}}}}`,
        ),
      ],
      { matchConstraints: { resourceRules: [rule("apps", "deployments")] } },
    );
    const labels = { app: "x" };
    const answer = await server.call("POST", `${base}/apis/apps/v1/namespaces/default/deployments`, {
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "d" },
        spec: {
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: "c", image: "i" }], initContainers: [{ name: "init", image: "i" }] },
          },
        },
      },
    });
    const template = made(answer).spec.template as { spec: { initContainers: Record<string, unknown>[] } };
    assert.deepEqual(
      template.spec.initContainers.map(({ name, imagePullPolicy }) => [name, imagePullPolicy]),
      [
        ["init", "Always"],
        ["mesh", "Always"],
      ],
    );
  });

  it("may not set parts of what is atomic, nor fields that are not there, nor objects of other fields", async () => {
    const cases: readonly [string, RegExp][] = [
      [
        "Object{spec: Object.spec{nonsense: 1}}",
        /^policy 'bad' with binding 'bad' denied request: error applying patch: failed to convert patch object to typed object: \.spec: field not declared in schema$/,
      ],
      [
        "Object{metadata: Object.metadata{labels: Object.metadata.annotations{}}}",
        /denied request: type mismatch: unexpected type name "Object\.metadata\.annotations", expected "Object\.metadata\.labels"/,
      ],
      [
        "Object{data: {'a': object.nothing}}",
        /denied request: expression '.*' resulted in error: no such key: nothing$/,
      ],
    ];
    for (const [expression, text] of cases) {
      await using _policy = await install("bad", [apply(expression)]);
      const answer = await create();
      assert.equal(answer.status, 403);
      assert.equal(answer.json.reason, "Invalid");
      assert.match(answer.json.message, text);
      assert.deepEqual(answer.json.details.causes, [{ message: answer.json.message }]);
    }
    await using _atomic = await install(
      "bad",
      [apply("Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'a': 'b'}}}}")],
      { matchConstraints: { resourceRules: [rule("apps", "deployments")] } },
    );
    const labels = { app: "x" };
    const deployment = await server.call("POST", `${base}/apis/apps/v1/namespaces/default/deployments`, {
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "atomic" },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
        },
      },
    });
    assert.match(
      deployment.json.message,
      /error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \.spec\.selector$/,
    );
  });

  it("that fail are passed over by policies that ignore it", async () => {
    await using _ignored = await install("bad", [apply("Object{data: {'a': object.nothing}}")], {
      failurePolicy: "Ignore",
    });
    made(await create());
  });
});

describe("JSON patches", () => {
  it("change anything; a test that fails changes nothing", async () => {
    await using _policy = await install("patch", [
      patch("[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'remove', path: '/data/a'}]"),
      patch(
        "[JSONPatch{op: 'add', path: '/metadata/labels', value: Object.metadata.labels{x: 'y'}}, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('a/b'), value: string(has(object.data) ? size(object.data) : 0)}]",
      ),
    ]);
    const first = made(await create({ data: { a: "1", b: "2" } }));
    assert.deepEqual(first.data, { b: "2" });
    assert.deepEqual(first.metadata.labels, { x: "y" });
    assert.equal(first.metadata.annotations["a/b"], "1");
    assert.deepEqual(made(await create({ data: { a: "0" } })).data, { a: "0" });
  });

  it("hold values as JSON has them, and nothing else", async () => {
    const add = (value: string): string => `[JSONPatch{op: 'add', path: '/data', value: {'a': ${value}}}]`;
    const outcome = async (expression: string): Promise<unknown> => {
      await using _policy = await install("patch", [patch(expression)]);
      const answer = await create();
      const { json } = answer;
      return answer.status === 201 ? json.data.a : json.message.replace(/^policy .* denied request: /, "");
    };
    const unfit = "JSONPath valueExpression evaluated to a type that could not marshal to JSON: ";
    assert.equal(await outcome(add("18446744073709551615u")), "18446744073709551615");
    assert.equal(await outcome(add("duration('1h')")), "3600s");
    assert.equal(await outcome(add("type(1)")), `${unfit}type conversion not supported for 'type'`);
    assert.equal(
      await outcome(add("quantity('1')")),
      `${unfit}type conversion error from 'Quantity' to '*structpb.Value'`,
    );
    assert.equal(await outcome(add("{1: 'a'}")), `${unfit}unsupported type conversion from 'int' to string`);
    assert.equal(await outcome("[JSONPatch{path: '/data'}]"), "JSON Patch: Unexpected kind: ");
    assert.equal(
      await outcome("[JSONPatch{op: 'add', path: '/nope', value: 1}]"),
      'Internal error occurred: strict decoding error: unknown field "nope"',
    );
  });

  it("that cannot be applied refuse", async () => {
    await using _policy = await install("patch", [patch("[JSONPatch{op: 'remove', path: '/nowhere/x'}]")]);
    const answer = await create();
    assert.equal(answer.status, 403);
    assert.equal(
      answer.json.message,
      `policy 'patch' with binding 'patch' denied request: JSON Patch: remove operation does not apply: doc is missing path: "/nowhere/x": missing value`,
    );
  });
});

describe("policies together", () => {
  it("run in order, see each other's changes, and parameters and variables", async () => {
    made(await create({ data: { suffix: "-p" } }, "params"));
    await using _second = await install(
      "b",
      [apply("Object{data: {'seen': variables.text + params.data.suffix}}")],
      {
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        variables: [{ name: "text", expression: "object.data.first" }],
        matchConditions: [{ name: "first", expression: "has(object.data) && 'first' in object.data" }],
      },
      { paramRef: { name: "params", parameterNotFoundAction: "Deny" } },
    );
    await using _first = await install("a", [apply("Object{data: {'first': '1'}}")]);
    assert.deepEqual(made(await create()).data, { first: "1", seen: "1-p" });
  });

  it("run again when others have changed the object, if they want", async () => {
    await using _late = await install("z", [
      apply("Object{metadata: Object.metadata{labels: {'late': 'yes'}}}"),
    ]);
    await using _again = await install(
      "a",
      [
        apply(
          "Object{data: {'count': has(object.data) && 'count' in object.data ? object.data.count + '+' : '1', 'late': string(has(object.metadata.labels))}}",
        ),
      ],
      { reinvocationPolicy: "IfNeeded" },
    );
    assert.deepEqual(made(await create()).data, { count: "1+", late: "true" });
  });

  it("are not asked about deletions, nor in other workspaces", async () => {
    made(await create({}, "going"));
    await using _policy = await install("all", [apply("Object{data: {'a': 'b'}}")], {
      matchConstraints: { resourceRules: [{ ...rule("", "configmaps"), operations: ["*"] }] },
    });
    const path = `${base}/api/v1/namespaces/default/configmaps/going`;
    assert.equal((await server.call("DELETE", path)).status, 200);
  });
});
