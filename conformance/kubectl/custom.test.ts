import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/child.ts";
import { suite } from "./suite.ts";

const ns = ["-n", "custom"];

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "boats.harbour.example.com" },
  spec: {
    group: "harbour.example.com",
    scope: "Namespaced",
    names: { kind: "Boat", plural: "boats", singular: "boat", shortNames: ["bt"], categories: ["fleet"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.crew", statusReplicasPath: ".status.crew" },
        },
        additionalPrinterColumns: [
          { name: "Crew", type: "integer", jsonPath: ".spec.crew" },
          { name: "Port", type: "string", jsonPath: ".spec.port", priority: 1 },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        schema: {
          openAPIV3Schema: {
            description: "A boat floats.",
            type: "object",
            properties: {
              spec: {
                description: "What the boat is.",
                type: "object",
                required: ["port"],
                properties: {
                  port: { description: "Where it lies.", type: "string", enum: ["east", "west"] },
                  crew: { type: "integer", default: 1, minimum: 0 },
                  length: { "x-kubernetes-int-or-string": true },
                  masts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: { type: "string" }, height: { type: "integer" } },
                    },
                  },
                },
                "x-kubernetes-validations": [
                  { rule: "self.crew <= 12 || self.port == 'west'", message: "the east is shallow" },
                ],
              },
              status: {
                type: "object",
                properties: {
                  crew: { type: "integer" },
                  conditions: {
                    type: "array",
                    items: {
                      type: "object",
                      properties: { type: { type: "string" }, status: { type: "string" } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

const boat = (name: string, spec: object, metadata: object = {}): string =>
  JSON.stringify({
    apiVersion: "harbour.example.com/v1",
    kind: "Boat",
    metadata: { name, ...metadata },
    spec,
  });

const s = suite(async ({ kubectl }) => {
  await kubectl.ok(["create", "namespace", "custom"]);
  assert.equal(
    await kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify(definition) }),
    "customresourcedefinition.apiextensions.k8s.io/boats.harbour.example.com created\n",
  );
  await kubectl.ok([
    ...["wait", "--for=condition=Established", "crd/boats.harbour.example.com", "--timeout=300s"],
  ]);
  await until("boats are in discovery", async () =>
    (
      await kubectl.run(["api-resources", "--cached=false", "--api-group=harbour.example.com"])
    ).stdout.includes("boats"),
  );
});

const create = (manifest: string, ...flags: string[]): Promise<string> =>
  s.kubectl.ok(["create", "-f", "-", ...ns, ...flags], { stdin: manifest });

test("api-resources, and names: short, singular, category, with version and group", async () => {
  assert.match(
    await s.kubectl.ok(["api-resources", "--api-group=harbour.example.com", "-o", "wide"]),
    /\nboats\s+bt\s+harbour\.example\.com\/v1\s+true\s+Boat\s+delete,deletecollection,get,list,patch,create,update,watch\s+fleet\n/,
  );
  await create(boat("named", { port: "east" }));
  for (const kind of [
    "bt",
    "boat",
    "boats",
    "fleet",
    "boats.v1.harbour.example.com",
    "boats.harbour.example.com",
  ]) {
    assert.match(
      await s.kubectl.ok(["get", kind, "-o", "name", ...ns]),
      /^boat\.harbour\.example\.com\/named\n/,
    );
  }
});

test("get prints the columns; wide, and of the whole kind", async () => {
  await create(boat("printed", { port: "west", crew: 3 }));
  assert.match(
    await s.kubectl.ok(["get", "boat", "printed", ...ns]),
    /^NAME\s+CREW\s+AGE\nprinted\s+3\s+\d+s\n$/,
  );
  assert.match(
    await s.kubectl.ok(["get", "boat", "printed", ...ns, "-o", "wide"]),
    /^NAME\s+CREW\s+PORT\s+AGE\nprinted\s+3\s+west\s+\d+s\n$/,
  );
  assert.match(
    await s.kubectl.ok(["describe", "boat", "printed", ...ns]),
    /Spec:\n\s+Crew:\s+3\n\s+Port:\s+west\n/,
  );
});

test("explain reads the schema: the kind, a field, recursive", async () => {
  assert.match(
    await s.kubectl.ok(["explain", "boats"]),
    /^GROUP:\s+harbour\.example\.com\nKIND:\s+Boat\nVERSION:\s+v1\n\nDESCRIPTION:\n\s+A boat floats\.\n(?:.*\n)* {2}metadata\t<ObjectMeta>\n(?:.*\n)* {2}spec\t<Object>\n/,
  );
  assert.match(
    await s.kubectl.ok(["explain", "boats.spec.port"]),
    /FIELD: port <string>\nENUM:\n\s+east\n\s+west\n\nDESCRIPTION:\n\s+Where it lies\./,
  );
  assert.match(
    await s.kubectl.ok(["explain", "boats", "--recursive"]),
    /\n {2}spec\t<Object>\n {4}crew\t<integer>\n {4}length\t<Object>\n {4}masts\t<\[\]Object>\n {6}height\t<integer>\n {6}name\t<string> -required-\n/,
  );
});

test("bad objects are refused with upstream's texts", async () => {
  const refused = (manifest: string, ...flags: string[]): Promise<string> =>
    s.kubectl.fails(["create", "-f", "-", ...ns, ...flags], { stdin: manifest });
  assert.equal(
    await refused(boat("bad", { port: "north" })),
    'The Boat "bad" is invalid: \n* spec.port: Unsupported value: "north": supported values: "east", "west"\n* <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  );
  assert.equal(
    await refused(boat("bad", { port: "east", crew: 13 })),
    'The Boat "bad" is invalid: spec: Invalid value: the east is shallow',
  );
  assert.match(
    await refused(boat("bad", {})),
    /^The Boat "bad" is invalid: \n\* spec\.port: Required value\n/,
  );
  assert.match(
    await refused(boat("bad", { port: "east", crew: "many" })),
    /spec\.crew: Invalid value: "string": spec\.crew in body must be of type integer: "string"/,
  );
  assert.equal(
    await refused(boat("bad", { port: "east", sail: "white" }), "--validate=strict"),
    'Error from server (BadRequest): error when creating "STDIN": Boat in version "v1" cannot be handled as a Boat: strict decoding error: unknown field "spec.sail"',
  );
  const pruned = await s.kubectl.run(["create", "-f", "-", ...ns, "--validate=warn"], {
    stdin: boat("pruned", { port: "east", sail: "white" }),
  });
  assert.match(pruned.stderr, /Warning: unknown field "spec\.sail"/);
  assert.deepEqual((await s.kubectl.json(["get", "boat", "pruned", ...ns])).spec, { crew: 1, port: "east" });
});

test("apply, both ways; a list by key; edit; patch of the three types", async () => {
  const client = (spec: object) =>
    s.kubectl.ok(["apply", "-f", "-", ...ns], { stdin: boat("applied", spec) });
  assert.equal(await client({ port: "east", length: 5 }), "boat.harbour.example.com/applied created\n");
  assert.equal(await client({ port: "east", length: 5 }), "boat.harbour.example.com/applied unchanged\n");
  assert.equal(await client({ port: "east", length: "6m" }), "boat.harbour.example.com/applied configured\n");
  const server = (manager: string, spec: object) =>
    s.kubectl.ok(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-", ...ns], {
      stdin: boat("shared", spec),
    });
  await server("one", { port: "west", masts: [{ name: "main", height: 9 }] });
  await server("two", { masts: [{ name: "fore", height: 7 }] });
  const read = async () => (await s.kubectl.json(["get", "boat", "shared", ...ns])).spec;
  assert.deepEqual(await read(), {
    crew: 1,
    port: "west",
    masts: [
      { name: "main", height: 9 },
      { name: "fore", height: 7 },
    ],
  });
  await server("one", { port: "west" });
  assert.deepEqual(await read(), { crew: 1, port: "west", masts: [{ name: "fore", height: 7 }] });
  assert.match(
    await s.kubectl.fails([
      "patch",
      "boat",
      "shared",
      ...ns,
      "--type=strategic",
      "-p",
      '{"spec":{"crew":2}}',
    ]),
    /UnsupportedMediaType|media type/i,
  );
  await s.kubectl.ok(["patch", "boat", "shared", ...ns, "--type=merge", "-p", '{"spec":{"crew":2}}']);
  await s.kubectl.ok([
    ...["patch", "boat", "shared", ...ns, "--type=json"],
    ...["-p", '[{"op":"add","path":"/spec/masts/-","value":{"name":"aft"}}]'],
  ]);
  assert.deepEqual(await read(), {
    crew: 2,
    port: "west",
    masts: [{ name: "fore", height: 7 }, { name: "aft" }],
  });
});

test("status and scale; wait for a condition", async () => {
  await create(boat("scaled", { port: "west" }));
  assert.equal(
    await s.kubectl.ok(["scale", "boat", "scaled", "--replicas=4", ...ns]),
    "boat.harbour.example.com/scaled scaled\n",
  );
  const waiting = s.kubectl.run(["wait", "--for=condition=Afloat", "boat/scaled", ...ns, "--timeout=300s"]);
  await s.kubectl.ok([
    ...["patch", "boat", "scaled", ...ns, "--subresource=status", "--type=merge"],
    ...["-p", '{"spec":{"crew":9},"status":{"conditions":[{"type":"Afloat","status":"True"}]}}'],
  ]);
  const done = await waiting;
  assert.equal(done.stdout, "boat.harbour.example.com/scaled condition met\n", done.stderr);
  const object = await s.kubectl.json(["get", "boat", "scaled", ...ns]);
  assert.deepEqual([object.spec, object.metadata.generation], [{ crew: 4, port: "west" }, 2]);
});

test("watch sees them come and go", async () => {
  const watching = s.kubectl.follow([
    "get",
    "boats",
    ...ns,
    "--watch-only",
    "--output-watch-events",
    "-o",
    "name",
  ]);
  try {
    await until(
      "the watch sees boats",
      async () => {
        await s.kubectl.run(["delete", "boat", "watched", ...ns, "--ignore-not-found"]);
        await create(boat("watched", { port: "west" }));
        await s.kubectl.ok(["delete", "boat", "watched", ...ns]);
        return watching.lines().length >= 2;
      },
      200,
    );
    assert.match(watching.lines().join("\n"), /watched/);
  } finally {
    await watching.stop();
  }
});

test("a definition of one's own can be deleted: its objects go, its names are forgotten", async () => {
  const other = structuredClone(definition);
  other.metadata.name = "rafts.harbour.example.com";
  other.spec.names = { kind: "Raft", plural: "rafts", singular: "raft", shortNames: [], categories: [] };
  await s.kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify(other) });
  await s.kubectl.ok(["wait", "--for=condition=Established", `crd/${other.metadata.name}`, "--timeout=300s"]);
  const raft = JSON.parse(boat("only", { port: "west" })) as Record<string, unknown>;
  await until("a raft is made", async () => {
    const made = await s.kubectl.run(["create", "-f", "-", ...ns], {
      stdin: JSON.stringify({ ...raft, kind: "Raft" }),
    });
    return made.code === 0;
  });
  await s.kubectl.ok(["delete", "crd", other.metadata.name]);
  await until("rafts are unknown", async () => {
    const result = await s.kubectl.run(["get", "--raw", "/apis/harbour.example.com/v1/rafts"]);
    return result.code !== 0 && /NotFound/.test(result.stderr);
  });
  await s.kubectl.ok(["get", "boats", ...ns]);
});
