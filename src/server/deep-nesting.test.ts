/** Objects nested as deep as bodies may be: what was taken once must stay readable in every form. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { loadCatalogue } from "#api/catalogue.ts";
import { encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { readJson } from "#machinery/json/read.ts";
import { type LiveServer, startLiveServer } from "./testing/live-server.ts";

let server: LiveServer;
let base = "";
before(async () => {
  server = await startLiveServer();
  base = `/clusters/${await server.workspace("deep", { type: "kubernetes" })}`;
});
after(() => server.close());

it("what is just not too deep can be read, patched and deleted in every form", async () => {
  const path = "/apis/apps/v1/namespaces/default/controllerrevisions";
  const deep = (levels: number): string => `${'{"a":'.repeat(levels)}{}${"}".repeat(levels)}`;
  const body = (name: string, levels: number): string =>
    `{"metadata":{"name":"${name}"},"revision":1,"data":${deep(levels)}}`;
  const names: string[] = [];
  for (const [levels, type] of [
    [998, "application/json"],
    [999, "application/yaml"],
    [950, "application/json"],
  ] as const) {
    const name = `deep-${levels}`;
    const answer = await server.call("POST", `${base}${path}`, { body: body(name, levels), type });
    assert.ok(answer.status < 500, answer.text);
    if (answer.status === 201) names.push(name);
  }
  const raw = Buffer.from(deep(999));
  const model = {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name: "deep-raw" },
    revision: 1,
    data: readJson(raw),
  };
  const sent = encodeObjectProtobuf(
    new ProtobufCodec(loadCatalogue()),
    "io.k8s.api.apps.v1.ControllerRevision",
    model,
  );
  const binary = await server.call("POST", `${base}${path}`, {
    body: sent,
    type: "application/vnd.kubernetes.protobuf",
  });
  assert.equal(binary.status, 201, binary.text);
  names.push("deep-raw");
  const accepts = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
  ];
  for (const accept of accepts) {
    for (const query of ["", "?labelSelector=!x&pretty=true&includeObject=Object"]) {
      const list = await server.call("GET", `${base}${path}${query}`, { accept });
      assert.equal(list.status, 200, `${accept} ${query}: ${list.text.slice(0, 200)}`);
    }
    for (const name of names) {
      const one = await server.call("GET", `${base}${path}/${name}?pretty=true&includeObject=Object`, {
        accept,
      });
      assert.equal(one.status, 200, `${accept} ${name}: ${one.text.slice(0, 200)}`);
    }
  }
  for (const name of names) {
    const labelled = await server.call("PATCH", `${base}${path}/${name}`, {
      body: { metadata: { labels: { a: "b" } } },
      type: "application/merge-patch+json",
    });
    assert.equal(labelled.status, 200, labelled.text.slice(0, 200));
    assert.equal((await server.call("DELETE", `${base}${path}/${name}`, { body: {} })).status, 200);
  }
  assert.deepEqual(server.bugs, []);
});
