import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { ApplyClient, managedOf } from "./testing/apply-client.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let client: ApplyClient;
before(async () => {
  server = await startLiveServer();
  client = new ApplyClient(server, await server.workspace("unchanged", { type: "kubernetes" }));
});
after(async () => {
  await server.close();
  assert.deepEqual(server.bugs, []);
});

it("writes nothing at any later time, also where the server writes values and defaults in its own way", async () => {
  const body = (name: string): object => {
    const container = { name: "c", image: "i", resources: { requests: { cpu: 0.5 } } };
    return {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name },
      spec: {
        serviceName: "s",
        selector: { matchLabels: { app: "a" } },
        template: { metadata: { labels: { app: "a" } }, spec: { containers: [container] } },
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1024Mi" } } },
          },
        ],
      },
    };
  };
  const path = client.at("statefulsets", "s").replace("/api/v1/", "/apis/apps/v1/");
  const created = await client.apply(path, body("s"));
  assert.equal(created.status, 201, created.text);
  const [entry] = managedOf(created);
  const old = { ...entry, time: "2020-01-01T00:00:00Z" };
  const aged = await server.call("PATCH", path, {
    headers: { "content-type": "application/json-patch+json" },
    body: [
      { op: "replace", path: "/metadata/managedFields", value: [old] },
      { op: "add", path: "/metadata/annotations", value: { aged: "yes" } },
    ],
  });
  assert.equal(aged.status, 200, aged.text);
  assert.equal(managedOf(aged)[0]!.time, old.time);
  const again = await client.apply(path, body("s"));
  assert.equal(again.json.metadata.resourceVersion, aged.json.metadata.resourceVersion);
  assert.deepEqual(managedOf(again), managedOf(aged));
});
