import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalDuration, durationText, humanDuration, parseDuration } from "./duration.ts";
import { isIntOrString } from "./int-or-string.ts";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  negateQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  quantityText,
} from "./quantity.ts";
import {
  canonicalMicroTime,
  canonicalTime,
  microTimeText,
  parseMicroTime,
  parseTime,
  timeText,
} from "./time.ts";

const quantity = (text: string): Quantity => {
  const value = parseQuantity(text);
  assert.ok(!(value instanceof Error), `${text}: ${value instanceof Error ? value.message : ""}`);
  return value;
};
const message = (value: unknown): string =>
  value instanceof Error ? value.message : `no error: ${String(value)}`;

test("quantities print as upstream prints them", () => {
  const rows: [string, string][] = [
    ["0", "0"],
    ["-0", "0"],
    ["0Gi", "0"],
    ["1", "1"],
    ["+1", "+1"],
    ["010", "010"],
    ["100m", "100m"],
    ["1000m", "1"],
    ["1000", "1k"],
    ["1.5", "1500m"],
    ["1.5Gi", "1536Mi"],
    ["0.5", "500m"],
    ["1.234", "1.234"],
    ["1024", "1024"],
    ["1024Gi", "1Ti"],
    ["1000Gi", "1000Gi"],
    ["1e3", "1e3"],
    ["1E3", "1E3"],
    ["1000e3", "1e6"],
    ["1e1", "10"],
    ["100e1", "1e3"],
    ["1.5e21", "1500e18"],
    ["1024e-12", "2e-9"],
    ["0.0000000001", "1n"],
    ["1.5n", "2n"],
    ["100Ei", "9223372036854775807"],
    ["-1.5Ki", "-1536"],
    ["0.5Ki", "512"],
    ["0.1Ki", "102400m"],
    ["1.5E", "1500P"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["  1  ", "1"],
    [".5", "500m"],
    ["1.", "1."],
  ];
  for (const [text, expected] of rows) assert.equal(canonicalQuantity(text), expected, text);
  assert.equal(canonicalQuantity("1000E"), "1000E", "what has no suffix of its own loses nothing");
});

test("what is no quantity says so in upstream's words", () => {
  for (const text of ["", "abc", "1.2.3", "1.1.M", "0x1"])
    assert.match(message(canonicalQuantity(text)), /^quantities must match the regular/, text);
  for (const text of ["1K", "1ki", "1i", "1e", "1e+", "--1", "1e9999999"])
    assert.equal(message(canonicalQuantity(text)), "unable to parse quantity's suffix", text);
  assert.equal(message(canonicalQuantity("9".repeat(100_000))), "unable to parse numeric part of quantity");
});

test("quantities compare and add by value", () => {
  for (const [a, b] of [
    ["1", "1000m"],
    ["1k", "1e3"],
    ["1Ki", "1024"],
    ["1.5Gi", "1536Mi"],
    ["0", "-0"],
    ["1E", "1e18"],
  ] as const) {
    assert.equal(compareQuantities(quantity(a), quantity(b)), 0, `${a} ${b}`);
  }
  assert.ok(compareQuantities(quantity("9223372036854775807"), quantity("9223372036854775806")) > 0);
  assert.ok(compareQuantities(quantity("-1Ki"), quantity("100n")) < 0);
  assert.equal(quantityText(addQuantities(quantity("500m"), quantity("1"))), "1500m");
  assert.equal(quantityText(addQuantities(quantity("1Gi"), quantity("1Gi"))), "2Gi");
  assert.equal(quantityText(addQuantities(quantity("0"), quantity("1Gi"))), "1Gi");
  assert.equal(quantityText(negateQuantity(quantity("1.5"))), "-1500m");
  assert.equal(quantityText(quantityOf(12n)), "12");
});

test("property: printing keeps the value and is stable", () => {
  const suffix = fc.constantFrom(
    "",
    "n",
    "u",
    "m",
    "k",
    "M",
    "G",
    "T",
    "P",
    "Ki",
    "Mi",
    "Gi",
    "Ti",
    "e3",
    "E-3",
    "e7",
  );
  const text = fc.tuple(
    fc.constantFrom("", "-", "+"),
    fc.nat(10 ** 9),
    fc.option(fc.nat(99_999), { nil: undefined }),
    suffix,
  );
  fc.assert(
    fc.property(text, ([sign, whole, fraction, unit]) => {
      const value = quantity(`${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${unit}`);
      const printed = quantity(quantityText(value));
      assert.equal(compareQuantities(value, printed), 0);
      assert.equal(quantityText(printed), quantityText(value));
      assert.equal(compareQuantities(addQuantities(value, negateQuantity(value)), quantityOf(0)), 0);
    }),
  );
});

test("times: any offset in, UTC with seconds out", () => {
  const rows: [string, string | null][] = [
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05,123456Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"],
    ["2026-01-02T03:04:05-11:59", "2026-01-02T15:03:05Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
    ["0001-01-01T00:00:00Z", null],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
    ["1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z"],
    ["2026-01-02T3:04:05Z", "2026-01-02T03:04:05Z"],
  ];
  for (const [text, expected] of rows) assert.equal(canonicalTime(text), expected, text);
});

test("times that are none are refused in Go's words", () => {
  const layout = '"2006-01-02T15:04:05Z07:00"';
  const rows: [string, string][] = [
    [
      "2026-1-2T03:04:05Z",
      `parsing time "2026-1-2T03:04:05Z" as ${layout}: cannot parse "1-2T03:04:05Z" as "01"`,
    ],
    [
      "2026-01-02 03:04:05Z",
      `parsing time "2026-01-02 03:04:05Z" as ${layout}: cannot parse " 03:04:05Z" as "T"`,
    ],
    ["2026-01-02T03:04:05", `parsing time "2026-01-02T03:04:05" as ${layout}: cannot parse "" as "Z07:00"`],
    ["", `parsing time "" as ${layout}: cannot parse "" as "2006"`],
    [
      "10000-01-01T00:00:00Z",
      `parsing time "10000-01-01T00:00:00Z" as ${layout}: cannot parse "0-01-01T00:00:00Z" as "-"`,
    ],
    ["2026-02-29T00:00:00Z", 'parsing time "2026-02-29T00:00:00Z": day out of range'],
    ["2026-13-02T00:00:00Z", 'parsing time "2026-13-02T00:00:00Z": month out of range'],
    ["2026-01-02T24:00:00Z", 'parsing time "2026-01-02T24:00:00Z": hour out of range'],
    ["2026-01-02T23:59:60Z", 'parsing time "2026-01-02T23:59:60Z": second out of range'],
    ["2026-01-02T03:04:05Zjunk", 'parsing time "2026-01-02T03:04:05Zjunk": extra text: "junk"'],
    ["9999-12-31T23:59:59-01:00", 'parsing time "9999-12-31T23:59:59-01:00": year outside of range [0,9999]'],
    [
      "2026-01-02T03:04:05+25:00",
      'parsing time "2026-01-02T03:04:05+25:00": time zone offset hour out of range',
    ],
  ];
  for (const [text, expected] of rows) assert.equal(message(canonicalTime(text)), expected, text);
});

test("micro times have exactly six digits", () => {
  assert.equal(canonicalMicroTime("2026-01-02T03:04:05.123456Z"), "2026-01-02T03:04:05.123456Z");
  assert.equal(canonicalMicroTime("2026-01-02T03:04:05.000001-11:59"), "2026-01-02T15:03:05.000001Z");
  assert.equal(canonicalMicroTime("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999Z");
  assert.equal(canonicalMicroTime("0001-01-01T00:00:00.000000Z"), null);
  for (const text of ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05.1234567Z"]) {
    assert.match(message(canonicalMicroTime(text)), /cannot parse/, text);
  }
});

test("property: what was printed reads back", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -62_000_000_000, max: 253_402_300_799 }),
      fc.nat(999_999),
      (seconds, micros) => {
        const instant = { ms: seconds * 1_000, micros };
        assert.deepEqual(parseMicroTime(microTimeText(instant)), instant);
        assert.deepEqual(parseTime(timeText(instant.ms)), { ms: instant.ms, micros: 0 });
      },
    ),
  );
});

