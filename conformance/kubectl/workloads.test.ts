import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { suite } from "./suite.ts";

const ns = ["-n", "working"];

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "working"]);
  for (const name of ["web", "second"]) {
    await kubectl.ok(["create", "deployment", name, "--image=web:1", "--replicas=2", ...ns]);
  }
}, "kubernetes");

const replicas = (kind: string, name: string): Promise<string> =>
  s.kubectl.ok(["get", kind, name, ...ns, "-o", "jsonpath={.spec.replicas}"]);

test("scale: of kinds that scale, with a precondition, several at once", async () => {
  for (const [kind, name] of [
    ["ReplicaSet", "set"],
    ["StatefulSet", "state"],
  ] as const) {
    await s.kubectl.ok(["create", "-f", "-", ...ns], {
      stdin: JSON.stringify({
        apiVersion: "apps/v1",
        kind,
        metadata: { name },
        spec: {
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: { containers: [{ name: "app", image: "app:1" }] },
          },
          ...(kind === "StatefulSet" ? { serviceName: name } : {}),
        },
      }),
    });
  }
  assert.equal(
    await s.kubectl.ok(["scale", "--replicas=4", "deploy/web", "rs/set", "sts/state", ...ns]),
    "deployment.apps/web scaled\nreplicaset.apps/set scaled\nstatefulset.apps/state scaled\n",
  );
  assert.deepEqual(
    [await replicas("deploy", "web"), await replicas("rs", "set"), await replicas("sts", "state")],
    ["4", "4", "4"],
  );
  assert.match(
    await s.kubectl.fails(["scale", "deploy/web", "--current-replicas=9", "--replicas=1", ...ns]),
    /Expected replicas to be 9, was 4/,
  );
  await s.kubectl.ok(["scale", "deploy/web", "--current-replicas=4", "--replicas=1", ...ns]);
  assert.equal(await replicas("deploy", "web"), "1");
  assert.match(
    await s.kubectl.fails(["scale", "deploy/web", "--replicas=-1", ...ns]),
    /must be greater than or equal to 0|cannot be less than 0|--replicas=COUNT is required/,
  );
});

test("autoscale makes a HorizontalPodAutoscaler", async () => {
  assert.equal(
    await s.kubectl.ok(["autoscale", "deploy", "web", "--min=2", "--max=5", "--cpu=80%", ...ns]),
    "horizontalpodautoscaler.autoscaling/web autoscaled\n",
  );
  const hpa = await s.kubectl.json(["get", "hpa", "web", ...ns]);
  assert.deepEqual(hpa.spec, {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 2,
    maxReplicas: 5,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
      },
    ],
  });
  assert.match(
    await s.kubectl.ok(["get", "hpa", ...ns]),
    /^NAME\s+REFERENCE\s+TARGETS\s+MINPODS\s+MAXPODS\s+REPLICAS\s+AGE\nweb\s+Deployment\/web\s+cpu: <unknown>\/80%\s+2\s+5\s+0\s/,
  );
});

test("set image, rollout status of a status that somebody writes, rollout pause and resume", async () => {
  assert.equal(
    await s.kubectl.ok(["set", "image", "deploy/web", "web=web:2", ...ns]),
    "deployment.apps/web image updated\n",
  );
  await s.kubectl.ok(["rollout", "pause", "deploy/web", ...ns]);
  await s.kubectl.ok(["rollout", "resume", "deploy/web", ...ns]);
  const waiting = s.kubectl.run(["rollout", "status", "deploy/web", ...ns, "--timeout=300s"]);
  const { metadata } = await s.kubectl.json(["get", "deploy", "web", ...ns]);
  const status = {
    observedGeneration: metadata.generation,
    ...{ replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
  };
  await s.kubectl.ok([
    ...["patch", "deploy", "web", ...ns, "--subresource=status", "--type=merge"],
    ...["-p", JSON.stringify({ status })],
  ]);
  const done = await waiting;
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /deployment "web" successfully rolled out\n$/);
  assert.match(await s.kubectl.ok(["get", "deploy", "web", ...ns]), /\nweb\s+1\/1\s+1\s+1\s/);
});

