/** ValidatingAdmissionPolicies over HTTP: what they see, what they refuse and with which words, parameters, actions, failures. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Answer, type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("ruled", { type: "kubernetes" })}`;
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const group = "apis/admissionregistration.k8s.io/v1";
const configMaps = {
  resourceRules: [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] },
  ],
};

interface Rules {
  /** Of the policy, beside what a policy for config maps needs. */
  readonly spec?: object;
  readonly binding?: object;
  readonly validations?: readonly object[];
}

/** Installs a policy `p` with a binding `b` for as long as it is held. */
async function install({ spec = {}, binding = {}, validations }: Rules): Promise<AsyncDisposable> {
  const put = async (resource: string, kind: string, name: string, body: object): Promise<void> => {
    const made = await server.call("POST", `${base}/${group}/${resource}`, {
      body: {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind,
        metadata: { name },
        spec: body,
      },
    });
    assert.equal(made.status, 201, made.text);
  };
  await put("validatingadmissionpolicies", "ValidatingAdmissionPolicy", "p", {
    matchConstraints: configMaps,
    ...(validations === undefined ? {} : { validations }),
    ...spec,
  });
  await put("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", "b", {
    policyName: "p",
    validationActions: ["Deny"],
    ...binding,
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const path of ["validatingadmissionpolicybindings/b", "validatingadmissionpolicies/p"])
        assert.equal((await server.call("DELETE", `${base}/${group}/${path}`)).status, 200);
    },
  };
}

let count = 0;
const create = (more: object = {}, name = `c-${++count}`, namespace = "default"): Promise<Answer> =>
  server.call("POST", `${base}/api/v1/namespaces/${namespace}/configmaps`, {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, ...more },
  });
const deniedBy = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request:";
const refusal = (answer: Answer): string => {
  assert.ok(answer.status >= 400, answer.text);
  return answer.json.message.replace(/^configmaps "[^"]*" is forbidden: /, "");
};
const made = (answer: Answer) => {
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const accepted = (answer: Answer): void => void made(answer);

describe("validations", () => {
  it("refuse with the message, the expression's own message, or the expression", async () => {
    await using _policy = await install({
      validations: [
        { expression: "!has(object.data) || !('a' in object.data)", message: " no a " },
        {
          expression: "!has(object.data) || !('b' in object.data)",
          message: "unused",
          messageExpression: "'b is ' + object.data.b",
        },
        { expression: "!has(object.data) || !('c' in object.data)" },
        {
          expression: "!has(object.data) || !('d' in object.data)",
          messageExpression: "'x\\ny'",
          message: "d",
        },
      ],
    });
    accepted(await create({ data: { z: "1" } }));
    const refused = await create({ data: { a: "1" } }, "named");
    assert.equal(refused.status, 422);
    assert.equal(refused.json.reason, "Invalid");
    assert.equal(refused.json.message, `configmaps "named" is forbidden: ${deniedBy} no a`);
    assert.deepEqual(refused.json.details.causes, [{ message: `${deniedBy} no a` }]);
    assert.equal(refusal(await create({ data: { b: "two" } })), `${deniedBy} b is two`);
    assert.equal(
      refusal(await create({ data: { c: "1" } })),
      `${deniedBy} failed expression: !has(object.data) || !('c' in object.data)`,
    );
    assert.equal(refusal(await create({ data: { d: "1" } })), `${deniedBy} d`);
  });

  it("have a reason, which is the code too", async () => {
    const codes = { Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 };
    for (const [reason, code] of Object.entries(codes)) {
      await using _policy = await install({ validations: [{ expression: "false", reason }] });
      const answer = await create();
      assert.equal(answer.status, code);
      assert.equal(answer.json.reason, reason);
    }
  });

  it("see the old object, the request, the namespace and who asks", async () => {
    await using _policy = await install({
      validations: [
        { expression: "oldObject == null || object.data == oldObject.data", message: "data changed" },
        {
          expression:
            "request.operation in ['CREATE', 'UPDATE'] && request.resource.resource == 'configmaps'",
        },
        { expression: "'system:masters' in request.userInfo.groups && request.name == object.metadata.name" },
        { expression: "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == request.namespace" },
        { expression: "object.metadata.annotations['kcp.io/cluster'] != ''" },
        {
          expression:
            "authorizer.group('').resource('secrets').namespace('default').check('get').allowed() && authorizer.requestResource.check('update').allowed()",
        },
        {
          expression:
            "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets').check('get').allowed()",
        },
      ],
    });
    accepted(await create({ data: { a: "1" } }, "seen"));
    const changed = await server.call("PATCH", `${base}/api/v1/namespaces/default/configmaps/seen`, {
      body: { data: { a: "2" } },
      type: "application/merge-patch+json",
    });
    assert.equal(refusal(changed), `${deniedBy} data changed`);
  });

  it("read variables, which read those before them", async () => {
    await using _policy = await install({
      spec: {
        variables: [
          { name: "size", expression: "has(object.data) ? size(object.data) : 0" },
          { name: "isSmall", expression: "variables.size < 3" },
          { name: "broken", expression: "object.nothing.here" },
        ],
        validations: [
          { expression: "variables.isSmall", messageExpression: "'too many: ' + string(variables.size)" },
          { expression: "variables.size != 2 || variables.broken" },
        ],
      },
    });
    accepted(await create({ data: { a: "1" } }));
    assert.equal(refusal(await create({ data: { a: "1", b: "2", c: "3" } })), `${deniedBy} too many: 3`);
    assert.equal(
      refusal(await create({ data: { a: "1", b: "2" } })),
      `${deniedBy} expression 'variables.size != 2 || variables.broken' resulted in error: composited variable "broken" fails to evaluate: no such key: nothing`,
    );
  });
});

describe("which writes", () => {
  const never = [{ expression: "false", message: "met" }];

  it("are met by match conditions, rules, names and excluded rules", async () => {
    {
      await using _policy = await install({
        spec: { matchConditions: [{ name: "mine", expression: "object.metadata.name.startsWith('x-')" }] },
        validations: never,
      });
      accepted(await create());
      assert.equal(refusal(await create({}, "x-1")), `${deniedBy} met`);
    }
    const rule = configMaps.resourceRules[0]!;
    await using _policy = await install({
      spec: {
        matchConstraints: {
          resourceRules: [rule],
          excludeResourceRules: [{ ...rule, resourceNames: ["spared"] }],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } },
        },
      },
      binding: { matchResources: { objectSelector: { matchLabels: { ruled: "yes" } } } },
      validations: never,
    });
    const labelled = (name: string, namespace = "default"): Promise<Answer> =>
      create({ metadata: { name, labels: { ruled: "yes" } } }, name, namespace);
    accepted(await create());
    accepted(await labelled("spared"));
    accepted(await labelled("elsewhere", "kube-system"));
    assert.equal(refusal(await labelled("caught")), `${deniedBy} met`);
  });

  it("without a binding are none, and other workspaces' never", async () => {
    await using _policy = await install({ validations: never, binding: { policyName: "another" } });
    accepted(await create());
    const other = await server.workspace("unruled", { type: "kubernetes" });
    const answer = await server.call("POST", `/clusters/${other}/api/v1/namespaces/default/configmaps`, {
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "free" } },
    });
    accepted(answer);
  });

  it("never configure admission", async () => {
    await using _policy = await install({
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] }],
        },
      },
      validations: never,
    });
    assert.ok(refusal(await create()).endsWith("met"));
  });
});

