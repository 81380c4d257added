import { StatusError } from "#machinery/errors/status-error.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { applyStrategicMergePatch } from "#machinery/patch/strategic-merge-patch.ts";
import { seeded } from "#machinery/testing/chance.ts";
import { isPanic, likeUpstream } from "#machinery/testing/like-upstream.ts";
import { kubernetesResources } from "./builtins.ts";
import { loadCatalogue } from "./catalogue.ts";
import { PlainValues } from "./testing/plain-values.ts";
import { PatchMaker } from "./testing/strategic-patches.ts";

const upstream = likeUpstream();
const catalogue = loadCatalogue();

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly type: string;
}

interface Case {
  readonly kind: Kind;
  readonly original: JsonObject;
  readonly patch: JsonObject;
  /** How many mistakes are known to be in the patch. */
  readonly mistakes: number;
}

const core = (name: string): Kind => ({ apiVersion: "v1", kind: name, type: `io.k8s.api.core.v1.${name}` });
const kinds = {
  Pod: core("Pod"),
  Deployment: { apiVersion: "apps/v1", kind: "Deployment", type: "io.k8s.api.apps.v1.Deployment" },
  Service: core("Service"),
};
/** All that the oracle has Go types of. */
const allKinds: readonly Kind[] = kubernetesResources()
  .filter(({ group }) => !/(^|\.)(kcp\.io|apiregistration\.k8s\.io)$/.test(group))
  .flatMap(({ group, versions }) =>
    versions.map(({ version, kind, type }) => ({
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind,
      type,
    })),
  );

const generate = seeded((chance): Case => {
  const kind = chance.pick(chance.is(0.6) ? Object.values(kinds) : allKinds);
  const schema = { kind: "ref", ref: kind.type } as const;
  const original = new PlainValues(catalogue, chance).of(schema) as JsonObject;
  const maker = new PatchMaker(catalogue, chance, chance.is(0.12) ? 0.04 : 0);
  const patch = maker.patch(schema, original);
  return { kind, original, patch, mistakes: maker.mistakes };
});

type Told = { readonly object: JsonValue } | { readonly code: number };

/** Upstream answers 500, as for what it does not expect. */
const serverError = { code: 500 };

const byHand: readonly Omit<Case, "mistakes">[] = [
  { kind: kinds.Pod, original: {}, patch: {} },
  { kind: kinds.Pod, original: {}, patch: { $patch: "replace", metadata: { name: "a" } } },
  { kind: kinds.Pod, original: { metadata: { name: "a" } }, patch: { $patch: "delete" } },
  {
    kind: kinds.Pod,
    original: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { "$deleteFromPrimitiveList/": ["a"] } },
  },
  {
    kind: kinds.Pod,
    original: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { $deleteFromPrimitiveList: ["a"] } },
  },
  {
    kind: kinds.Pod,
    original: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { "$deleteFromPrimitiveList/finalizers": "a" } },
  },
  // What is put in order is merged before anything is deleted.
  {
    kind: kinds.Pod,
    original: { metadata: { finalizers: ["a", "b"] } },
    patch: {
      metadata: {
        "$deleteFromPrimitiveList/finalizers": ["a", "c"],
        "$setElementOrder/finalizers": ["c", "b"],
        finalizers: ["c"],
      },
    },
  },
  // What is deleted makes room for what is added: that counts as the last of the live list then.
  {
    kind: kinds.Pod,
    original: { spec: { volumes: [{ name: "a" }, { name: "b" }, { name: "c" }] } },
    patch: {
      spec: {
        "$setElementOrder/volumes": [{ name: "d" }, { name: "e" }],
        volumes: [{ name: "a", $patch: "delete" }, { name: "d" }, { name: "e" }],
      },
    },
  },
  {
    kind: kinds.Pod,
    original: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { "$setElementOrder/finalizers": ["b", "a"] } },
  },
  { kind: kinds.Pod, original: {}, patch: { metadata: { $setElementOrder: ["b", "a"] } } },
  { kind: kinds.Pod, original: { metadata: {} }, patch: { metadata: { $setElementOrder: ["b", "a"] } } },
  { kind: kinds.Pod, original: { metadata: {} }, patch: { metadata: { $retainKeys: "name" } } },
  {
    kind: kinds.Deployment,
    original: { spec: { strategy: { type: "a", rollingUpdate: {} } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], type: "b" } } },
  },
  {
    kind: kinds.Deployment,
    original: { spec: { strategy: { type: "a", rollingUpdate: {} } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], rollingUpdate: {} } } },
  },
  {
    kind: kinds.Service,
    original: { spec: { selector: { x: "a" } } },
    patch: { spec: { selector: { y: "b" } } },
  },
  {
    kind: kinds.Service,
    original: { spec: { selector: { x: "a" } } },
    patch: { spec: { selector: { $patch: "replace", y: "b" } } },
  },
];

upstream.compare<Case>("strategic merge patches", {
  runs: 2_000,
  cases: byHand.map((one) => ({ ...one, mistakes: 0 })),
  generate,
  ours: ({ kind, original, patch }): Told => {
    try {
      const ref = { kind: "ref", ref: kind.type } as const;
      return { object: applyStrategicMergePatch(original, patch, ref, catalogue) };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return { code: error.code };
    }
  },
  theirs: async (oracle, { kind: { apiVersion, kind }, original, patch }): Promise<Told> => {
    try {
      const asked = { apiVersion, kind, original, patch: JSON.stringify(patch) };
      const told = (await oracle.ask("patch.strategic", asked)) as {
        object?: JsonValue;
        fault?: { status?: { code: number } };
      };
      if (told.fault === undefined) return { object: told.object ?? null };
      return told.fault.status === undefined ? serverError : { code: told.fault.status.code };
    } catch (error) {
      if (isPanic(error)) return serverError;
      throw error;
    }
  },
  // Where upstream answers 500, ours is a 422, or does what was meant (docs/differences.md). Of several faults of one patch
  // upstream tells whichever its maps come upon first.
  known: ({ mistakes }, ours, told) =>
    (mistakes > 0 && told === serverError) ||
    (mistakes > 1 && Object.hasOwn(ours as Told, "code") && Object.hasOwn(told as Told, "code")),
});
