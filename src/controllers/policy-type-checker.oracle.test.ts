/** Type checking of ValidatingAdmissionPolicies compared with upstream's: `policy.check` of the oracle. */
import fc from "fast-check";
import { customCelType } from "#admission/policies/known-types.ts";
import { expressionWarnings, type TypeSource } from "#admission/policies/type-check.ts";
import { kubernetesResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { anySchema } from "#crds/validation/testing/schemas.ts";
import { celTypeOfCatalogue } from "#machinery/cel/catalogue-typed.ts";
import { sameButForVariableNumbers } from "#machinery/cel/testing/variable-numbers.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { apiVersionOf, type KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import type { Schema } from "#machinery/schema/types.ts";
import { compileCustomSchema } from "#machinery/structural/compile.ts";
import { PatternCache } from "#machinery/structural/pattern.ts";
import { definitionOf } from "#machinery/structural/testing/upstream.ts";
import { Chance } from "#machinery/testing/chance.ts";
import { likeUpstream } from "#machinery/testing/like-upstream.ts";
import { placeOfCatalogue, placeOfDefinition, typedExpression } from "./testing/typed-expressions.ts";

const catalogue = loadCatalogue();
const context = {
  objectMeta: new TypeCompiler(catalogue).compile("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
  patterns: new PatternCache(),
};

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly type: string;
}

/** Names that one group alone has: upstream looks for those of the core group in all (docs/differences.md). */
const builtIn: readonly Kind[] = kubernetesResources()
  .flatMap(({ group, resource, singular, namespaced, versions }) =>
    versions.map(({ version, kind, type }) => ({
      group,
      version,
      kind,
      type,
      resource,
      singular,
      namespaced,
    })),
  )
  .filter(
    ({ group, resource }) =>
      !/(^|\.)(kcp\.io|apiregistration\.k8s\.io)$/.test(group) && resource !== "events",
  );
const foo: Kind = {
  group: "example.com",
  version: "v1",
  kind: "Foo",
  resource: "foos",
  singular: "foo",
  namespaced: false,
  type: "",
};
const resources = builtIn.map(({ group, version, type: _, ...rest }) => ({
  ...rest,
  apiVersion: apiVersionOf(group, version),
}));

interface Case {
  readonly schema: JsonObject;
  readonly policy: JsonObject;
}

const kinds = fc.oneof(
  { weight: 3, arbitrary: fc.constant(foo) },
  { weight: 2, arbitrary: fc.constantFrom(...builtIn) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...builtIn.filter(({ kind }) => /^(Pod|ConfigMap|Deployment|Ingress)$/.test(kind)),
    ),
  },
);
const paramKind = fc.option(
  fc.oneof(kinds, fc.constant({ ...foo, kind: "Nobody" })).map(({ group, version, kind }) => ({
    apiVersion: apiVersionOf(group, version),
    kind,
  })),
  { nil: undefined },
);
/** Rules that name several kinds, or none. */
const more: fc.Arbitrary<JsonObject> = fc.constantFrom(
  { apiGroups: [""], apiVersions: ["v1"], resources: ["pods", "configmaps", "nothing", "pods/status", "*"] },
  { apiGroups: ["batch", "apps"], apiVersions: ["v1"], resources: ["jobs", "deployments"] },
  { apiGroups: ["batch", "*"], apiVersions: ["v1"], resources: ["jobs"] },
  { apiGroups: ["batch"], apiVersions: ["v1", "v1beta1"], resources: ["jobs", "jobs"] },
  { apiGroups: ["batch"], apiVersions: ["v1", "*"], resources: ["jobs"] },
  {
    apiGroups: ["rbac.authorization.k8s.io", "networking.k8s.io", "autoscaling"],
    apiVersions: ["v2", "v1"],
    resources: ["roles", "clusterroles", "rolebindings", "ingresses", "horizontalpodautoscalers"],
  },
  {
    apiGroups: ["storage.k8s.io", "apps", "batch"],
    apiVersions: ["v1"],
    resources:
      "deployments daemonsets statefulsets replicasets controllerrevisions jobs cronjobs csidrivers csinodes storageclasses".split(
        " ",
      ),
  },
);