test("Go durations", () => {
  const rows: [string, string][] = [
    ["0", "0s"],
    ["1.5h", "1h30m0s"],
    ["-1.5h", "-1h30m0s"],
    ["100ms", "100ms"],
    ["1us", "1µs"],
    [".5s", "500ms"],
    ["1ms1us", "1.001ms"],
    ["720h3m2.5s", "720h3m2.5s"],
    ["0.3333333333333333333h", "20m0s"],
    ["9223372036854775807ns", "2562047h47m16.854775807s"],
    ["1m1m", "2m0s"],
  ];
  for (const [text, expected] of rows) assert.equal(canonicalDuration(text), expected, text);
  assert.equal(parseDuration("1h30m"), 5_400_000_000_000n);
  const errors: [string, string][] = [
    ["", 'time: invalid duration ""'],
    ["1", 'time: missing unit in duration "1"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["--5m", 'time: invalid duration "--5m"'],
    [".s", 'time: invalid duration ".s"'],
    ["9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'],
  ];
  for (const [text, expected] of errors) assert.equal(message(canonicalDuration(text)), expected, text);
  assert.match(message(parseDuration(`${"9".repeat(100_000)}s`)), /^time: invalid duration/);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (value) => {
      // Beyond 2^53 ns the fraction of seconds, a double in Go too, still holds nine digits.
      assert.equal(parseDuration(durationText(value)), value);
    }),
  );
});

test("ages are rough in the way of kubectl", () => {
  const rows: [number, string][] = [
    [-5, "<invalid>"],
    [-1, "0s"],
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [125, "2m5s"],
    [599, "9m59s"],
    [600, "10m"],
    [10_799, "179m"],
    [10_800, "3h"],
    [14_460, "4h1m"],
    [28_800, "8h"],
    [172_799, "47h"],
    [172_800, "2d"],
    [176_400, "2d1h"],
    [691_200, "8d"],
    [63_072_000, "2y"],
    [63_331_200, "2y3d"],
    [252_288_000, "8y"],
  ];
  for (const [seconds, expected] of rows)
    assert.equal(humanDuration(seconds * 1_000), expected, String(seconds));
  assert.equal(humanDuration(-1_500), "0s");
});

test("int or string", () => {
  assert.deepEqual([1, "x", 2 ** 31, 1.5, null, {}].map(isIntOrString), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
