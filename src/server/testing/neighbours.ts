/** What tenants of one server do, for tests that compare what one of them sees with and without the others. */
import fc from "fast-check";
import type { WebhookServer } from "#admission/testing/webhook-server.ts";
import { until } from "#base/testing/until.ts";
import type { Answer, LiveServer } from "./live-server.ts";

/** One thing that a workspace's user does. Numbers choose among variants. */
export type Step =
  | {
      readonly do: "define" | "redefine" | "policy" | "mutation" | "webhook" | "converter";
      readonly variant: number;
    }
  | { readonly do: "undefine" | "unpolicy" | "unhook" | "read" | "quota" | "unquota" }
  | {
      readonly do: "create" | "apply" | "patch" | "update" | "status";
      readonly name: string;
      readonly value: number;
      readonly version: string;
    }
  | { readonly do: "delete"; readonly name: string };

const variant = fc.integer({ min: 0, max: 5 });
const object = {
  name: fc.constantFrom("x", "y"),
  value: fc.integer({ min: 0, max: 6 }),
  version: fc.constantFrom("v1", "v2"),
};
const plain = fc.constantFrom<Step>(
  { do: "undefine" },
  { do: "unpolicy" },
  { do: "unhook" },
  { do: "quota" },
  { do: "unquota" },
);

export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("define", "redefine"), variant }) as fc.Arbitrary<Step>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("policy", "mutation", "webhook", "converter"),
      variant,
    }) as fc.Arbitrary<Step>,
  },
  { weight: 2, arbitrary: plain },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "read" }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom("create", "apply", "patch", "update", "status"),
      ...object,
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), name: object.name }) },
);

const group = "example.com";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const definitionPath = `${definitions}/widgets.${group}`;
const admission = "/apis/admissionregistration.k8s.io/v1";
const quotas = "/api/v1/namespaces/default/resourcequotas";
const counted = `count/widgets.${group}`;

