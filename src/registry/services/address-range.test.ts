import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AddressRange,
  addressRange,
  parseServiceAddress,
  rangeHolds,
  serviceAddressText,
} from "./address-range.ts";
import { pickFree } from "./pick.ts";

const parts = (text: string): string[] => {
  const { family, first, upper, last } = addressRange(text) as AddressRange;
  return [first, upper, last].map((bits) => serviceAddressText({ family, bits }));
};

test("ranges are cut as upstream cuts them", () => {
  assert.deepEqual(parts("10.96.0.0/12"), ["10.96.0.1", "10.96.1.1", "10.111.255.254"]);
  assert.deepEqual(parts("10.0.0.0/24"), ["10.0.0.1", "10.0.0.17", "10.0.0.254"]);
  assert.deepEqual(parts("10.0.0.0/28"), ["10.0.0.1", "10.0.0.1", "10.0.0.14"]);
  assert.deepEqual(parts("10.0.0.0/22"), ["10.0.0.1", "10.0.0.65", "10.0.3.254"]);
  assert.deepEqual(parts("fd00::/112"), ["fd00::1", "fd00::101", "fd00::ffff"]);
  assert.equal(addressRange("10.0.0.0"), undefined);
});

test("an address and its text are one; a range holds neither its network nor its broadcast", () => {
  for (const text of ["10.0.0.1", "255.255.255.255", "fd00::1", "::", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1"])
    assert.equal(serviceAddressText(parseServiceAddress(text)), text);
  assert.equal(serviceAddressText(parseServiceAddress("FD00:0:0::0a")), "fd00::a");
  const range = addressRange("10.0.0.0/24")!;
  const holds = (text: string): boolean => rangeHolds(range, parseServiceAddress(text));
  assert.deepEqual(["10.0.0.0", "10.0.0.1", "10.0.0.254", "10.0.0.255", "10.0.1.1", "::a00:1"].map(holds), [
    false,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("what is picked is free, and from the first part while that has some", () => {
  const random = (seed: bigint) => (): Uint8Array => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(seed);
    return bytes;
  };
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uniqueArray(fc.bigInt({ min: 1n, max: 20n })),
      (seed, all) => {
        const taken = new Set(all);
        const upper = { first: 11n, last: 20n };
        const lower = { first: 1n, last: 10n };
        const found = pickFree([upper, lower], (one) => taken.has(one), random(seed));
        if (found === undefined) return taken.size === 20;
        const free = (from: bigint): boolean => [...taken].filter((one) => one >= from).length < 10;
        return !taken.has(found) && found >= 1n && found <= 20n && (found > 10n || !free(11n));
      },
    ),
  );
});
