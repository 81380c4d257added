/** Reads and deletions that cost much: of a kind with a large schema that has just changed, and of large objects. */
import type { CostlyRequest } from "./costly-requests.ts";

/** Sends a request and answers its status. */
export type Send = (request: CostlyRequest) => Promise<number>;

export interface CostlyRead {
  readonly request: CostlyRequest;
  /** What has to be done before each time. */
  readonly before?: (send: Send) => Promise<void>;
  /** Controllers go on for so long after the answer. */
  readonly settleMs?: number;
}

const fields = 20_000;
const keys = 60_000;
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const bigs = "/apis/reads.example.com/v1/namespaces/default/bigs";
const configMaps = "/api/v1/namespaces/default/configmaps";
const json = "application/json";

const record = (count: number, value: unknown, prefix = "k"): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, value]));
const request = (
  name: string,
  method: string,
  path: string,
  body: unknown = undefined,
  type = json,
): CostlyRequest => ({ name, method, path, body: body === undefined ? "" : JSON.stringify(body), type });

let changes = 0;
/** Another schema each time. */
const versions = () => [
  {
    name: "v1",
    served: true,
    storage: true,
    selectableFields: [{ jsonPath: ".spec.color" }],
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: {
            type: "object",
            properties: {
              ...record(fields, { type: "string" }, "f"),
              [`changed${changes++}`]: { type: "string", default: "x" },
              color: { type: "string" },
              map: { type: "object", additionalProperties: { type: "string" } },
            },
          },
        },
      },
    },
  },
];
const definition = {
  metadata: { name: "bigs.reads.example.com" },
  spec: { group: "reads.example.com", scope: "Namespaced", names: { plural: "bigs", kind: "Big" } },
};
const big = (name: string, spec: object) =>
  request(name, "POST", bigs, {
    apiVersion: "reads.example.com/v1",
    kind: "Big",
    metadata: { name },
    spec: { color: "red", ...spec },
  });
const configMap = (name: string, metadata: object = {}) =>
  request(name, "POST", configMaps, { metadata: { name, ...metadata }, data: record(keys, "") });

/** What the reads need. */
export const costlyReadsNeed = (): CostlyRequest[] => [
  request("the definition of bigs", "POST", definitions, {
    ...definition,
    spec: { ...definition.spec, versions: versions() },
  }),
  big("small", {}),
  big("large", { map: record(keys, "") }),
  request("labels", "POST", configMaps, { metadata: { name: "labels", labels: record(keys, "") } }),
];

const changed = async (send: Send): Promise<void> => {
  const body = { spec: { versions: versions() } };
  const path = `${definitions}/bigs.reads.example.com`;
  await send(request("a change", "PATCH", path, body, "application/merge-patch+json"));
};
const red = "fieldSelector=spec.color%3Dred";

export const costlyReads = (): CostlyRead[] => [
  { request: request("list by a field, schema changed", "GET", `${bigs}?${red}`), before: changed },
  { request: request("list by a field, large object", "GET", `${bigs}?${red}`) },
  { request: request("get, schema changed", "GET", `${bigs}/small`), before: changed },
  {
    request: request("watch by a field, schema changed", "GET", `${bigs}?${red}&watch=1&timeoutSeconds=3`),
    before: changed,
  },
  {
    request: request("deletion by a field, schema changed", "DELETE", `${bigs}?${red}&dryRun=All`),
    before: changed,
  },
  { request: request("list by a label of 60,000", "GET", `${configMaps}?labelSelector=k7`) },
  {
    request: request(
      "deletion in the foreground",
      "DELETE",
      `${configMaps}/held?propagationPolicy=Foreground`,
    ),
    before: async (send) => void (await send(configMap("held"))),
    settleMs: 3_000,
  },
  {
    request: request("deletion that orphans", "DELETE", `${configMaps}/held?propagationPolicy=Orphan`),
    before: async (send) => void (await send(configMap("held"))),
    settleMs: 3_000,
  },
];