/** The same kind, defined in ways that exclude each other. */
function specOf(chosen: number, hooks: WebhookServer): object {
  const list = (kind: string): object => ({
    type: "array",
    "x-kubernetes-list-type": kind,
    ...(kind === "map" ? { "x-kubernetes-list-map-keys": ["k"] } : {}),
    items: {
      type: "object",
      required: ["k"],
      properties: { k: { type: "string" }, v: { type: "integer", default: chosen } },
    },
  });
  const a: object[] = [
    { type: "string", default: "given" },
    { type: "integer", maximum: 3 },
    { type: "boolean" },
    { "x-kubernetes-int-or-string": true },
    { type: "string", enum: ["1", "2"] },
    { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  ];
  const rules: (object[] | undefined)[] = [
    undefined,
    [{ rule: "!has(self.a) || self.a != 2", message: "two is refused" }],
    undefined,
    [{ rule: "self.list.size() < 2", message: "one is enough" }],
    undefined,
    [{ rule: "oldSelf == self", message: "nothing changes" }],
  ];
  const version = (name: string): object => ({
    name,
    served: name === "v1" || chosen % 2 === 0,
    storage: name === (chosen === 4 ? "v2" : "v1"),
    ...(chosen % 3 === 0 ? { subresources: { status: {} } } : {}),
    ...(chosen === 2 ? { deprecated: true } : {}),
    ...(chosen % 2 === 0
      ? { additionalPrinterColumns: [{ name: `C${chosen}`, type: "string", jsonPath: ".spec.a" }] }
      : {}),
    ...(chosen === 0 ? { selectableFields: [{ jsonPath: ".spec.a" }] } : {}),
    schema: {
      openAPIV3Schema: {
        type: "object",
        description: `variant ${chosen}`,
        properties: {
          spec: {
            type: "object",
            default: {},
            properties: {
              a: a[chosen],
              list: { ...list(["map", "atomic"][chosen % 2]!), default: [] },
              [`only${chosen}`]: { type: "integer", default: chosen },
            },
            ...(rules[chosen] === undefined ? {} : { "x-kubernetes-validations": rules[chosen] }),
          },
          status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    },
  });
  const webhook = {
    conversionReviewVersions: ["v1"],
    clientConfig: { url: `${hooks.url}/convert-${chosen}`, caBundle: hooks.caBundle },
  };
  return {
    group,
    scope: "Namespaced",
    names: {
      plural: "widgets",
      singular: "widget",
      kind: "Widget",
      listKind: "WidgetList",
      shortNames: [`w${chosen}`],
      categories: [`c${chosen}`],
    },
    versions: [version("v1"), version("v2")],
    conversion: chosen >= 4 ? { strategy: "Webhook", webhook } : { strategy: "None" },
  };
}

const values: readonly unknown[] = ["1", 2, true, "given", 9, { k: 1 }, undefined];
const widgetOf = (name: string, value: number, version: string): object => ({
  apiVersion: `${group}/${version}`,
  kind: "Widget",
  metadata: { name },
  spec: {
    a: values[value],
    list: Array.from({ length: value % 3 }, (_, i) => ({ k: `k${i}`, ...(i === 1 ? { v: value } : {}) })),
    [`only${value}`]: value,
  },
});

const rule = {
  apiGroups: [group],
  apiVersions: ["*"],
  operations: ["CREATE", "UPDATE"],
  resources: ["widgets"],
};
const policyExpressions = [
  "false",
  "object.spec.list.size() == 0",
  "has(object.spec.a)",
  "object.metadata.name == 'x'",
  "!has(object.spec.only1)",
  "true",
];

/** Does one step in the workspace at `base`; the answers are everything that it was told. */
export async function take(
  server: LiveServer,
  hooks: WebhookServer,
  base: string,
  step: Step,
): Promise<Answer[]> {
  const ask = (
    method: string,
    path: string,
    body?: object,
    type?: string,
    accept?: string,
  ): Promise<Answer> =>
    server.call(method, base + path, {
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { type }),
      ...(accept === undefined ? {} : { accept }),
    });
  const isGone = async (path: string): Promise<boolean> => (await ask("GET", path)).status === 404;
  const at = (version: string, name = ""): string =>
    `/apis/${group}/${version}/namespaces/default/widgets${name === "" ? "" : `/${name}`}`;
  /** What controllers count is waited for, so that the next step finds the same state everywhere. */
  const settleQuota = (): Promise<void> =>
    until(`the quota counts after ${JSON.stringify(step)}`, async () => {
      const quota = await ask("GET", `${quotas}/few`);
      if (quota.status === 404) return true;
      const { hard, used } = (quota.json.status ?? {}) as Record<string, Record<string, string> | undefined>;
      const list = await ask("GET", at("v1"));
      const expected = list.status === 200 ? String(list.json.items.length) : undefined;
      return hard?.[counted] !== undefined && (expected === undefined || used?.[counted] === expected);
    });
  const post = (path: string, body: object): Promise<Answer> => ask("POST", path, body);
  const policy = (kind: "Validating" | "Mutating", chosen: number): Promise<Answer[]> => {
    const plural = `${kind.toLowerCase()}admissionpolic`;
    const label = `Object{metadata: Object.metadata{labels: {"mutated": "by-${chosen}"}}}`;
    return Promise.all([
      post(`${admission}/${plural}ies`, {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: `${kind}AdmissionPolicy`,
        metadata: { name: "p" },
        spec: {
          failurePolicy: chosen % 2 === 0 ? "Fail" : "Ignore",
          matchConstraints: { resourceRules: [rule] },
          ...(kind === "Validating"
            ? { validations: [{ expression: policyExpressions[chosen], message: `policy ${chosen}` }] }
            : {
                reinvocationPolicy: "Never",
                mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: label } }],
              }),
        },
      }),
      post(`${admission}/${plural}ybindings`, {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: `${kind}AdmissionPolicyBinding`,
        metadata: { name: "p" },
        spec: { policyName: "p", ...(kind === "Validating" ? { validationActions: ["Deny"] } : {}) },
      }),
    ]);
  };
  switch (step.do) {
    case "define":
      return [
        await post(definitions, {
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "CustomResourceDefinition",
          metadata: { name: `widgets.${group}` },
          spec: specOf(step.variant, hooks),
        }),
      ];
    case "redefine":
    case "converter": {
      const spec = specOf(step.do === "converter" ? 4 + (step.variant % 2) : step.variant, hooks);
      return [await ask("PATCH", definitionPath, { spec }, "application/merge-patch+json")];
    }
    case "undefine": {
      const answer = await ask("DELETE", definitionPath);
      await until("the definition is gone", () => isGone(definitionPath));
      await settleQuota();
      return [answer];
    }
    case "policy":
      return policy("Validating", step.variant);
    case "mutation":
      return policy("Mutating", step.variant);
    case "unpolicy":
      return Promise.all(
        ["validating", "mutating"].flatMap((kind) =>
          ["ies", "ybindings"].map((end) => ask("DELETE", `${admission}/${kind}admissionpolic${end}/p`)),
        ),
      );
    case "webhook":
      return [
        await post(`${admission}/validatingwebhookconfigurations`, {
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingWebhookConfiguration",
          metadata: { name: "hook" },
          webhooks: [
            {
              name: "hook.example.com",
              clientConfig: { url: `${hooks.url}/admit-${step.variant}`, caBundle: hooks.caBundle },
              rules: [rule],
              sideEffects: "None",
              admissionReviewVersions: ["v1"],
            },
          ],
        }),
      ];
    case "unhook":
      return [await ask("DELETE", `${admission}/validatingwebhookconfigurations/hook`)];
    case "quota": {
      const hard = { [counted]: "1" };
      const answer = await post(quotas, {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "few" },
        spec: { hard },
      });
      await settleQuota();
      return [answer];
    }
    case "unquota":
      return [await ask("DELETE", `${quotas}/few`)];
    case "create":
      return [await post(at(step.version), widgetOf(step.name, step.value, step.version))];
    case "apply":
      return [
        await ask(
          "PATCH",
          `${at(step.version, step.name)}?fieldManager=m${step.value % 2}&force=${step.value % 3 === 0}`,
          widgetOf(step.name, step.value, step.version),
          "application/apply-patch+yaml",
        ),
      ];
    case "patch":
    case "status": {
      const path = `${at(step.version, step.name)}${step.do === "status" ? "/status" : ""}`;
      const body =
        step.do === "status" ? { status: { seen: step.value } } : { spec: { a: values[step.value] ?? null } };
      return [await ask("PATCH", path, body, "application/merge-patch+json")];
    }
    case "update": {
      const current = await ask("GET", at(step.version, step.name));
      if (current.status !== 200) return [current];
      const { spec } = widgetOf(step.name, step.value, step.version) as { spec: object };
      return [await ask("PUT", at(step.version, step.name), { ...current.json, spec })];
    }
    case "delete": {
      const answer = await ask("DELETE", at("v1", step.name));
      await settleQuota();
      return [answer];
    }
    case "read": {
      const table = "application/json;as=Table;g=meta.k8s.io;v=v1";
      return Promise.all([
        ask("GET", at("v1")),
        ask("GET", at("v2")),
        ask("GET", at("v1"), undefined, undefined, table),
        ask("GET", `${at("v1")}?fieldSelector=spec.a%3Dgiven`),
        ask("GET", `/apis/${group}/v1`),
        ask(
          "GET",
          "/apis",
          undefined,
          undefined,
          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        ),
        ask("GET", `/openapi/v3/apis/${group}/v1`),
        ask("GET", "/openapi/v2"),
        ask("GET", "/openapi/v3"),
        ask("GET", definitionPath),
        ask("GET", "/api/v1/namespaces/default/events"),
      ]);
    }
  }
}

