/** Admission of custom resources: versions that rules name, policies' parameters and mutations of kinds that a workspace defines. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { until } from "#base/testing/until.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { Answer, Json } from "./testing/live-server.ts";
import { allow, patch, WebhookFixture } from "./testing/webhook-fixture.ts";

let fixture: WebhookFixture;
const schema = {
  openAPIV3Schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          size: { type: "integer" },
          color: { type: "string", default: "red" },
          parts: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            items: {
              type: "object",
              required: ["name"],
              properties: { name: { type: "string" }, weight: { type: "integer" } },
            },
          },
        },
      },
    },
  },
};
const call = (method: string, path: string, body?: object): Promise<Answer> =>
  fixture.server.call(method, `${fixture.base}${path}`, body === undefined ? {} : { body });
const made = (answer: Answer): Json => {
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};

before(async () => {
  fixture = await WebhookFixture.start();
  made(
    await call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "things", kind: "Thing" },
        versions: [
          { name: "v1", served: true, storage: true, schema },
          { name: "v2", served: true, storage: false, schema },
        ],
      },
    }),
  );
  await until("the definition is served", async () => {
    const { status } = await call("GET", "/apis/example.com/v2/namespaces/default/things");
    return status === 200;
  });
});
after(() => fixture.close());

const create = (name: string, spec: object, version = "v2"): Promise<Answer> =>
  call("POST", `/apis/example.com/${version}/namespaces/default/things`, {
    apiVersion: `example.com/${version}`,
    kind: "Thing",
    metadata: { name },
    spec,
  });

it("webhooks see the version of their rule; what they make is pruned and defaulted", async () => {
  const rules = [
    { apiGroups: ["example.com"], apiVersions: ["v1"], resources: ["things"], operations: ["CREATE"] },
  ];
  await using hook = await fixture.install(
    "Mutating",
    (request) =>
      patch(request, [
        { op: "add", path: "/spec/size", value: 7 },
        { op: "add", path: "/spec/unknown", value: true },
        { op: "remove", path: "/spec/color" },
      ]),
    { rules },
  );
  await using judge = await fixture.install("Validating", (request) => allow(request), { rules });
  const thing = made(await create("hooked", { size: 1 }));
  assert.equal(thing.apiVersion, "example.com/v2");
  assert.deepEqual(thing.spec, { size: 7, color: "red" });
  for (const { requests } of [hook, judge]) {
    const [request] = requests();
    assert.equal((request!.object as Json).apiVersion, "example.com/v1");
    assert.deepEqual(request!.requestKind, { group: "example.com", version: "v2", kind: "Thing" });
    assert.deepEqual(request!.kind, { group: "example.com", version: "v1", kind: "Thing" });
  }
});

it("what a webhook makes is not decoded again: nulls are refused, metadata of the wrong type is dropped", async () => {
  const rules = [
    { apiGroups: ["example.com"], apiVersions: ["v1"], resources: ["things"], operations: ["CREATE"] },
  ];
  const hooked = async (operation: JsonObject): Promise<Answer> => {
    await using _hook = await fixture.install("Mutating", (request) => patch(request, [operation]), {
      rules,
    });
    return await create("odd", { size: 1 }, "v1");
  };
  const nulled = await hooked({ op: "add", path: "/spec/size", value: null });
  assert.equal(nulled.status, 422, nulled.text);
  assert.match(
    nulled.json.message,
    /spec.size: Invalid value: "null": spec.size in body must be of type integer/,
  );
  const labelled = made(await hooked({ op: "add", path: "/metadata/labels", value: { a: 1 } }));
  assert.equal(labelled.metadata.labels, undefined);
});

it("policies take them as parameters, and mutate them by their own schema", async () => {
  made(await create("limits", { size: 5, parts: [] }));
  const group = "/apis/admissionregistration.k8s.io/v1";
  const apiVersion = "admissionregistration.k8s.io/v1";
  const matchConstraints = {
    resourceRules: [
      { apiGroups: ["example.com"], apiVersions: ["v2"], resources: ["things"], operations: ["CREATE"] },
    ],
  };
  const put = async (resource: string, kind: string, spec: object): Promise<void> => {
    made(await call("POST", `${group}/${resource}`, { apiVersion, kind, metadata: { name: "p" }, spec }));
  };
  await put("mutatingadmissionpolicies", "MutatingAdmissionPolicy", {
    matchConstraints,
    reinvocationPolicy: "Never",
    mutations: [
      {
        patchType: "ApplyConfiguration",
        applyConfiguration: {
          expression:
            "Object{spec: Object.spec{parts: [Object.spec.parts{name: 'a', weight: 2}, Object.spec.parts{name: 'b'}]}}",
        },
      },
    ],
  });
  await put("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", { policyName: "p" });
  await put("validatingadmissionpolicies", "ValidatingAdmissionPolicy", {
    matchConstraints,
    paramKind: { apiVersion: "example.com/v2", kind: "Thing" },
    validations: [
      {
        expression: "object.spec.size <= params.spec.size",
        messageExpression: "'at most ' + string(params.spec.size) + ' by ' + params.apiVersion",
      },
    ],
  });
  await put("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", {
    policyName: "p",
    validationActions: ["Deny"],
    paramRef: { name: "limits", parameterNotFoundAction: "Deny" },
  });
  const thing = made(await create("small", { size: 5, parts: [{ name: "a", weight: 1 }, { name: "c" }] }));
  // Items that the policy does not name keep their place behind those before which they stood.
  assert.deepEqual(thing.spec.parts, [{ name: "a", weight: 2 }, { name: "c" }, { name: "b" }]);
  const refused = await create("big", { size: 6 }, "v1");
  assert.equal(refused.status, 422);
  assert.match(refused.json.message, /denied request: at most 5 by example.com\/v2$/);
});