const generate: fc.Arbitrary<Case> = fc
  .record({
    schema: anySchema,
    chosen: fc.array(kinds, { minLength: 1, maxLength: 2 }),
    more: fc.option(more, { nil: undefined, freq: 5 }),
    paramKind,
    seeds: fc.array(fc.integer({ min: 0, max: 0x7fff_ffff }), { minLength: 4, maxLength: 4 }),
    counts: fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 2 }), fc.boolean()),
  })
  .map((parts) => {
    const { schema, chosen, seeds, counts } = parts;
    const rules = chosen.map(({ group, version, resource }) => ({
      apiGroups: [group],
      apiVersions: [version],
      operations: ["*"],
      resources: [resource],
    }));
    const places = chosen.map(({ type }) =>
      type === "" ? placeOfDefinition(schema) : placeOfCatalogue({ kind: "ref", ref: type }, catalogue),
    );
    const expression = (index: number): string =>
      typedExpression(new Chance(seeds[index]!), places[index % places.length]!);
    const [variables, validations, message] = counts;
    return {
      schema,
      policy: policyOf({
        ...(parts.paramKind === undefined ? {} : { paramKind: parts.paramKind }),
        matchConstraints: { resourceRules: [...rules, ...(parts.more === undefined ? [] : [parts.more])] },
        variables: ["a", "b"]
          .slice(0, variables)
          .map((name, index) => ({ name, expression: expression(index) })),
        validations: Array.from({ length: validations }, (_, index) => ({
          expression: expression(2 + index),
          ...(message && index === 0 ? { messageExpression: expression(3) } : {}),
        })),
      }),
    };
  });

const policyOf = (spec: JsonObject): JsonObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name: "p" },
  spec,
});

function sourceOf(schema: JsonObject): TypeSource {
  const custom = compileCustomSchema(schema, context);
  const all = [...builtIn, foo];
  return {
    kindOf: ({ group, resource }, version) =>
      all.find((one) => one.group === group && one.resource === resource && one.version === version)?.kind,
    typeOf({ group, version, kind }) {
      const found = all.find((one) => one.group === group && one.kind === kind && one.version === version);
      if (found === undefined) return undefined;
      return found.type === ""
        ? customCelType(custom, catalogue, kind)
        : celTypeOfCatalogue(found.type, catalogue, kind);
    },
  };
}

/** A policy about one resource, with some variables before its expressions. */
function hand(resource: string, expressions: readonly string[], more: JsonObject = {}): Case {
  const { group, version } = [...builtIn, foo].find((one) => one.resource === resource)!;
  const rule = { apiGroups: [group], apiVersions: [version], operations: ["*"], resources: [resource] };
  return {
    schema: handSchema,
    policy: policyOf({
      matchConstraints: { resourceRules: [rule] },
      validations: expressions.map((expression) => ({ expression, messageExpression: expression })),
      ...more,
    }),
  };
}

const handSchema: JsonObject = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        any: { "x-kubernetes-preserve-unknown-fields": true },
        either: { "x-kubernetes-int-or-string": true },
        embedded: {
          type: "object",
          "x-kubernetes-embedded-resource": true,
          "x-kubernetes-preserve-unknown-fields": true,
        },
        everything: { type: "object", additionalProperties: true },
        when: { type: "string", format: "date-time" },
        day: { type: "string", format: "date" },
        long: { type: "string", format: "duration" },
        bytes: { type: "string", format: "byte" },
        "a-b": { type: "string" },
        port: { type: "string", format: "int-or-string" },
        namespace: { type: "string" },
        anys: { type: "array", items: { "x-kubernetes-preserve-unknown-fields": true } },
      },
    },
  },
};