/** An answer without what differs from workspace to workspace: names, identities, revisions, times. */
export function comparable({ status, headers, text }: Answer, cluster: string): string {
  const cleaned = text
    .replaceAll(cluster, "<cluster>")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uid>")
    .replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":"<revision>"')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>")
    .replaceAll(/"\d+m?s"/g, '"<age>"');
  return `${status} ${String(headers.warning ?? "")} ${cleaned}`;
}

/** How the webhooks of {@link take} answer, by path. */
export function hookAnswer(path: string, body: { readonly [member: string]: unknown }): object {
  const {
    uid,
    desiredAPIVersion,
    objects = [],
  } = body.request as {
    uid: string;
    desiredAPIVersion: string;
    objects: { spec?: { list?: { v?: number }[] } }[];
  };
  const chosen = Number(/-(\d)/.exec(path)?.[1]);
  const response = path.includes("/admit-")
    ? { uid, allowed: chosen % 2 === 0, status: { message: `hook ${chosen}` }, warnings: [`hook ${chosen}`] }
    : {
        uid,
        result: { status: "Success" },
        convertedObjects: objects.map((object) => ({
          ...object,
          apiVersion: desiredAPIVersion,
          spec: { ...object.spec, [`only${chosen}`]: 100 + chosen },
        })),
      };
  return { apiVersion: body.apiVersion, kind: body.kind, response };
}
