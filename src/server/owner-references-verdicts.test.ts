/**
 * What kube-apiserver 1.36.3 with the plugin OwnerReferencesPermissionEnforcement and RBAC said to writes of owners, each by users with
 * different rights (`?dryRun=All`). Its verdicts are recorded; ours are the same, with an authorizer that knows the same rules.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Attributes, Authorizer } from "#authz/authorizer.ts";
import { fullSamples } from "#base/testing/samples.ts";
import { type Answer, callOn, type LiveServer, startLiveServer } from "./testing/live-server.ts";

/** A rule of a ClusterRole, or of a Role where it has a namespace. */
interface Rule {
  readonly namespace?: string;
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}
interface Reference {
  readonly uid: string;
}
interface Group {
  readonly action: "create" | "generate" | "put" | "merge" | "json" | "apply" | "unrelated";
  readonly resource: string;
  readonly subresource?: string;
  /** Owners of the object before the write; absent: there is none. */
  readonly before?: readonly Reference[];
  readonly after?: readonly Reference[];
  readonly verdicts: readonly {
    readonly status: number;
    readonly message?: string;
    readonly users: readonly string[];
  }[];
}
interface Recorded {
  readonly users: Readonly<Record<string, readonly Rule[]>>;
  readonly definitions: readonly object[];
  readonly owners: readonly { readonly resource: string; readonly object: Written }[];
  readonly groups: readonly Group[];
}
interface Written {
  readonly metadata: Readonly<Record<string, unknown>>;
}

const file = new URL("../admission/testing/owner-references.generated.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as Recorded;

/** As RBAC looks at rules (k8s.io/kubernetes pkg/registry/rbac/validation, plugin/pkg/auth/authorizer/rbac). */
function allows(rule: Rule, { verb, apiGroup, resource, subresource, name, namespace }: Attributes): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes("*") || list.includes(value);
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return (
    (rule.namespace === undefined || (namespace !== "" && rule.namespace === namespace)) &&
    has(rule.verbs, verb) &&
    has(rule.apiGroups, apiGroup) &&
    (has(rule.resources, combined) || (subresource !== "" && rule.resources.includes(`*/${subresource}`))) &&
    (rule.resourceNames === undefined || rule.resourceNames.includes(name))
  );
}

/** A third of the groups, and one user for each verdict; all 2,850 writes with MYRIAD_SAMPLES=full. */
const groups = recorded.groups.filter((_group, index) => fullSamples || index % 3 === 0);
/** Served there, and not here (docs/missing.md). */
const notServed = /"kind":"(?:Binding|ComponentStatus)"/;

let rights: readonly Rule[] = [];
const authorizer: Authorizer = {
  authorize(attributes) {
    const allowed =
      attributes.user.groups.includes("system:masters") || rights.some((rule) => allows(rule, attributes));
    return { decision: allowed ? "allow" : "no-opinion", reason: "" };
  },
};

interface Kind {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec?: object;
}
const pod = { containers: [{ name: "c", image: "i" }] };
const kinds: Readonly<Record<string, Kind>> = {
  configmaps: { path: "/api/v1/namespaces/default", apiVersion: "v1", kind: "ConfigMap" },
  secrets: { path: "/api/v1/namespaces/default", apiVersion: "v1", kind: "Secret" },
  pods: { path: "/api/v1/namespaces/default", apiVersion: "v1", kind: "Pod", spec: pod },
  namespaces: { path: "/api/v1", apiVersion: "v1", kind: "Namespace" },
  persistentvolumes: { path: "/api/v1", apiVersion: "v1", kind: "PersistentVolume" },
  deployments: {
    path: "/apis/apps/v1/namespaces/default",
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: pod },
    },
  },
  leases: {
    path: "/apis/coordination.k8s.io/v1/namespaces/default",
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
  },
  clusterroles: {
    path: "/apis/rbac.authorization.k8s.io/v1",
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
  },
  widgets: {
    path: "/apis/example.com/v1/namespaces/default",
    apiVersion: "example.com/v1",
    kind: "Widget",
  },
  gadgets: { path: "/apis/example.com/v1", apiVersion: "example.com/v1", kind: "Gadget" },
};

