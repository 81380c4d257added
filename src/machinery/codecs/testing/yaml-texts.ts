/** YAML that somebody thought of: for our own tests, and to ask upstream. */

/** What sigs.k8s.io/yaml YAMLToJSON answers for the text. */
// biome-ignore format: a table
export const yamlCases: readonly (readonly [yaml: string, json: string])[] = [
  ["a: yes\nb: on\nc: n\nd: y\ne: Off", '{"a":true,"b":true,"c":false,"d":true,"e":false}'],
  ["a: 0777\nb: 0o17\nc: 0x1F\nd: 0b11\ne: 1_000\nf: +5\ng: -0x10", '{"a":511,"b":15,"c":31,"d":3,"e":1000,"f":5,"g":-16}'],
  ["a: 1.0\nb: 1e3\nc: .5\nd: 1.\ne: -.5e-3", '{"a":1,"b":1000,"c":0.5,"d":1,"e":-0.0005}'],
  ["a: 2020-01-01\nb: 2020-01-01T00:00:00Z\nc: 12:30:45", '{"a":"2020-01-01","b":"2020-01-01T00:00:00Z","c":"12:30:45"}'],
  ["x: &a {k: v}\nw: *a\nz:\n  <<: *a\n  q: 1", '{"x":{"k":"v"},"w":{"k":"v"},"z":{"k":"v","q":1}}'],
  ["true: b\n1.5: c", '{"true":"b","1.5":"c"}'],
  ["a: ~\nb: null\nc:\nd: ''", '{"a":null,"b":null,"c":null,"d":""}'],
  ["a: b\n---\nc: d", '{"a":"b"}'],
  ["", "null"],
  ["a: 9223372036854775807\nb: 18446744073709551615", '{"a":9223372036854775807,"b":18446744073709551615}'],
  ["a: 100m\nb: 1Gi\nc: 'yes'", '{"a":"100m","b":"1Gi","c":"yes"}'],
  ["a: !!str 5\nb: !!int '5'", '{"a":"5","b":5}'],
  ["a: 3\n<<: {a: 1, b: 2}", '{"a":1,"b":2}'],
  ["<<: [{a: 1},{a: 2, c: 3}]", '{"a":1,"c":3}'],
  ["a: !!float 0x10\nb: !foo 5\nc: ! yes\nd: !!binary YQ==", '{"a":16,"b":"5","c":"yes","d":"a"}'],
  ["1e40: a\n-1e40: b", '{".inf":"a","-.inf":"b"}'],
  ["1e6: a\n1e-7: b\n0x10: c\n.inf: d", '{"16":"c","1e+06":"a","1e-07":"b",".inf":"d"}'],
  ["\ufeff- a\r\n- |\r\n  b", '["a","b"]'],
];

function bomb(): string {
  let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (let i = 1; i < 9; i++)
    text += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(",")}]\n`;
  return text;
}

/** Texts that are refused: broken, bombs of aliases, cycles, endless nesting. */
export const brokenYaml: readonly string[] = [
  "a: [1, 2",
  "a: *b",
  "a: &x [*x]",
  "null: a",
  bomb(),
  "a: .inf",
  "a: !!int x",
  "a: !!binary YQ",
  'a: "\\/"',
  'a: "\\ud83d"',
  "a: b\u0000",
  "%YAML 1.2\n---\na: 1",
  "%FOO\n---\na: 1",
  "9223372036854775808: a",
  "[".repeat(3_000) + "]".repeat(3_000),
];
