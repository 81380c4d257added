import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, isReference, suite } from "./suite.ts";

const ns = ["-n", "limited"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "limited"]);
}, "kubernetes");

// The reference runs no controllers, so its quotas never come into force.
test("a quota counts, refuses, and frees", { skip: isReference }, async () => {
  await s.kubectl.ok(["create", "quota", "few", "--hard=configmaps=3,count/deployments.apps=1", ...ns]);
  await s.kubectl.ok(["wait", "quota/few", "--for=jsonpath={.status.used.configmaps}=1", ...ns]);
  for (const name of ["a", "b"]) await s.kubectl.ok(["create", "cm", name, ...ns]);
  const refused = await s.kubectl.run(["create", "cm", "c", ...ns]);
  assert.notEqual(refused.code, 0);
  assert.match(
    refused.stderr,
    /exceeded quota: few, requested: configmaps=1, used: configmaps=3, limited: configmaps=3/,
  );
  assert.match(await s.kubectl.ok(["describe", "quota", "few", ...ns]), /configmaps\s+3\s+3\n/);

  await s.kubectl.ok(["create", "deployment", "web", "--image=nginx", ...ns]);
  const second = await s.kubectl.run(["create", "deployment", "two", "--image=nginx", ...ns]);
  assert.match(second.stderr, /exceeded quota: few, requested: count\/deployments\.apps=1/);

  await s.kubectl.ok(["delete", "cm", "a", ...ns]);
  await s.kubectl.ok(["wait", "quota/few", "--for=jsonpath={.status.used.configmaps}=2", ...ns]);
  await s.kubectl.ok(["create", "cm", "c", ...ns]);
});

test("a limit range completes containers and refuses what is outside of it", async () => {
  const limits = {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "usual" },
    spec: { limits: [{ type: "Container", default: { cpu: "500m" }, max: { cpu: "1" } }] },
  };
  await s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: JSON.stringify(limits) });
  await s.kubectl.ok(["run", "small", "--image=nginx", ...ns]);
  assert.equal(
    await s.kubectl.ok(["get", "pod", "small", "-o", "jsonpath={.spec.containers[0].resources}", ...ns]),
    '{"limits":{"cpu":"500m"},"requests":{"cpu":"500m"}}',
  );
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "big" },
    spec: { containers: [{ name: "main", image: "nginx", resources: { limits: { cpu: "2" } } }] },
  };
  const refused = await s.kubectl.run(["create", "-f", "-", ...ns], { stdin: JSON.stringify(pod) });
  assert.match(refused.stderr, /maximum cpu usage per Container is 1, but limit is 2/);
});

test("a namespace without them is free", async () => {
  await s.kubectl.ok(["create", "-f", "-"], { stdin: configMap("free", {}) });
});
