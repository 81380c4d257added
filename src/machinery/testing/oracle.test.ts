import assert from "node:assert/strict";
import { after, test } from "node:test";
import { rawNumber } from "#machinery/json/value.ts";
import { findOracle, OracleError, openOracle } from "./oracle.ts";

const oracle = openOracle();
if (oracle !== undefined) after(() => oracle.close());
const skip = oracle === undefined && "the oracle is not at hand";

test("the program is sought in the cache, then on the PATH", () => {
  assert.equal(findOracle({ MYRIAD_CI_CACHE: "/nowhere", PATH: "/nowhere/else:" }), undefined);
});

test("answers belong to their questions, however many are asked at once", { skip }, async () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `k${index}`);
  const answers = await Promise.all(
    names.map((name) => oracle!.ask("labels.parse", { text: `${name} in (b,a)` })),
  );
  assert.deepEqual(
    answers.map((answer) => (answer as { text: string }).text),
    names.map((name) => `${name} in (a,b)`),
  );
});

test("what is wrong is told, and the program goes on", { skip }, async () => {
  const failing = async (op: string, args: unknown): Promise<string> => {
    try {
      await oracle!.ask(op, args);
    } catch (error) {
      assert.ok(error instanceof OracleError);
      return error.message;
    }
    return "";
  };
  assert.equal(await failing("labels.parse", { text: "a b" }).then((text) => text.slice(0, 6)), "unable");
  assert.match(await failing("nothing", {}), /^oracle: unknown operation nothing$/);
  assert.match(await failing("labels.parse", { txet: "a" }), /^oracle: bad arguments: .*txet/);
  assert.match(
    await failing("labels.parse", { text: rawNumber("9007199254740993") }),
    /^oracle: bad arguments/,
  );
  assert.ok(await oracle!.ask("labels.parse", { text: "a" }));
});
