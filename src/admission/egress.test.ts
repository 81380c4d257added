import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultEgressPolicy, parseEgressPolicy } from "./egress.ts";

const allowed = (policy: string, ...addresses: string[]): string[] =>
  addresses.filter((address) => parseEgressPolicy(policy)!.allows(address));

const loopback = ["127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"];
const inside = [
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "fd12::1",
  "fc00::1",
  "::ffff:10.0.0.1",
];
const outside = ["1.1.1.1", "172.32.0.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"];
const never = [
  "169.254.169.254",
  "169.254.0.1",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fd00:ec2::254",
  "FD00:0EC2::254",
  "fd20:ce::254",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "64:ff9b::169.254.169.254",
  "2002:a9fe:a9fe::1",
  "::169.254.169.254",
  "::ffff:0:169.254.169.254",
  "2001:0:1:2:3:4:5:6",
  "0.0.0.0",
  "0.1.2.3",
  "::",
  "255.255.255.255",
  "224.0.0.1",
  "ff02::1",
  "localhost",
  "",
  "127.0.0.1.evil.example",
  "1.2.3",
];

test("classes of addresses", () => {
  assert.deepEqual(allowed("none", ...loopback, ...inside, ...outside, ...never), []);
  assert.deepEqual(allowed("loopback", ...loopback, ...inside, ...outside, ...never), loopback);
  assert.deepEqual(allowed("public", ...loopback, ...inside, ...outside, ...never), outside);
  const all = [...loopback, ...inside, ...outside];
  assert.deepEqual(allowed("all", ...all, ...never), all);
});

test("an IPv4 address behind an IPv6 one counts as that address", () => {
  assert.deepEqual(allowed("public", "64:ff9b::10.0.0.1", "2002:0a00:0001::1", "64:ff9b::127.0.0.1"), []);
  assert.deepEqual(allowed("10.0.0.0/8", "64:ff9b::10.0.0.1", "2002:0a00:0001::1"), [
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::1",
  ]);
});

test("ranges and several parts", () => {
  const policy = "10.1.0.0/16, fd12:3456::/32,192.0.2.7,loopback";
  assert.deepEqual(
    allowed(
      policy,
      "10.1.255.255",
      "10.2.0.0",
      "fd12:3456::1",
      "fd12:3457::1",
      "192.0.2.7",
      "192.0.2.8",
      "::1",
    ),
    ["10.1.255.255", "fd12:3456::1", "192.0.2.7", "::1"],
  );
  assert.deepEqual(allowed("0.0.0.0/0,::/0", "169.254.169.254", "9.9.9.9", "fe80::1"), ["9.9.9.9"]);
  assert.deepEqual(allowed("10.0.0.0/9", "10.127.0.1", "10.128.0.1"), ["10.127.0.1"]);
});

test("what is no policy", () => {
  for (const text of [
    "",
    "everything",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "all,",
    "fe80::1%eth0/64",
    "__proto__",
  ])
    assert.equal(parseEgressPolicy(text), undefined, text);
});

test("without a choice loopback may be reached while only loopback reaches the server", () => {
  for (const bound of ["127.0.0.1", "::1", "127.0.0.9"])
    assert.equal(defaultEgressPolicy(bound).text, "loopback");
  for (const bound of ["0.0.0.0", "::", "10.0.0.1", "nonsense"])
    assert.equal(defaultEgressPolicy(bound).text, "none");
});