describe("parameters", () => {
  const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
  const validations = [
    {
      expression: "params == null || !has(object.data) || object.data.a == params.data.a",
      message: "not as params",
    },
  ];

  it("come by name, in the namespace of the write or of the reference", async () => {
    accepted(await create({ data: { a: "local" } }, "limits"));
    accepted(await create({ data: { a: "central" } }, "limits", "kube-system"));
    for (const [namespace, wanted] of [
      [undefined, "local"],
      ["kube-system", "central"],
    ] as const) {
      const paramRef = {
        name: "limits",
        parameterNotFoundAction: "Deny",
        ...(namespace === undefined ? {} : { namespace }),
      };
      await using _policy = await install({ spec: { paramKind }, validations, binding: { paramRef } });
      accepted(await create({ data: { a: wanted } }));
      assert.equal(refusal(await create({ data: { a: "other" } })), `${deniedBy} not as params`);
    }
  });

  it("come by selector: each of them is tried", async () => {
    accepted(await create({ metadata: { name: "s1", labels: { set: "s" } }, data: { a: "1" } }, "s1"));
    accepted(await create({ metadata: { name: "s2", labels: { set: "s" } }, data: { a: "2" } }, "s2"));
    await using _policy = await install({
      spec: { paramKind },
      validations: [{ expression: "!has(object.data) || object.data.a != params.data.a", message: "taken" }],
      binding: { paramRef: { selector: { matchLabels: { set: "s" } }, parameterNotFoundAction: "Deny" } },
    });
    accepted(await create({ data: { a: "3" } }));
    for (const a of ["1", "2"]) assert.equal(refusal(await create({ data: { a } })), `${deniedBy} taken`);
  });

  it("that are missing count as the reference says; a kind that is missing by the failure policy", async () => {
    const missing = (action: string) => ({ paramRef: { name: "nobody", parameterNotFoundAction: action } });
    {
      await using _policy = await install({ spec: { paramKind }, validations, binding: missing("Allow") });
      accepted(await create({ data: { a: "x" } }));
    }
    {
      await using _policy = await install({ spec: { paramKind }, validations, binding: missing("Deny") });
      assert.equal(
        refusal(await create()),
        `${deniedBy} failed to configure binding: no params found for policy binding with \`Deny\` parameterNotFoundAction`,
      );
    }
    const unknown = { paramKind: { apiVersion: "rules.example.com/v1", kind: "Limit" } };
    {
      await using _policy = await install({ spec: unknown, validations, binding: missing("Deny") });
      assert.equal(
        refusal(await create()),
        "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'",
      );
    }
    await using _policy = await install({
      spec: { ...unknown, failurePolicy: "Ignore" },
      validations,
      binding: missing("Deny"),
    });
    accepted(await create());
  });
});

