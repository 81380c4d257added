import assert from "node:assert/strict";
import { test } from "node:test";
import { publishedSpecifier, rewriteSpecifiers } from "./published-specifiers.ts";

test("specifiers of rooms become relative", () => {
  assert.equal(publishedSpecifier("index.ts", "#server/compose.ts"), "./server/compose.js");
  assert.equal(publishedSpecifier("server/http/listen.ts", "#base/clock.ts"), "../../base/clock.js");
  assert.equal(publishedSpecifier("server/a.ts", "#server/b/c.ts"), "./b/c.js");
  assert.equal(publishedSpecifier("api/x.ts", "./x.generated.json"), "./x.generated.json");
  assert.equal(publishedSpecifier("api/x.ts", "lmdb"), "lmdb");
});

test("imports, exports, import() and declarations are rewritten, other strings are not", () => {
  const before = [
    'import { a, type B } from "#base/a.ts";',
    'import {\n  c,\n} from "./c.ts";',
    'import "./effect.ts";',
    'export { d } from "../d.ts";',
    'const { e } = await import("#base/e.ts");',
    'const both = [import("./f.ts"), import("./g.ts")];',
    'export declare const h: import("./h.ts").H;',
    'const text = "./not-an-import.ts";',
  ].join("\n");
  const after = [
    'import { a, type B } from "../base/a.js";',
    'import {\n  c,\n} from "./c.js";',
    'import "./effect.js";',
    'export { d } from "../d.js";',
    'const { e } = await import("../base/e.js");',
    'const both = [import("./f.js"), import("./g.js")];',
    'export declare const h: import("./h.js").H;',
    'const text = "./not-an-import.ts";',
  ].join("\n");
  assert.equal(rewriteSpecifiers("cli/x.ts", before), after);
});
