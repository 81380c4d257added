/** Sequences of applies and updates that somebody thought of, on the custom kind of `managed-fields-custom.oracle.test.ts`. */
import type { JsonObject } from "#machinery/json/value.ts";
import type { Sequence, Step } from "./sequences.ts";

export const step = (
  by: string,
  object: JsonObject,
  more: Partial<Pick<Step, "op" | "force" | "subresource">> = {},
): Step => ({ op: "apply", force: false, subresource: "", ...more, manager: by, object });

const thing = (spec: JsonObject, meta: JsonObject = {}, version = "v1"): JsonObject => ({
  apiVersion: `test.io/${version}`,
  kind: "Thing",
  metadata: { name: "x", uid: "u", ...meta },
  spec,
});
const things = (...steps: readonly Step[]): Sequence => ({ apiVersion: "test.io/v1", kind: "Thing", steps });
const lastApplied = (object: JsonObject): JsonObject => ({
  annotations: { "kubectl.kubernetes.io/last-applied-configuration": `${JSON.stringify(object)}\n` },
});
export const update = { op: "update" } as const;

/** Cases that somebody thought of; all of them on the custom kind. */
export const handMade: readonly Sequence[] = [
  // Eleven updaters become ancient changes.
  things(
    ...Array.from({ length: 14 }, (_, i) =>
      step(
        `m${i}`,
        thing({ free: Object.fromEntries(Array.from({ length: i + 1 }, (_, j) => [`k${j}`, j])) }),
        update,
      ),
    ),
  ),
  things(
    ...Array.from({ length: 13 }, (_, i) =>
      step(`m${i}`, thing({ count: i }, {}, i % 2 === 0 ? "v1" : "v2"), update),
    ),
    step("last", thing({ count: 99 }), { force: true }),
  ),
  // From client-side to server-side apply.
  things(
    step(
      "kubectl-client-side-apply",
      thing({ count: 1, labels: { a: "1" } }, lastApplied(thing({ count: 1, labels: { a: "1" } }))),
      update,
    ),
    step("kubectl", thing({ count: 2, labels: { a: "2", b: "1" } })),
    step("kubectl", thing({ labels: { a: "2" } })),
  ),
  things(
    step("kubectl-client-side-apply", thing({ count: 1 }, lastApplied(thing({ count: 1 }))), update),
    step("other", thing({ count: 3 }, lastApplied(thing({ count: 1 }))), update),
    step("kubectl", thing({ count: 2 })),
    step("kubectl", thing({ count: 2 }), { force: true }),
  ),
  // Who owned nothing before the first apply; resets; what clients make of managed fields.
  things(step("a", thing({ count: 1 }, { managedFields: [{}] }), update), step("b", thing({ count: 1 }))),
  things(
    step("a", thing({ count: 1 }), update),
    step("b", thing({ count: 2 }, { managedFields: [] }), update),
  ),
  things(
    step("a", thing({ count: 1 }), update),
    step("b", thing({ count: 2 }, { managedFields: [{ manager: "x", operation: "No" }] }), update),
  ),
  things(
    step("a", thing({ count: 1 }), update),
    step(
      "b",
      thing(
        { count: 2 },
        {
          managedFields: [
            {
              manager: "given",
              operation: "Apply",
              apiVersion: "test.io/v1",
              fieldsType: "FieldsV1",
              fieldsV1: {
                "f:spec": {
                  "f:on": {},
                  "f:count": {},
                  'k:{"b":1,"a":"x"}': {},
                  "v:1.0": {},
                  "i:3": {},
                  "z:1": {},
                },
              },
              time: "2000-01-01T00:00:00Z",
            },
          ],
        },
      ),
      update,
    ),
    step("given", thing({ on: true })),
  ),
  // What an apply refuses.
  ...(
    [
      { ...thing({}), apiVersion: "test.io/v7" },
      { ...thing({}), apiVersion: "a/b/c" },
      { metadata: { name: "x" } },
      thing({}, { managedFields: [] }),
      thing({ nothing: 1 }),
      thing({ count: "1" }),
      thing({ count: [1] }),
      thing({ on: 1 }),
      thing({ on: { a: "1" } }),
      thing({ labels: "x" }),
      thing({ labels: { a: 1.5 } }),
      thing({ labels: { a: { b: [1, "x", null, true] } } }),
      thing({ args: { a: 1 } }),
      thing({ names: ["a", "a"] }),
      thing({ names: [null] }),
      thing({ names: [{}] }),
      thing({ names: [[]] }),
      thing({ numbers: [1, 1] }),
      thing({ ports: [{ port: 1 }, { port: 1, protocol: "TCP" }] }),
      thing({ ports: [{ name: "x" }, { name: "y" }] }),
      thing({ ports: [null] }),
      thing({ ports: ["x"] }),
      thing({ port: [1] }),
      thing({ when: 1 }),
      thing({}, { labels: { a: 1 } }),
      thing({}, { unknown: 1 }),
      { ...thing({}), metadata: "x" },
      { ...thing({}), more: 1 },
    ] as JsonObject[]
  ).map((object) =>
    things(step("a", thing({ count: 1 }), update), step("b", object), step("b", object, { force: true })),
  ),
  // Duplicates in live lists.
  things(
    step(
      "a",
      thing({ names: ["a", "a", "b"], ports: [{ port: 1, name: "x" }, { port: 1, name: "y" }, { port: 2 }] }),
      update,
    ),
    step("b", thing({ names: ["a", "c"], ports: [{ port: 1, name: "z" }] }), { force: true }),
    step(
      "c",
      thing({ names: ["a", "a", "b"], ports: [{ port: 1, name: "x" }, { port: 1, name: "y" }, { port: 2 }] }),
      update,
    ),
    step("d", thing({ names: ["b"], ports: [{ port: 2 }] }), update),
  ),
  // The order of lists.
  ...(
    [
      [
        ["a", "b", "c"],
        ["c", "a"],
      ],
      [
        ["a", "b", "c"],
        ["d", "b", "e", "a"],
      ],
      [
        ["a", "b", "c", "d"],
        ["d", "x", "b", "y"],
      ],
      [
        ["x", "a", "y", "b"],
        ["b", "a"],
      ],
    ] as const
  ).map(([before, after]) =>
    things(
      step("a", thing({ names: [...before] }), update),
      step("b", thing({ names: [...after] })),
      step("b", thing({ names: [after[0]] })),
    ),
  ),
  // Null and empty.
  things(
    step("a", thing({ labels: {}, names: [], maybe: null, pair: {} })),
    step("b", thing({ labels: { a: "1" }, names: ["a"], pair: { a: "1" } })),
    step("a", thing({})),
    step("b", thing({ labels: {}, names: [] })),
    step("b", thing({})),
  ),
  // Another version of one's own set.
  things(
    step("a", thing({ count: 1, labels: { a: "1", b: "1" }, changed: { a: "1" }, list: ["a"] })),
    step("a", thing({ labels: { a: "1" }, changed: { b: "1" }, list: ["b"] }, {}, "v2")),
    step("b", thing({ changed: { a: "2" } }), { force: true }),
    step("a", thing({ labels: { a: "1" } }, {}, "v1")),
  ),
  // Subresources: nobody owns what they reset.
  things(
    step("a", { ...thing({ count: 1 }), status: { count: 1 } }),
    step("a", { ...thing({ count: 2 }), status: { count: 2 } }, { subresource: "status" }),
    step("b", { ...thing({ count: 3 }), status: { count: 3 } }, { subresource: "status" }),
    step("b", { ...thing({ count: 3 }), status: { count: 3 } }, { ...update, subresource: "status" }),
  ),
];
