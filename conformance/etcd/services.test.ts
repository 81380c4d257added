// Three servers on one etcd: no two Services get the same address or port, whichever servers they are written through.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testPatience } from "../harness/child.ts";
import { ask, itemsOf, missing, ok, type Server, type Servers, startServers } from "./servers.ts";

const services = "/api/v1/namespaces/default/services";
const cidrs = "/apis/networking.k8s.io/v1/servicecidrs";
const addresses = "/apis/networking.k8s.io/v1/ipaddresses";

type Spec = { clusterIP: string; ports: { nodePort?: number }[] };

describe("Services with three servers on one etcd", { skip: missing("etcd"), timeout: testPatience }, () => {
  let servers: Servers;
  const server = (turn: number): Server => servers.all[turn % servers.all.length] as Server;

  before(async () => {
    servers = await startServers(["a", "b", "c"]);
  });
  after(async () => {
    await servers?.close();
  });

  const make = (turn: number, base: string, name: string, spec: object) =>
    ask(server(turn), "POST", base + services, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec,
    });

  test("one requested address and port have one Service each", async () => {
    const base = await servers.workspace("requested", "kubernetes");
    for (let round = 0; round < 5; round++) {
      const spec = {
        type: "NodePort",
        clusterIP: `10.96.0.${10 + round}`,
        ports: [{ port: 80, nodePort: 30_000 + round }],
      };
      const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => make(i, base, `r${round}-${i}`, spec)));
      const codes = answers.map(({ status }) => status).sort();
      assert.deepEqual(codes, [201, 422, 422, 422, 422, 422]);
    }
  });

  test("all that ask at once get others, also of a range that is nearly full, and what is deleted is free everywhere", async () => {
    const base = await servers.workspace("any", "kubernetes");
    // Only a small range is left.
    await ok(server(0), "POST", base + cidrs, {
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "small" },
      spec: { cidrs: ["10.1.0.0/27"] },
    });
    await ok(server(0), "PATCH", `${base}${cidrs}/kubernetes/status`, {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "Test",
            message: "",
            lastTransitionTime: "2026-01-01T00:00:00Z",
          },
        ],
      },
    });
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          make(i, base, `s${i}`, { type: "NodePort", ports: [{ port: 80 }] }),
        ),
      );
      const made = answers.filter(({ status }) => status === 201).map(({ object }) => object.spec as Spec);
      assert.equal(made.length, 30);
      assert.equal(new Set(made.map(({ clusterIP }) => clusterIP)).size, 30);
      assert.equal(new Set(made.map(({ ports }) => ports[0]?.nodePort)).size, 30);
      const full = answers.filter(({ status }) => status !== 201);
      for (const { status, message } of full) {
        assert.equal(status, 500);
        assert.match(message, /failed to allocate a serviceIP for Service "s\d+": range is full/);
      }
      await ok(server(1), "DELETE", base + services);
      assert.deepEqual(await itemsOf(server(2), base + addresses), []);
    }
  });
});
