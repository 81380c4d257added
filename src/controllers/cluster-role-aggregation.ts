/**
 * Fills the rules of ClusterRoles that have an `aggregationRule` from those that its selectors match
 * (k8s.io/kubernetes pkg/controller/clusterroleaggregation).
 */
import { selectorText } from "#api/columns/selector.ts";
import { ApplyError } from "#machinery/apply/typed-errors.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { LabelSelector } from "#machinery/selectors/labels.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { ElsewhereError } from "#registry/elsewhere.ts";
import { listRange, parseObjectKey } from "#registry/keys.ts";
import type { Registry } from "#registry/registry.ts";
import { everything, type Selection } from "#registry/selection.ts";
import type { Key } from "#storage/port.ts";
import { type Controller, controllerRequester } from "./controller.ts";

const name = "clusterrole-aggregation-controller";
const clusterRoles = { group: "rbac.authorization.k8s.io", resource: "clusterroles" } as const;
const aggregationMark = Buffer.from('"aggregationRule":');
/** Workspaces named in one step when the change log is of no help. */
const resyncBatch = 1_000;
const all = "*";

/**
 * Items are names of logical clusters, and `*` with the key to go on behind. Upstream looks at all aggregated roles whenever
 * any role changes; so does this, within the workspace.
 */
export function clusterRoleAggregation(registry: Registry): Controller {
  const resource = registry.mustResource(clusterRoles);
  const { collection } = resource;
  const requester = controllerRequester(name);
  return {
    name,
    concurrency: 4,
    collections: [collection],
    observe({ key }, _collection, enqueue) {
      enqueue(parseObjectKey(collection, false, key).cluster);
    },
    resync: (enqueue) => enqueue(all),
    async process(item) {
      // Called from within the delivery of changes, where nothing may be written yet.
      await Promise.resolve();
      if (item !== all) return aggregate(item as ClusterName);
      await eachAggregatingCluster(aggregate);
    },
  };

  /** Pages through the roles of all workspaces, which is what a lost position costs. */
  async function eachAggregatingCluster(act: (cluster: ClusterName) => Promise<void>): Promise<void> {
    const range = listRange(collection, all, "");
    let start: string = range.start;
    for (;;) {
      const found = new Set<ClusterName>();
      let seen = 0;
      let last: Key | undefined;
      registry.store.visit({ ...range, start: start as Key }, undefined, (key, value) => {
        last = key;
        if (value.includes(aggregationMark)) found.add(parseObjectKey(collection, false, key).cluster);
        return ++seen < resyncBatch;
      });
      for (const cluster of found) await act(cluster);
      if (last === undefined || seen < resyncBatch) return;
      start = `${last}\0`;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async function aggregate(cluster: ClusterName): Promise<void> {
    if (registry.tenants.get(cluster)?.deleting !== false) return;
    const aggregating: KubeObject[] = [];
    if (holdsMuch(cluster)) throw new ElsewhereError();
    await scan(cluster, everything, (value, object) => {
      if (value.includes(aggregationMark) && isJsonObject(object.aggregationRule as JsonValue))
        aggregating.push(object);
    });
    for (const role of aggregating) {
      const rules = await rulesOf(cluster, role);
      if (!sameRules(rules, listOf(role.rules))) await setRules(cluster, role, rules);
    }
  }

  /** Small roles together may be large, too. */
  function holdsMuch(cluster: ClusterName): boolean {
    const { elsewhere } = registry;
    if (elsewhere === undefined) return false;
    let bytes = 0;
    let aggregates = false;
    registry.store.visit(listRange(collection, cluster, ""), undefined, (_key, value) => {
      bytes += value.length;
      aggregates ||= value.includes(aggregationMark);
      return bytes <= elsewhere.limits.parsedBytes || !aggregates;
    });
    return aggregates && bytes > elsewhere.limits.parsedBytes;
  }

  async function rulesOf(cluster: ClusterName, role: KubeObject): Promise<JsonValue[]> {
    const rules = new Map<string, JsonValue>();
    const { clusterRoleSelectors } = role.aggregationRule as JsonObject;
    for (const selector of listOf(clusterRoleSelectors)) {
      const text = selectorText(selector);
      if (text === undefined) continue;
      const labels = text === "" ? undefined : LabelSelector.parse(text);
      // In the order of names, which is that of keys.
      await scan(cluster, { labels, fields: undefined }, (_value, other) => {
        if (other.metadata.name === role.metadata.name) return;
        for (const rule of listOf(other.rules)) {
          const text = ruleText(rule);
          if (!rules.has(text)) rules.set(text, rule);
        }
      });
    }
    return [...rules.values()];
  }

  async function scan(
    cluster: ClusterName,
    selection: Selection,
    visit: (value: Buffer, object: KubeObject) => void,
  ): Promise<void> {
    const at = registry.store.current();
    await registry.scan({
      resource,
      cluster,
      namespace: "",
      selection,
      at,
      visit: (stored) => visit(stored.value, stored.object),
    });
  }

  /** The rules are applied by force, as upstream's controller does, and are its own. */
  async function withRules(role: KubeObject, rules: JsonValue[]): Promise<KubeObject> {
    const { managedFields } = registry;
    if (managedFields === undefined) return { ...role, rules };
    const { version } = resource.storage;
    const endpoint = { resource, version, subresource: "" };
    const { apiVersion = "", kind = "", metadata } = role;
    const wanted = { apiVersion, kind, metadata: { name: metadata.name ?? "" } };
    try {
      const patch: JsonObject = rules.length === 0 ? wanted : { ...wanted, rules };
      const applied = await managedFields.apply(endpoint, role, patch, name, true);
      if (sameRules(rules, listOf(applied.rules))) return applied;
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
    }
    // An apply takes nothing away from others, and fails where managed fields cannot be read.
    return managedFields.update(endpoint, role, { ...role, rules }, name);
  }

  async function setRules(cluster: ClusterName, role: KubeObject, rules: JsonValue[]): Promise<void> {
    try {
      await registry.update({
        resource,
        version: resource.storage.version,
        cluster,
        namespace: "",
        name: role.metadata.name ?? "",
        subresource: "",
        dryRun: false,
        requester,
        transform(current = role) {
          // Who stopped aggregating meanwhile has rules of its own.
          return current.aggregationRule === undefined ? current : withRules(current, rules);
        },
      });
    } catch (error) {
      // Gone meanwhile, or its workspace is.
      if (!(error instanceof StatusError) || ![403, 404].includes(error.code)) throw error;
    }
  }
}

const listOf = (value: unknown): JsonValue[] => (Array.isArray(value) ? (value as JsonValue[]) : []);

const sameRules = (a: readonly JsonValue[], b: readonly JsonValue[]): boolean =>
  a.length === b.length && a.every((rule, index) => ruleText(rule) === ruleText(b[index]!));

const ruleFields = ["apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs"] as const;

/** Equal for equal rules. A list that is empty is the same as none. */
const ruleText = (rule: JsonValue): string =>
  JSON.stringify(isJsonObject(rule) ? ruleFields.map((field) => listOf(getOwn(rule, field))) : rule);