let server: LiveServer;
let session: ReturnType<LiveServer["connect"]>;
let base = "";
const uids = new Map<string, string>();
before(async () => {
  server = await startLiveServer({ authorizer, admissionPlugins: ["OwnerReferencesPermissionEnforcement"] });
  base = `/clusters/${await server.workspace("owned", { type: "kubernetes" })}`;
  session = server.connect("nobody");
  for (const body of recorded.definitions)
    await must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body);
  for (const { resource, object } of recorded.owners) {
    const { path } = kinds[resource]!;
    const { metadata } = await must("POST", `${path}/${resource}`, object);
    uids.set(`$${resource}/${metadata.name}`, String(metadata.uid));
  }
});
after(async () => {
  session.destroy();
  await server.close();
  assert.deepEqual(server.bugs, []);
});

async function must(method: string, path: string, body?: object): Promise<Written> {
  const answer = await server.call(method, base + path, { body });
  assert.ok(answer.status < 300, answer.text);
  return answer.json as unknown as Written;
}

/** As the user whose rights are set. */
function call(method: string, path: string, body: object, type = "application/json"): Promise<Answer> {
  return callOn(session, method, base + path, {
    body,
    type,
    headers: { authorization: "Bearer alice-token" },
  });
}

const made = new Map<string, string>();
/** The name of an object with these owners. */
async function named(resource: string, owners: readonly object[]): Promise<string> {
  const key = `${resource} ${JSON.stringify(owners)}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const name = `case-${made.size}`;
  await must(
    "POST",
    `${kinds[resource]!.path}/${resource}`,
    object(resource, { name, ownerReferences: owners }),
  );
  made.set(key, name);
  return name;
}

function object(resource: string, metadata: object): object {
  const { apiVersion, kind, spec } = kinds[resource]!;
  return { apiVersion, kind, metadata, ...(spec === undefined ? {} : { spec }) };
}

const real = (references: readonly Reference[]): Reference[] =>
  references.map((one) => ({ ...one, uid: uids.get(one.uid) ?? one.uid }));

/** Does what a group says; for the user whose rights are set. */
async function write({
  action,
  resource,
  subresource,
  before,
  after = [],
}: Group): Promise<[Answer, string]> {
  const name = before === undefined ? "new" : await named(resource, real(before));
  const collection = `${kinds[resource]!.path}/${resource}`;
  const path = `${collection}/${name}`;
  const at = `${path}${subresource === undefined ? "" : `/${subresource}`}?dryRun=All`;
  const ownerReferences = real(after);
  const own = { name, ownerReferences };
  switch (action) {
    case "create":
      return [await call("POST", `${collection}?dryRun=All`, object(resource, own)), name];
    case "generate": {
      const unnamed = { generateName: "gen-", ownerReferences };
      return [await call("POST", `${collection}?dryRun=All`, object(resource, unnamed)), "gen-[a-z0-9]{5}"];
    }
    case "apply": {
      const forced = `${at}&fieldManager=me&force=true`;
      return [await call("PATCH", forced, object(resource, own), "application/apply-patch+yaml"), name];
    }
    case "merge":
      return [
        await call("PATCH", at, { metadata: { ownerReferences } }, "application/merge-patch+json"),
        name,
      ];
    case "json": {
      const operations = [{ op: "add", path: "/metadata/ownerReferences", value: ownerReferences }];
      return [await call("PATCH", at, operations, "application/json-patch+json"), name];
    }
    case "unrelated": {
      const data = { data: { x: "y" } };
      return [await call("PATCH", at, data, "application/merge-patch+json"), name];
    }
    case "put": {
      if (before === undefined) return [await call("PUT", at, object(resource, own)), name];
      const current = await must("GET", subresource === "scale" ? `${path}/scale` : path);
      const { managedFields: _mine, ...metadata } = current.metadata;
      return [await call("PUT", at, { ...current, metadata: { ...metadata, ownerReferences } }), name];
    }
  }
}

for (const resource of new Set(groups.map((group) => group.resource))) {
  test(`owners of ${resource}`, async () => {
    const wrong: object[] = [];
    for (const group of groups) {
      if (group.resource !== resource || notServed.test(JSON.stringify(group))) continue;
      for (const { status, message = "", users } of group.verdicts) {
        for (const user of fullSamples ? users : users.slice(0, 1)) {
          rights = recorded.users[user]!;
          const [answer, name] = await write(group);
          const said = answer.status < 300 ? "" : answer.json.message.replace(new RegExp(name), "$name");
          const { action, subresource, before, after } = group;
          if (answer.status !== status || said !== message)
            wrong.push({
              user,
              action,
              subresource,
              before,
              after,
              expected: [status, message],
              got: [answer.status, said],
            });
        }
      }
    }
    assert.equal(wrong.length, 0, JSON.stringify(wrong.slice(0, 20)));
  });
}