test("edit: several objects, a refused change is offered again, a subresource", async () => {
  const editor = (name: string, script: string): string => {
    const path = join(s.target.folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    return path;
  };
  const edit = (program: string, ...args: string[]) =>
    s.kubectl.run(["edit", ...args, ...ns], { env: { KUBE_EDITOR: program } });
  const replaced = editor("replicas.sh", `sed -i 's/^  replicas: .*/  replicas: 7/' "$1"`);
  const done = await edit(replaced, "deploy/web");
  assert.equal(done.stdout, "deployment.apps/web edited\n", done.stderr);
  assert.equal(await replicas("deploy", "web"), "7");
  const both = await edit(
    editor("both.sh", `sed -i '/^  spec:/,/^  status:/s/^    replicas: .*/    replicas: 6/' "$1"`),
    "deploy/web",
    "deploy/second",
  );
  assert.equal(both.code, 0, both.stderr);
  assert.deepEqual([await replicas("deploy", "web"), await replicas("deploy", "second")], ["6", "6"]);
  // First a change that is refused; the second time the editor is shown why, and mends it.
  const twice = editor(
    "twice.sh",
    `if grep -q '# .*spec.replicas: Invalid value' "$1"; then sed -i 's/^  replicas: .*/  replicas: 3/' "$1"
else sed -i 's/^  replicas: .*/  replicas: -3/' "$1"; fi`,
  );
  const mended = await edit(twice, "deploy/web");
  assert.match(mended.stdout, /deployment\.apps\/web edited\n/, mended.stderr);
  assert.equal(await replicas("deploy", "web"), "3");
  const status = editor("status.sh", `sed -i 's/^  observedGeneration: .*/  observedGeneration: 99/' "$1"`);
  const told = await edit(status, "deploy/web", "--subresource=status");
  assert.equal(told.code, 0, told.stderr);
  assert.equal(
    await s.kubectl.ok(["get", "deploy", "web", ...ns, "-o", "jsonpath={.status.observedGeneration}"]),
    "99",
  );
});

test("wait: for a condition's value, for all of a kind, with a timeout", async () => {
  const { metadata } = await s.kubectl.json(["get", "deploy", "web", ...ns]);
  const condition = (status: string): Promise<string> =>
    s.kubectl.ok([
      ...["patch", "deploy", "web", ...ns, "--subresource=status", "--type=strategic"],
      "-p",
      JSON.stringify({
        status: { observedGeneration: metadata.generation, conditions: [{ type: "Progressing", status }] },
      }),
    ]);
  await condition("False");
  assert.match(
    await s.kubectl.fails(["wait", "--for=condition=Progressing", "deploy/web", ...ns, "--timeout=5s"]),
    /timed out waiting for the condition on deployments\/web/,
  );
  const waiting = s.kubectl.run([
    ...["wait", "--for=condition=Progressing", "deploy", "-l", "app=web", ...ns, "--timeout=300s"],
  ]);
  await condition("True");
  const done = await waiting;
  assert.equal(done.stdout, "deployment.apps/web condition met\n", done.stderr);
  await s.kubectl.ok(["wait", "--for=condition=Progressing=true", "deploy/web", ...ns, "--timeout=300s"]);
});

test("create --validate=strict, warn and ignore", async () => {
  const service = JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "odd", labls: {} },
    spec: { clusterIP: "None", ports: [{ port: 80, prot: "TCP" }], selektor: {} },
  });
  const strict = await s.kubectl.fails(["create", "--validate=strict", "-f", "-", ...ns], { stdin: service });
  assert.equal(
    strict,
    'Error from server (BadRequest): error when creating "STDIN": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "metadata.labls", unknown field "spec.ports[0].prot", unknown field "spec.selektor"',
  );
  const warned = await s.kubectl.run(["create", "--validate=warn", "-f", "-", ...ns, "--dry-run=server"], {
    stdin: service,
  });
  assert.equal(warned.code, 0, warned.stderr);
  assert.match(warned.stderr, /Warning: unknown field "spec\.selektor"/);
  const ignored = await s.kubectl.run(["create", "--validate=ignore", "-f", "-", ...ns], { stdin: service });
  assert.deepEqual([ignored.code, ignored.stderr], [0, ""]);
});
