import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { StatusError } from "#machinery/errors/status-error.ts";
import { type LiveServer, startLiveServer } from "../testing/live-server.ts";
import { YamlBodies } from "./yaml-bodies.ts";

let server: LiveServer;
let bodies: YamlBodies;
before(async () => {
  server = await startLiveServer();
  bodies = new YamlBodies(systemClock);
});
after(async () => {
  await bodies.close();
  await server.close();
  assert.deepEqual(server.bugs, []);
});

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `  k${i}: "v${i}"\n`).join("");
const problem = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof StatusError) return error.message;
    throw error;
  }
  return "";
};

test("large documents are read as small ones are, their duplicates and mistakes too", async () => {
  const texts = [
    `data:\n${lines(1_000)}`,
    `data:\n${lines(1_000)}  k5: again\nbig: 9007199254740993\n`,
    `data:\n${lines(1_000)}   wrong: [1\n`,
    `{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
    JSON.stringify({ data: "x".repeat(20_000) }),
    `a: &x [1, 2]\nb: *x\n# ${"x".repeat(20_000)}\n`,
  ];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    await bodies.prepare(bytes);
    for (const duplicates of [true, false]) {
      const expected = problem(() => readYaml(bytes, { duplicates }));
      assert.equal(
        problem(() => bodies.read(bytes, { duplicates })),
        expected,
      );
      if (expected === "")
        assert.deepEqual(bodies.read(bytes, { duplicates }), readYaml(bytes, { duplicates }));
    }
  }
});

test("who sends a large document does not keep others waiting", async () => {
  const base = `/clusters/${await server.workspace("yaml")}/api/v1/namespaces/default/configmaps`;
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n${lines(3_000)}`;
  const order: string[] = [];
  const note = (name: string) => (answer: { status: number }) => {
    order.push(name);
    return answer.status;
  };
  const large = server.call("POST", base, { body: text, type: "application/yaml" }).then(note("large"));
  const small = server.call("GET", base).then(note("small"));
  assert.deepEqual(await Promise.all([large, small]), [201, 200]);
  assert.deepEqual(order, ["small", "large"]);
  const applied = await server.call("PATCH", `${base}/large?fieldManager=me&force=true`, {
    body: text,
    type: "application/apply-patch+yaml",
  });
  assert.equal(applied.status, 200, applied.text);
});