const cases: Case[] = [
  hand("deployments", [
    "object.spec.replicas > 1",
    "object.spec.replicas > '1'",
    "object.spec.foo",
    "object.spec.template.spec.containers.all(c, c.image.startsWith('x'))",
    "object.spec.template.spec.containers.all(c, c.zz)",
    "object.spec.template.spec.containers[0].ports[0].containerPort == 'http'",
    "object.spec.strategy.rollingUpdate.maxSurge == 1 || object.spec.strategy.rollingUpdate.maxSurge == '1'",
    "object.metadata.creationTimestamp + duration('1h') > timestamp('2026-01-01T00:00:00Z')",
    "object.metadata.annotations['a'] + 1",
    "object.metadata.managedFields[0].fieldsV1.a",
    "object.spec.template == object.spec",
    "[object.spec, object.metadata]",
    "object.spec in [object.metadata]",
  ]),
  hand("pods", [
    "object.spec.containers[0].resources.limits['cpu'] == '1'",
    "object.spec.volumes[0].emptyDir.sizeLimit == '1Gi'",
    "object.spec.containers[0].livenessProbe.httpGet.port == 80",
    "object.spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor",
  ]),
  hand("secrets", ["object.data['a'] == b'x'", "object.data['a'] == 'x'", "object.immutable + 1"]),
  hand("customresourcedefinitions", [
    "object.spec.versions[0].schema.openAPIV3Schema.type",
    "object.spec.versions[0].schema.openAPIV3Schema.properties['a'].type",
    "object.spec.versions[0].schema.openAPIV3Schema.not.type",
    "object.spec.versions[0].schema.openAPIV3Schema.items",
    "object.spec.versions[0].schema.openAPIV3Schema.default",
    "object.spec.versions[0].schema.openAPIV3Schema.enum.size()",
    "object.spec.versions[0].schema.openAPIV3Schema.maximum > 1",
    "object.spec.versions[0].schema.openAPIV3Schema.x_kubernetes_preserve_unknown_fields",
    "object.spec.versions[0].schema.openAPIV3Schema.x__dash__kubernetes__dash__list__dash__type",
    "object.spec.versions[0].schema.openAPIV3Schema.__dollar__ref",
  ]),
  hand("controllerrevisions", ["object.data.a", "object.data == 1", "object.revision"]),
  hand("foos", [
    "object.spec.free.a",
    "object.spec.any",
    "object.spec.anys",
    "object.spec.either + 1",
    "object.spec.port.zz && object.spec.port + []",
    "object.spec.embedded.metadata.labels['a'] == 'b'",
    "object.spec.embedded.kind + object.spec.embedded.apiVersion",
    "object.spec.embedded.spec",
    "object.spec.everything.a",
    "object.spec.when > object.spec.day",
    "object.spec.long > duration('1s')",
    "object.spec.bytes == b'x'",
    "object.spec.a__dash__b == object.spec.__namespace__",
    "object.spec.namespace",
    "object.metadata.labels['a'] + object.metadata.name",
    "object.metadata.ownerReferences[0].controller && object.metadata.deletionTimestamp != null",
    "object.kind == object.apiVersion",
    "object.metadata + 1",
    "object.status",
    "object.zz || object.yy",
  ]),
  hand(
    "foos",
    [
      "variables.spec.zz",
      "variables.names[0] + 1",
      "variables.map['a'] + 1",
      "variables.maybe.zz",
      "variables.amount.zz",
      "variables.kind.zz",
      "variables.wrong + 1",
      "variables.later",
      "variables.time > 1",
    ],
    {
      variables: [
        { name: "spec", expression: "object.spec" },
        { name: "names", expression: "[object.metadata.name]" },
        { name: "map", expression: "{'a': object.metadata.name, 'b': 'c'}" },
        { name: "maybe", expression: "object.?spec" },
        { name: "amount", expression: "quantity('1')" },
        { name: "kind", expression: "type(object)" },
        { name: "wrong", expression: "object.zz" },
        { name: "time", expression: "object.metadata.creationTimestamp" },
      ],
    },
  ),
  hand("pods", ["params.data['a'] + 1", "params.zz"], { paramKind: { apiVersion: "v1", kind: "ConfigMap" } }),
  hand("pods", ["params.spec.zz", "params.spec.when"], {
    paramKind: { apiVersion: "example.com/v1", kind: "Foo" },
  }),
  hand("pods", ["params.zz"], { paramKind: { apiVersion: "example.com/v1", kind: "Nobody" } }),
  hand("pods", ["params.zz"]),
  hand("foos", ["authorizer.requestResource.check('get').allowed()", "authorizer.zz", "1 +", "object.", ""]),
];

