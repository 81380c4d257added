import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/child.ts";
import { configMap, suite } from "./suite.ts";

const ns = ["-n", "policed"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "policed"]);
  await kubectl.ok(["label", "namespace", "policed", "policed=yes"]);
});

const admission = "admissionregistration.k8s.io/v1";
const create = (...objects: object[]): Promise<string> =>
  s.kubectl.ok(["create", "-f", "-"], { stdin: objects.map((each) => JSON.stringify(each)).join("\n---\n") });
const match = (operations: string[]) => ({
  namespaceSelector: { matchLabels: { policed: "yes" } },
  resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations, resources: ["configmaps"] }],
});

test("a ValidatingAdmissionPolicy with a parameter refuses, and warns", async () => {
  await s.kubectl.ok(["create", "cm", "limits", ...ns, "--from-literal=most=2"]);
  await create(
    {
      apiVersion: admission,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "few-keys" },
      spec: {
        failurePolicy: "Fail",
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        matchConstraints: match(["CREATE", "UPDATE"]),
        matchConditions: [{ name: "not-exempt", expression: "!object.metadata.name.startsWith('exempt-')" }],
        variables: [{ name: "keys", expression: "has(object.data) ? size(object.data) : 0" }],
        validations: [
          {
            expression: "variables.keys <= int(params.data.most)",
            messageExpression: "'at most ' + params.data.most + ' keys, not ' + string(variables.keys)",
          },
        ],
      },
    },
    {
      apiVersion: admission,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "few-keys" },
      spec: {
        policyName: "few-keys",
        paramRef: { name: "limits", namespace: "policed", parameterNotFoundAction: "Deny" },
        validationActions: ["Deny"],
      },
    },
  );
  const three = (name: string) => ({ stdin: configMap(name, { a: "1", b: "2", c: "3" }) });
  const refusal = await until("the policy is in force", async () => {
    const result = await s.kubectl.run(["create", "-f", "-", ...ns, "--dry-run=server"], three("many"));
    return result.code === 0 ? undefined : result.stderr;
  });
  assert.equal(
    refusal.trimEnd(),
    "The configmaps \"many\" is invalid: : ValidatingAdmissionPolicy 'few-keys' with binding 'few-keys' denied request: at most 2 keys, not 3",
  );
  await s.kubectl.ok(["create", "-f", "-", ...ns], three("exempt-many"));
  await s.kubectl.ok(["create", "-f", "-", "-n", "default"], three("elsewhere"));
  await s.kubectl.ok([
    ...["patch", "validatingadmissionpolicybinding", "few-keys", "--type=merge"],
    ...["-p", '{"spec":{"validationActions":["Warn"]}}'],
  ]);
  const warned = await until("the policy warns", async () => {
    const result = await s.kubectl.run(["create", "-f", "-", ...ns, "--dry-run=server"], three("many"));
    return result.code === 0 ? result.stderr : undefined;
  });
  assert.match(
    warned,
    /Warning: Validation failed for ValidatingAdmissionPolicy 'few-keys' with binding 'few-keys': at most 2 keys, not 3/,
  );
});

test("a policy whose expression does not compile is refused", async () => {
  const text = await s.kubectl.fails(["create", "-f", "-"], {
    stdin: JSON.stringify({
      apiVersion: admission,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "broken" },
      spec: {
        matchConstraints: match(["CREATE"]),
        validations: [{ expression: "object.metadata.name ==" }],
      },
    }),
  });
  assert.match(
    text,
    /The ValidatingAdmissionPolicy "broken" is invalid: spec\.validations\[0\]\.expression: Invalid value: "object\.metadata\.name ==": compilation failed: ERROR: <input>:1:24: Syntax error/,
  );
});

test("a MutatingAdmissionPolicy changes what is written", async () => {
  await create(
    {
      apiVersion: admission,
      kind: "MutatingAdmissionPolicy",
      metadata: { name: "marks" },
      spec: {
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        matchConstraints: match(["CREATE"]),
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: {
              expression: 'Object{metadata: Object.metadata{labels: {"marked": "by-policy"}}}',
            },
          },
          {
            patchType: "JSONPatch",
            jsonPatch: {
              expression: '[JSONPatch{op: "add", path: "/data", value: {"name": object.metadata.name}}]',
            },
          },
        ],
      },
    },
    {
      apiVersion: admission,
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name: "marks" },
      spec: { policyName: "marks" },
    },
  );
  let at = 0;
  const made = await until("the policy is in force", async () => {
    at += 1;
    const object = await s.kubectl.json(["create", "cm", `marked-${at}`, ...ns]);
    return object.metadata.labels?.marked === undefined ? undefined : object;
  });
  assert.deepEqual([made.metadata.labels, made.data], [{ marked: "by-policy" }, { name: `marked-${at}` }]);
});