describe("actions and failures", () => {
  it("warn instead of refusing", async () => {
    await using _policy = await install({
      validations: [{ expression: "false", message: "careful" }],
      binding: { validationActions: ["Warn", "Audit"] },
    });
    const answer = await create();
    accepted(answer);
    assert.deepEqual(
      [answer.headers.warning ?? []].flat().join(),
      `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': careful"`,
    );
  });

  it("of evaluation refuse, unless the policy ignores them", async () => {
    const broken = { validations: [{ expression: "object.data.missing == 'x'" }] };
    {
      await using _policy = await install(broken);
      assert.equal(
        refusal(await create({ data: {} })),
        `${deniedBy} expression 'object.data.missing == 'x'' resulted in error: no such key: data`,
      );
    }
    await using _policy = await install({ ...broken, spec: { failurePolicy: "Ignore" } });
    accepted(await create());
  });

  it("meet updates that change nothing too", async () => {
    const object = made(await create({}, "same"));
    await using _policy = await install({
      validations: [{ expression: "oldObject == null", message: "frozen" }],
    });
    const answer = await server.call("PUT", `${base}/api/v1/namespaces/default/configmaps/same`, {
      body: object,
    });
    assert.equal(refusal(answer), `${deniedBy} frozen`);
  });

  it("an expression that costs too much is stopped", async () => {
    const list = "[1,2,3,4,5,6,7,8,9,10]";
    const deep = `${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, ${list}.all(e, ${list}.all(f, a+b+c+d+e+f > 0))))))`;
    await using _policy = await install({ validations: [{ expression: deep }] });
    assert.match(
      refusal(await create()),
      /resulted in error: operation cancelled: actual cost limit exceeded$/,
    );
  });

  it("audit annotations that cannot be made refuse", async () => {
    await using _policy = await install({
      spec: {
        auditAnnotations: [
          { key: "fine", valueExpression: "'name is ' + object.metadata.name" },
          { key: "bad", valueExpression: "'a is ' + object.data.a" },
        ],
      },
    });
    accepted(await create({ data: { a: "1" } }));
    assert.match(
      refusal(await create()),
      /expression ''a is ' \+ object\.data\.a' resulted in error: no such key: data$/,
    );
  });
});

describe("type checking", () => {
  /** The status once it is of the newest generation. */
  const status = async (): Promise<Record<string, unknown>> => {
    const watch = await server.watch(`${base}/${group}/validatingadmissionpolicies?watch=true`);
    try {
      for (let events = 1; ; events++) {
        const { object } = (await watch.until(events))[events - 1]!;
        const { observedGeneration = 0 } = (object.status ?? {}) as { observedGeneration?: number };
        if (object.metadata.name === "p" && observedGeneration === object.metadata.generation)
          return object.status as Record<string, unknown>;
      }
    } finally {
      watch.close();
    }
  };

  it("warns of what does not fit the kinds that the rules name", async () => {
    {
      await using _policy = await install({
        validations: [
          { expression: "object.data.size() < 3" },
          { expression: "object.spec.replicas > 1", messageExpression: "string(object.data.x.y)" },
        ],
      });
      const { typeChecking, observedGeneration } = await status();
      assert.equal(observedGeneration, 1);
      const { expressionWarnings } = typeChecking as {
        expressionWarnings: { fieldRef: string; warning: string }[];
      };
      assert.equal(expressionWarnings[0]!.fieldRef, "spec.validations[1].expression");
      assert.match(
        expressionWarnings[0]!.warning,
        /^\/v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'spec'\n/,
      );
      assert.equal(expressionWarnings.at(-1)!.fieldRef, "spec.validations[1].messageExpression");
    }
    await using _fine = await install({ validations: [{ expression: "object.data.size() < 100" }] });
    assert.deepEqual(await status(), { observedGeneration: 1, typeChecking: {} });
  });
});
