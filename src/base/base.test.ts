import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BoundedQueue } from "./bounded-queue.ts";
import { ByteLru } from "./byte-lru.ts";
import { byteLength, compareBytes, sortByBytes, truncateBytes } from "./bytes.ts";
import { isPrintable, quote } from "./quote.ts";
import { trimSpace } from "./spaces.ts";

test("quote prints what Go's %q prints", () => {
  assert.equal(quote("abc"), '"abc"');
  assert.equal(quote('a"b\\c'), '"a\\"b\\\\c"');
  assert.equal(quote("\n\t\u0000\u007f"), '"\\n\\t\\x00\\x7f"');
  assert.equal(quote("ñ日🙂"), '"ñ日🙂"');
  assert.equal(quote("\u00a0\u200b"), '"\\u00a0\\u200b"');
  assert.equal(quote("\ud800x"), '"\ufffdx"');
  assert.equal(quote("\u{e0001}"), '"\\U000e0001"');
  assert.equal(isPrintable("\u2028"), false);
});

test("trimSpace takes away what Go calls white space", () => {
  assert.equal(trimSpace("\u0085\u2003 a\u00a0b \t\n\v\f\r\u3000"), "a\u00a0b");
  assert.equal(trimSpace("\ufeffa\u200b"), "\ufeffa\u200b");
  assert.equal(trimSpace(" \u2028\u2029"), "");
});

test("compareBytes orders as UTF-8 bytes do", () => {
  assert.ok(compareBytes("\uffee", "🙂") < 0);
  assert.ok("\uffee" > "🙂", "the default order differs, which is why compareBytes exists");
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom("a", "\uffee", "🙂", "\ue000", "é"),
      fc.string({ unit: "binary", maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.equal(Math.sign(compareBytes(a, b)), expected);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(text, fc.string())), (texts) => {
      assert.deepEqual(sortByBytes([...texts]), [...texts].sort(compareBytes));
    }),
  );
});

test("lengths count bytes, and cutting keeps code points whole", () => {
  assert.equal(byteLength("aé🙂"), 7);
  assert.equal(truncateBytes("aé🙂", 6), "aé");
  assert.equal(truncateBytes("aé🙂", 7), "aé🙂");
  assert.equal(truncateBytes("é", 1), "");
});

test("a bounded queue keeps order and refuses beyond its capacity", () => {
  const queue = new BoundedQueue<number>(2);
  assert.equal(queue.push(1), true);
  assert.equal(queue.push(2), true);
  assert.equal(queue.push(3), false);
  assert.equal(queue.shift(), 1);
  assert.equal(queue.push(4), true);
  assert.equal(queue.peek(), 2);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [2, 4, undefined]);
  assert.equal(queue.size, 0);
  for (let i = 0; i < 1000; i++) {
    assert.equal(queue.push(i), true);
    assert.equal(queue.shift(), i);
  }
  assert.throws(() => new BoundedQueue(0), RangeError);
});

test("a byte LRU is bounded by the sum of its entries", () => {
  const lru = new ByteLru<string>(10, 6);
  lru.set("a", Buffer.alloc(4));
  lru.set("b", Buffer.alloc(4));
  assert.ok(lru.get("a") !== undefined);
  lru.set("c", Buffer.alloc(6));
  assert.deepEqual([lru.get("a")?.length, lru.get("b"), lru.get("c")?.length], [4, undefined, 6]);
  lru.set("d", Buffer.alloc(7));
  assert.equal(lru.get("d"), undefined);
  lru.set("a", Buffer.alloc(1));
  assert.equal(lru.bytes, 7);
});
