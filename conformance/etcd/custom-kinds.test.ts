// Three servers on one etcd: what one defines, the others serve at once, by its newest schema.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testPatience, until } from "../harness/child.ts";
import {
  ask,
  definition,
  definitions,
  instance,
  itemsOf,
  missing,
  ok,
  type Server,
  type Servers,
  startServers,
  type Thing,
} from "./servers.ts";
import { openWatch } from "./watch.ts";

const text = { type: "string" };
const specOf = (properties: object, more: object = {}): object => ({ type: "object", properties, ...more });
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const widget = (name: string, spec: object, metadata: object = {}): object =>
  instance("example.com/v1", "Widget", name, spec, metadata);

const conditionsOf = (status: Thing["status"]): readonly { type: string; status: string }[] =>
  (status?.conditions ?? []) as { type: string; status: string }[];

describe("custom kinds with three servers on one etcd", {
  skip: missing("etcd"),
  timeout: testPatience,
}, () => {
  let servers: Servers;
  let a: Server;
  let b: Server;
  let c: Server;

  /** One of the servers, in turn. */
  const server = (turn: number): Server => servers.all[turn % servers.all.length] ?? a;
  /** Gives the first version of a definition another schema of its spec. */
  const redefine = async (at: Server, path: string, schema: object): Promise<Thing> => {
    const current = (await ok(at, "GET", path)) as Thing & {
      spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: object } } } }[] };
    };
    const [version] = current.spec.versions;
    assert.ok(version !== undefined);
    version.schema.openAPIV3Schema.properties.spec = schema;
    return ok(at, "PUT", path, current);
  };

  before(async () => {
    servers = await startServers(["a", "b", "c"]);
    [a, b, c] = servers.all as [Server, Server, Server];
  });
  after(() => servers?.close());

  test("a kind defined through one is served at once by the others: objects, discovery, OpenAPI", async () => {
    const base = await servers.workspace("served");
    for (let i = 0; i < 12; i++) {
      const [here, there, third] = [server(i), server(i + 1), server(i + 2)];
      const plural = `things${i}s`;
      const kind = `Things${i}`;
      const made = await ok(
        here,
        "POST",
        base + definitions,
        definition(plural, [{ name: "v1", schema: specOf({ size: { type: "integer", default: i } }) }]),
      );
      assert.ok(
        conditionsOf(made.status).some(({ type, status }) => type === "Established" && status === "True"),
      );
      const path = `${base}/apis/example.com/v1/namespaces/default/${plural}`;
      const object = instance("example.com/v1", kind, "first", { unknown: 1 });
      const created = await ok(there, "POST", path, object);
      assert.deepEqual(created.spec, { size: i });
      assert.deepEqual(await ok(third, "GET", `${path}/first`), created);
      const group = (await ok(third, "GET", `${base}/apis/example.com/v1`)) as unknown as {
        resources: { name: string }[];
      };
      assert.ok(group.resources.some(({ name }) => name === plural));
      const document = JSON.stringify(await ok(there, "GET", `${base}/openapi/v3/apis/example.com/v1`));
      assert.ok(document.includes(`com.example.v1.${kind}"`));
    }
  });

  test("after a change of the schema no server reads or writes by the old one", async () => {
    const base = await servers.workspace("redefined");
    const path = `${base}${definitions}/widgets.example.com`;
    await ok(
      a,
      "POST",
      base + definitions,
      definition("widgets", [{ name: "v1", schema: specOf({ a: text }) }]),
    );
    await ok(a, "POST", base + widgets, widget("old", { a: "x" }));
    for (const each of servers.all) await ok(each, "GET", `${base}${widgets}/old`);
    for (let i = 0; i < 24; i++) {
      const [here, there, third] = [server(i), server(i + 1), server(i + 2)];
      const field = `f${i}`;
      const schema = specOf(
        { a: text, [field]: { type: "string", enum: [field], default: field }, must: text },
        {
          required: ["must"],
          "x-kubernetes-validations": [{ rule: `self.must == '${field}'`, message: field }],
        },
      );
      await redefine(here, path, schema);
      // A new field is kept, a new default is given, and what was allowed before no longer is.
      const created = await ok(
        there,
        "POST",
        base + widgets,
        widget(`new${i}`, { [field]: field, must: field }),
      );
      assert.deepEqual(created.spec, { [field]: field, must: field });
      const refused = await ask(third, "POST", base + widgets, widget(`bad${i}`, { must: "else" }));
      assert.equal(refused.status, 422, refused.message);
      assert.match(refused.message, new RegExp(`: ${field}$`));
      assert.equal((await ask(there, "POST", base + widgets, widget(`bad${i}`, { a: "x" }))).status, 422);
      // What is stored is shown by the new schema: the old fields are gone.
      assert.deepEqual((await ok(third, "GET", `${base}${widgets}/old`)).spec, { a: "x", [field]: field });
      const shown = await itemsOf(there, base + widgets);
      for (const { metadata, spec } of shown)
        assert.equal(spec[field], field, `${metadata.name} has the default of its field`);
      const document = JSON.stringify(await ok(third, "GET", `${base}/openapi/v3/apis/example.com/v1`));
      assert.ok(document.includes(`"${field}"`) && !document.includes(`"f${i - 1}"`));
    }
  });

  test("writes that race with a change of the schema are by the one or the other, never by a mixture", async () => {
    const base = await servers.workspace("racing");
    const path = `${base}${definitions}/widgets.example.com`;
    // In schema n the field `n` is the only one, and must be there.
    const schemaOf = (n: number): object =>
      specOf({ [`n${n}`]: { type: "integer", default: n } }, { maxProperties: 1 });
    await ok(a, "POST", base + definitions, definition("widgets", [{ name: "v1", schema: schemaOf(0) }]));
    let writing = true;
    let written = 0;
    const write = async (at: Server, id: number): Promise<void> => {
      for (let i = 0; writing; i++) {
        const made = await ask(at, "POST", base + widgets, widget(`w${id}-${i}`, {}));
        assert.ok(made.status === 201 || made.status === 503, `${made.status} ${made.message}`);
        if (made.status !== 201) continue;
        written += 1;
        const entries = Object.entries(made.object.spec);
        assert.equal(entries.length, 1, JSON.stringify(made.object.spec));
        for (const [name, value] of entries) assert.equal(name, `n${value}`);
      }
    };
    const writers = [b, c, b, c].map(write);
    for (let n = 1; n <= 30; n++) await redefine(a, path, schemaOf(n));
    await until("there were writes", () => written > 100);
    writing = false;
    await Promise.all(writers);
    // All are shown by the newest schema only.
    for (const at of servers.all)
      for (const { spec } of await itemsOf(at, base + widgets)) assert.deepEqual(spec, { n30: 30 });
  });

  test("the kind is deleted through one while the others write: no object is left, also not for a new definition", async () => {
    const base = await servers.workspace("dropped");
    const path = `${base}${definitions}/widgets.example.com`;
    const allowed = [200, 201, 403, 404, 405, 409, 503];
    for (let round = 0; round < 4; round++) {
      const [here, there, third] = [server(round), server(round + 1), server(round + 2)];
      await ok(
        here,
        "POST",
        base + definitions,
        definition("widgets", [{ name: "v1", schema: specOf({ n: text }) }]),
      );
      let writing = true;
      let created = 0;
      const write = async (at: Server, id: number): Promise<void> => {
        for (let i = 0; writing; i++) {
          const name = `w${id}-${i}`;
          const made = await ask(at, "POST", base + widgets, widget(name, { n: "0" }));
          assert.ok(allowed.includes(made.status), `${made.status} ${made.message}`);
          if (made.status === 201) created += 1;
          const changed = await ask(at, "PATCH", `${base}${widgets}/${name}`, { spec: { n: "1" } });
          assert.ok(allowed.includes(changed.status), `${changed.status} ${changed.message}`);
        }
      };
      const writers = [there, third, there, third].map(write);
      await until("there are writes", () => created > 50);
      await ok(here, "DELETE", path);
      await until("the definition is gone", async () => (await ask(third, "GET", path)).status === 404);
      writing = false;
      await Promise.all(writers);
      for (const at of servers.all) assert.equal((await ask(at, "GET", base + widgets)).status, 404);
      await ok(
        third,
        "POST",
        base + definitions,
        definition("widgets", [{ name: "v1", schema: specOf({ n: text }) }]),
      );
      for (const at of servers.all) assert.deepEqual(await itemsOf(at, base + widgets), []);
      await ok(there, "DELETE", path);
      await until("it is gone again", async () => (await ask(here, "GET", path)).status === 404);
    }
  });

  test("of two definitions made at the same moment with the same names, one has them", async () => {
    const base = await servers.workspace("named");
    for (let round = 0; round < 5; round++) {
      const plurals = servers.all.map(({ name }) => `${name}rounds${round}s`);
      const names = { shortNames: [`short${round}`], kind: `Same${round}`, listKind: `Same${round}List` };
      await Promise.all(
        servers.all.map((at, index) =>
          ok(
            at,
            "POST",
            base + definitions,
            definition(plurals[index] ?? "", [{ name: "v1", schema: specOf({}) }], { names }),
          ),
        ),
      );
      const accepted = async (at: Server): Promise<string[]> => {
        const found = await Promise.all(
          plurals.map((plural) => ok(at, "GET", `${base}${definitions}/${plural}.example.com`)),
        );
        return found
          .filter(({ status }) =>
            conditionsOf(status).some((one) => one.type === "NamesAccepted" && one.status === "True"),
          )
          .map(({ metadata }) => metadata.name);
      };
      await until("one has the names", async () => (await accepted(c)).length === 1);
      const [winner = ""] = await accepted(b);
      // Its end gives them to one of the others.
      await ok(c, "DELETE", `${base}${definitions}/${winner}`);
      plurals.splice(plurals.indexOf(winner.slice(0, -".example.com".length)), 1);
      await until("another has them", async () => (await accepted(a)).length === 1);
    }
  });

  test("a namespace with custom objects is deleted through one while the others write into it", async () => {
    const base = await servers.workspace("emptied");
    await ok(
      a,
      "POST",
      base + definitions,
      definition("widgets", [{ name: "v1", schema: specOf({ n: text }) }]),
    );
    for (let round = 0; round < 3; round++) {
      const [here, there, third] = [server(round + 2), server(round), server(round + 1)];
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "room" } };
      await ok(here, "POST", `${base}/api/v1/namespaces`, namespace);
      const inRoom = `${base}/apis/example.com/v1/namespaces/room/widgets`;
      let writing = true;
      let created = 0;
      const write = async (at: Server, id: number): Promise<void> => {
        for (let i = 0; writing; i++) {
          const made = await ask(at, "POST", inRoom, widget(`w${id}-${i}`, {}));
          assert.ok([201, 403, 404].includes(made.status), `${made.status} ${made.message}`);
          if (made.status === 201) created += 1;
        }
      };
      const writers = [there, third].map(write);
      await until("there are writes", () => created > 30);
      await ok(here, "DELETE", `${base}/api/v1/namespaces/room`);
      await until(
        "it is gone",
        async () => (await ask(there, "GET", `${base}/api/v1/namespaces/room`)).status === 404,
      );
      writing = false;
      await Promise.all(writers);
      for (const at of servers.all)
        assert.deepEqual(await itemsOf(at, `${base}/apis/example.com/v1/widgets`), []);
    }
  });

  test("watches of custom objects see what the others write, and go on when a server was killed and is back", async () => {
    const base = await servers.workspace("watched");
    await ok(
      b,
      "POST",
      base + definitions,
      definition("widgets", [{ name: "v1", schema: specOf({ n: text }) }]),
    );
    const list = await ok(c, "GET", base + widgets);
    const watch = await openWatch(
      c.myriad.url + base + widgets,
      c.myriad.admin.access,
      list.metadata.resourceVersion,
    );
    for (let i = 0; i < 20; i++) {
      await ok(server(i), "POST", base + widgets, widget(`w${i}`, { n: "0" }));
      await until("it is seen", () => watch.frames.length === i + 1, 2);
    }
    watch.close();
    // The one that runs the controllers dies; definitions and objects are deleted nevertheless, when its lease (15 s) is over.
    await a.myriad.stop("SIGKILL");
    await ok(b, "DELETE", `${base}${definitions}/widgets.example.com`);
    await until(
      "another runs the controllers",
      async () => (await ask(c, "GET", `${base}${definitions}/widgets.example.com`)).status === 404,
    );
    await ok(
      c,
      "POST",
      base + definitions,
      definition("widgets", [{ name: "v1", schema: specOf({ m: text }) }]),
    );
    await servers.restart(a, "SIGKILL");
    assert.deepEqual(await itemsOf(a, base + widgets), []);
    assert.deepEqual((await ok(a, "POST", base + widgets, widget("back", { m: "1", n: "2" }))).spec, {
      m: "1",
    });
    assert.equal((await itemsOf(b, base + widgets)).length, 1);
  });
});