/** Upstream's names of types hold a number of the moment. */
const withoutMoments = (text: string): string =>
  text.replace(/\b([A-Z][A-Za-z]+)[0-9]{1,9}\b(?=[.'(,) ])/g, "$1");

/** Names of fields that hold quantities below a type. */
function quantityFields(schema: Schema, seen: Set<string>): string[] {
  if (schema.kind === "ref") {
    if (seen.has(schema.ref)) return [];
    seen.add(schema.ref);
    return quantityFields(catalogue.resolve(schema.ref), seen);
  }
  if (schema.kind === "list") return quantityFields(schema.items, seen);
  if (schema.kind === "map") return quantityFields(schema.values, seen);
  if (schema.kind !== "object") return [];
  return [...schema.fields.values()].flatMap(({ name, schema: of }) => {
    const held = of.kind === "map" ? of.values : of;
    return held.kind === "string" && held.format === "quantity" ? [name] : quantityFields(of, seen);
  });
}
const seenTypes = new Set<string>();
const quantities: ReadonlySet<string> = new Set(
  builtIn.flatMap(({ type }) => quantityFields({ kind: "ref", ref: type }, seenTypes)),
);

type Warnings = readonly { readonly fieldRef: string; readonly warning: string }[];

/** What is said of each expression and kind. */
const byKind = (warnings: Warnings): Map<string, string> =>
  new Map(
    warnings.flatMap(({ fieldRef, warning }) =>
      warning.split(/\n(?=[^\s,]*\/[^\s,]+, Kind=)/).map((text) => {
        const kind = text.slice(0, text.indexOf(": "));
        return [`${fieldRef} ${kind}`, text.trimEnd()] as const;
      }),
    ),
  );

/** Upstream has no type for quantities, and does not declare `authorizer.requestResource` here (docs/differences.md). */
const isFalse = (text: string): boolean =>
  text.includes("authorizer.requestResource") ||
  [...text.matchAll(/undefined field '([a-zA-Z]+)'/g)].some(([, name]) => quantities.has(name!));

/** Whether all that is said of expressions and kinds that upstream does not warn about wrongly is the same. */
function differsInFalseWarnings(ours: unknown, theirs: unknown): boolean {
  const told = byKind(theirs as Warnings);
  const mine = byKind(ours as Warnings);
  for (const [place, text] of told) {
    if (!isFalse(text)) continue;
    told.delete(place);
    mine.delete(place);
  }
  return sameButForVariableNumbers([...mine], [...told]);
}

likeUpstream().compare<Case>("types of policies", {
  cases,
  generate,
  runs: 80,
  ours: ({ schema, policy }) => expressionWarnings(sourceOf(schema), policy as unknown as KubeObject),
  async theirs(oracle, { schema, policy }) {
    const told = await oracle.ask("policy.check", { policy, crds: [definitionOf(schema)], resources });
    return (told as { fieldRef: string; warning: string }[]).map(({ fieldRef, warning }) => ({
      fieldRef,
      warning: withoutMoments(warning),
    }));
  },
  known: (_input, ours, theirs) => differsInFalseWarnings(ours, theirs),
});
