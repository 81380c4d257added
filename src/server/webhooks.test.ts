/** Admission webhooks over HTTP: which are asked, and what. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "#machinery/json/value.ts";
import type { Answer, Json } from "./testing/live-server.ts";
import { allow, configMapRule, deny, patch, WebhookFixture } from "./testing/webhook-fixture.ts";

let fixture: WebhookFixture;
before(async () => {
  fixture = await WebhookFixture.start();
});
after(() => fixture.close());

describe("the question", () => {
  it("has everything that upstream sends, by operation", async () => {
    await using hook = await fixture.install("Validating", (request) => allow(request));
    const created = await fixture.create(
      "asked",
      { data: { a: "1" } },
      "?fieldManager=me&fieldValidation=Strict",
    );
    assert.equal(created.status, 201, created.text);
    const [request] = hook.requests();
    const { uid, object, userInfo, ...rest } = request!;
    assert.match(uid as string, /^[0-9a-f]{8}-/);
    assert.deepEqual(rest, {
      kind: { group: "", version: "v1", kind: "ConfigMap" },
      resource: { group: "", version: "v1", resource: "configmaps" },
      requestKind: { group: "", version: "v1", kind: "ConfigMap" },
      requestResource: { group: "", version: "v1", resource: "configmaps" },
      name: "asked",
      namespace: "default",
      operation: "CREATE",
      oldObject: null,
      dryRun: false,
      options: {
        kind: "CreateOptions",
        apiVersion: "meta.k8s.io/v1",
        fieldManager: "me",
        fieldValidation: "Strict",
      },
    });
    assert.ok((userInfo as { groups: string[] }).groups.includes("system:masters"));
    const shown = object as Json;
    assert.equal(shown.metadata.uid, created.json.metadata.uid);
    assert.equal(shown.metadata.annotations["kcp.io/cluster"], fixture.base.slice("/clusters/".length));

    await fixture.mergePatch(`${fixture.maps}/asked?fieldManager=you`, { data: { a: "2" } });
    const update = hook.requests()[1]!;
    assert.equal(update.operation, "UPDATE");
    assert.deepEqual(update.options, {
      kind: "UpdateOptions",
      apiVersion: "meta.k8s.io/v1",
      fieldManager: "you",
    });
    assert.deepEqual((update.oldObject as Json).data, { a: "1" });
    assert.deepEqual((update.object as Json).data, { a: "2" });

    await fixture.server.call("DELETE", `${fixture.maps}/asked`, {
      body: { propagationPolicy: "Background" },
    });
    const deletion = hook.requests()[2]!;
    assert.equal(deletion.operation, "DELETE");
    assert.equal(deletion.object, null);
    assert.deepEqual((deletion.oldObject as Json).data, { a: "2" });
    assert.deepEqual(deletion.options, {
      kind: "DeleteOptions",
      apiVersion: "meta.k8s.io/v1",
      propagationPolicy: "Background",
    });
  });

  it("names a new namespace as its own, with the label that it gets", async () => {
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["namespaces"], operations: ["*"] }];
    await using hook = await fixture.install("Mutating", (request) => allow(request), { rules });
    const path = `${fixture.base}/api/v1/namespaces`;
    const made = await fixture.server.call("POST", path, { body: { metadata: { name: "fresh" } } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await fixture.server.call("DELETE", `${path}/fresh?dryRun=All`)).status, 200);
    const [created, deleted] = hook.requests();
    assert.deepEqual([created!.name, created!.namespace], ["fresh", "fresh"]);
    const { metadata } = created!.object as Json;
    assert.deepEqual(metadata.labels, { "kubernetes.io/metadata.name": "fresh" });
    assert.match(JSON.stringify(metadata.managedFields), /f:kubernetes.io\/metadata.name/);
    const { preconditions } = deleted!.options as { preconditions: object };
    assert.deepEqual(preconditions, { uid: made.json.metadata.uid });
  });

  it("comes for each object of a collection that is deleted, and for subresources in their own kind", async () => {
    await fixture.create("c1", { metadata: { name: "c1", labels: { many: "yes" } } });
    await fixture.create("c2", { metadata: { name: "c2", labels: { many: "yes" } } });
    await using hook = await fixture.install("Validating", (request) => allow(request));
    await fixture.server.call("DELETE", `${fixture.maps}?labelSelector=many%3Dyes`);
    assert.deepEqual(
      hook.requests().map(({ oldObject, operation }) => [(oldObject as Json).metadata.name, operation]),
      [
        ["c1", "DELETE"],
        ["c2", "DELETE"],
      ],
    );
    const apps = `${fixture.base}/apis/apps/v1/namespaces/default/deployments`;
    const labels = { app: "x" };
    const deployment = await fixture.server.call("POST", apps, {
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "d" },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
        },
      },
    });
    assert.equal(deployment.status, 201, deployment.text);
    const rules = [
      { apiGroups: ["apps"], apiVersions: ["*"], resources: ["deployments/scale"], operations: ["UPDATE"] },
    ];
    await using mutating = await fixture.install(
      "Mutating",
      (request) => patch(request, [{ op: "replace", path: "/spec/replicas", value: 7 }]),
      { rules },
    );
    const scaled = await fixture.mergePatch(`${apps}/d/scale`, { spec: { replicas: 3 } });
    assert.equal(scaled.status, 200, scaled.text);
    assert.equal(scaled.json.spec.replicas, 7);
    const [request] = mutating.requests();
    assert.equal(request!.subResource, "scale");
    assert.deepEqual(request!.kind, { group: "autoscaling", version: "v1", kind: "Scale" });
    assert.equal((request!.object as Json).spec.replicas, 3);
    assert.equal((request!.oldObject as Json).spec.replicas, 1);
  });

  it("is in the version of the rule when that is another one of the kind", async () => {
    const rules = [
      {
        apiGroups: ["autoscaling"],
        apiVersions: ["v1"],
        resources: ["horizontalpodautoscalers"],
        operations: ["CREATE"],
      },
    ];
    const body = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { generateName: "h-" },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
        maxReplicas: 3,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
          },
        ],
      },
    };
    const path = `${fixture.base}/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers`;
    await using equivalent = await fixture.install(
      "Mutating",
      (request) =>
        patch(request, [{ op: "replace", path: "/spec/targetCPUUtilizationPercentage", value: 60 }]),
      { rules },
    );
    await using exact = await fixture.install("Validating", (request) => allow(request), {
      rules,
      matchPolicy: "Exact",
    });
    const made = await fixture.server.call("POST", path, { body });
    assert.equal(made.status, 201, made.text);
    const metrics = made.json.spec.metrics as { resource: { target: { averageUtilization: number } } }[];
    assert.equal(metrics[0]!.resource.target.averageUtilization, 60);
    const [request] = equivalent.requests();
    assert.deepEqual(request!.kind, { group: "autoscaling", version: "v1", kind: "HorizontalPodAutoscaler" });
    assert.deepEqual(request!.requestKind, {
      group: "autoscaling",
      version: "v2",
      kind: "HorizontalPodAutoscaler",
    });
    assert.equal((request!.object as Json).apiVersion, "autoscaling/v1");
    assert.equal(exact.requests().length, 0);
  });

  it("speaks v1beta1 to those who know nothing else", async () => {
    let version: unknown;
    await using _hook = await fixture.install(
      "Validating",
      (request) => {
        version = fixture.hooks.requests.at(-1)!.body.apiVersion;
        return { response: { allowed: request.name === "old" } };
      },
      { admissionReviewVersions: ["v1beta1"] },
    );
    assert.equal((await fixture.create("old")).status, 201);
    assert.equal(version, "admission.k8s.io/v1beta1");
  });
});

describe("who is asked", () => {
  const asked = async (more: JsonObject, write: () => Promise<Answer>): Promise<number> => {
    await using hook = await fixture.install("Validating", (request) => allow(request), more);
    const answer = await write();
    assert.ok(answer.status < 300, answer.text);
    return hook.requests().length;
  };
  const rule = (change: JsonObject): JsonObject => ({ rules: [{ ...configMapRule, ...change }] });
  let number = 0;
  const write = (labels: Record<string, string> = {}): Promise<Answer> =>
    fixture.create("", { metadata: { name: `w-${++number}`, labels } });

  it("goes by rules", async () => {
    assert.equal(await asked(rule({}), write), 1);
    assert.equal(await asked(rule({ operations: ["UPDATE", "DELETE"] }), write), 0);
    assert.equal(await asked(rule({ resources: ["*"] }), write), 1);
    assert.equal(await asked(rule({ resources: ["*/*"] }), write), 1);
    assert.equal(await asked(rule({ resources: ["configmaps/*"] }), write), 1);
    assert.equal(await asked(rule({ resources: ["configmaps/status"] }), write), 0);
    assert.equal(await asked(rule({ apiGroups: ["apps"] }), write), 0);
    assert.equal(await asked(rule({ apiVersions: ["*"] }), write), 1);
    assert.equal(await asked(rule({ scope: "Cluster" }), write), 0);
    assert.equal(await asked(rule({ scope: "Namespaced" }), write), 1);
  });

  it("goes by selectors, of the old object or the new", async () => {
    const selector = (labels: JsonObject): JsonObject => ({ objectSelector: { matchLabels: labels } });
    assert.equal(await asked(selector({ a: "b" }), () => write({ a: "b" })), 1);
    assert.equal(await asked(selector({ a: "b" }), () => write({ a: "c" })), 0);
    await fixture.create("", { metadata: { name: "leaving", labels: { a: "b" } } });
    const leave = (): Promise<Answer> =>
      fixture.mergePatch(`${fixture.maps}/leaving`, { metadata: { labels: { a: null } } });
    assert.equal(await asked(selector({ a: "b" }), leave), 1);
    const named = (name: string): JsonObject => ({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
    });
    assert.equal(await asked(named("default"), write), 1);
    assert.equal(await asked(named("other"), write), 0);
  });

  it("looks at a namespace's own labels, and takes cluster-scoped kinds always", async () => {
    const selected: JsonObject = {
      namespaceSelector: { matchLabels: { team: "x" } },
      rules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["CREATE"] }],
    };
    const space = (name: string, labels: object) => () =>
      fixture.server.call("POST", `${fixture.base}/api/v1/namespaces`, {
        body: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
      });
    assert.equal(await asked(selected, space("teamx", { team: "x" })), 1);
    assert.equal(await asked(selected, space("teamy", { team: "y" })), 0);
    const role = (): Promise<Answer> =>
      fixture.server.call("POST", `${fixture.base}/apis/rbac.authorization.k8s.io/v1/clusterroles`, {
        body: {
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "ClusterRole",
          metadata: { generateName: "r-" },
          rules: [],
        },
      });
    assert.equal(await asked(selected, role), 1);
  });

  it("goes by match conditions; errors count by the failure policy", async () => {
    const when = (expression: string, more: JsonObject = {}): JsonObject => ({
      matchConditions: [{ name: "c", expression }],
      ...more,
    });
    assert.equal(await asked(when("object.metadata.name.startsWith('w-')"), write), 1);
    assert.equal(await asked(when("request.operation == 'DELETE'"), write), 0);
    assert.equal(await asked(when("!('system:masters' in request.userInfo.groups)"), write), 0);
    assert.equal(await asked(when("object.spec.x == 1", { failurePolicy: "Ignore" }), write), 0);
    await using _hook = await fixture.install(
      "Validating",
      (request) => allow(request),
      when("object.spec.x == 1"),
    );
    const refused = await write();
    assert.equal(refused.status, 403);
    assert.match(
      refused.json.message,
      /^configmaps "w-\d+" is forbidden: expression 'object\.spec\.x == 1' resulted in error: no such key: spec$/,
    );
  });

  it("never includes what configures admission", async () => {
    const all: JsonObject = {
      rules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["*"] }],
    };
    await using hook = await fixture.install("Validating", (request) => deny(request), all);
    await using _mutating = await fixture.install("Mutating", (request) => deny(request), all);
    assert.equal(hook.requests().length, 0);
  });
});
