import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDurationMs } from "./duration.ts";
import { type FlagValues, OptionError, parseStartOptions } from "./options.ts";

const parse = (values: FlagValues = {}) => parseStartOptions(values, "/srv");

test("the defaults: loopback, 6443, embedded, below .myriad", () => {
  assert.deepEqual(parse(), {
    rootDirectory: "/srv/.myriad",
    store: { engine: "embedded" },
    historyRetentionMs: 300_000,
    bindAddress: "127.0.0.1",
    securePort: 6_443,
    kubeconfigPath: "/srv/.myriad/admin.kubeconfig",
    admissionPlugins: [],
    serviceRanges: { addresses: ["10.96.0.0/12"], nodePorts: { first: 30_000, last: 32_767 } },
    verbosity: 0,
  });
});

test("paths are relative to the working directory, the kubeconfig's default to the root directory", () => {
  const options = parse({
    rootDirectory: "data",
    tokenAuthFile: "../tokens.csv",
    tlsCertFile: "c",
    tlsPrivateKeyFile: "/k",
  });
  assert.equal(options.rootDirectory, "/srv/data");
  assert.equal(options.kubeconfigPath, "/srv/data/admin.kubeconfig");
  assert.equal(options.tokenAuthFile, "/tokens.csv");
  assert.deepEqual(options.tls, { certFile: "/srv/c", keyFile: "/k" });
});

test("etcd servers come repeated or between commas; 'embedded' is none", () => {
  assert.deepEqual(parse({ etcdServers: ["embedded"], store: "memory" }).store, { engine: "memory" });
  assert.deepEqual(
    parse({ etcdServers: ["http://a:2379, http://b:2379/", "https://c:1"], etcdPrefix: "/x/" }).store,
    {
      engine: "etcd",
      servers: ["http://a:2379", "http://b:2379", "https://c:1"],
      prefix: "/x",
    },
  );
});

test("the external address is the base address unless given; neither ends in a slash", () => {
  const options = parse({ shardBaseUrl: "https://inside:6443/" });
  assert.equal(options.shardBaseUrl, "https://inside:6443");
  assert.equal(options.shardExternalUrl, "https://inside:6443");
  assert.equal(parse({ shardExternalUrl: "https://out/x/" }).shardExternalUrl, "https://out/x");
});

test("webhooks go where the operator says; plugins that are on anyway may be named", () => {
  const options = parse({
    webhookEgress: "loopback,10.0.0.0/8",
    enableAdmissionPlugins: ["LimitRanger,OwnerReferencesPermissionEnforcement"],
  });
  assert.equal(options.webhookEgress?.text, "loopback,10.0.0.0/8");
  assert.deepEqual(options.admissionPlugins, ["OwnerReferencesPermissionEnforcement"]);
});

const refused: readonly (readonly [FlagValues, RegExp])[] = [
  [{ bindAddress: "localhost" }, /--bind-address "localhost" is not an IP address/],
  [{ securePort: "70000" }, /--secure-port "70000" is not a whole number from 0 to 65535/],
  [{ webhookEgress: "somewhere" }, /--webhook-egress "somewhere" is not none, loopback, public, all or/],
  [{ enableAdmissionPlugins: ["PodSecurity"] }, /plugin "PodSecurity" is unknown/],
  [{ securePort: "6e3" }, /--secure-port/],
  [{ v: "-1" }, /-v "-1"/],
  [{ store: "etcd" }, /--store "etcd" is not embedded or memory/],
  [{ store: "memory", etcdServers: ["http://a:1"] }, /exclude each other/],
  [{ etcdServers: ["a:2379"] }, /--etcd-servers: "a:2379"/],
  [{ etcdServers: ["http://a:1/path"] }, /--etcd-servers/],
  [{ etcdServers: ["http://a:1"], etcdPrefix: "x" }, /--etcd-prefix "x"/],
  [{ etcdServers: ["http://a:1"], etcdKeyfile: "k" }, /--etcd-keyfile needs --etcd-certfile/],
  [{ etcdCafile: "ca" }, /need --etcd-servers/],
  [{ tlsCertFile: "c" }, /--tls-cert-file needs --tls-private-key-file/],
  [{ historyRetention: "5" }, /--history-retention "5" is not a duration/],
  [{ historyRetention: "1s" }, /shorter than 10s/],
  [{ shardBaseUrl: "http://x" }, /--shard-base-url "http:\/\/x" is not an https/],
  [{ shardExternalUrl: "https://u@x" }, /--shard-external-url/],
];
for (const [values, message] of refused) {
  test(`refuses ${JSON.stringify(values)}`, () => {
    assert.throws(
      () => parse(values),
      (error: Error) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test("durations are Go's", () => {
  assert.equal(parseDurationMs("1h30m"), 5_400_000);
  assert.equal(parseDurationMs("1.5s"), 1_500);
  assert.equal(parseDurationMs("250ms"), 250);
  assert.equal(parseDurationMs("0"), 0);
  for (const bad of ["", "5", "m", "-5m", "5 m", "1d"]) assert.equal(parseDurationMs(bad), undefined, bad);
});

test("the audit log: upstream's defaults, and its words for what cannot be", () => {
  assert.equal(parse().audit, undefined);
  assert.deepEqual(parse({ auditPolicyFile: "policy.yaml", auditLogPath: "audit.log" }).audit, {
    policyFile: "/srv/policy.yaml",
    log: {
      path: "/srv/audit.log",
      maxBytes: 104_857_600,
      maxBackups: 100,
      maxAgeDays: 366,
      compress: false,
      format: "json",
      mode: "blocking",
      bufferSize: 10_000,
      maxEventBytes: undefined,
    },
  });
  const log = (more: FlagValues) => parse({ auditLogPath: "-", ...more }).audit?.log;
  assert.equal(log({})?.path, "-");
  assert.equal(log({ auditLogMaxsize: "0", auditLogCompress: "true" })?.compress, true);
  assert.equal(log({ auditLogTruncateEnabled: "true" })?.maxEventBytes, 102_400);
  const refused: readonly (readonly [FlagValues, string])[] = [
    [{ auditLogMode: "x" }, 'invalid audit log mode x, allowed modes are "batch,blocking,blocking-strict"'],
    [{ auditLogFormat: "x" }, 'invalid audit log format x, allowed formats are "legacy,json"'],
    [{ auditLogVersion: "v1" }, 'invalid group version, allowed versions are ["audit.k8s.io/v1"]'],
    [{ auditLogMaxage: "-1" }, "--audit-log-maxage -1 can't be a negative number"],
    [{ auditLogMaxbackup: "x" }, '--audit-log-maxbackup "x" is not a whole number'],
    [
      { auditLogMode: "batch", auditLogBatchBufferSize: "0" },
      "invalid audit batch log buffer size 0, must be a positive number",
    ],
  ];
  for (const [values, message] of refused) assert.throws(() => log(values), { name: "OptionError", message });
});

test("ranges of Services: one or two of different families, as large as kube-apiserver's; ports", () => {
  const ranges = (addresses: string | undefined, ports?: string) =>
    parse({ serviceClusterIpRange: addresses, serviceNodePortRange: ports }).serviceRanges;
  assert.deepEqual(ranges("10.0.0.0/24, fd00::/112", "30000-30010"), {
    addresses: ["10.0.0.0/24", "fd00::/112"],
    nodePorts: { first: 30_000, last: 30_010 },
  });
  assert.deepEqual(ranges(undefined, "80").nodePorts, { first: 80, last: 80 });
  for (const wrong of [
    "x",
    "10.0.0.1/24",
    "10.0.0.0/30",
    "10.0.0.0/24,10.1.0.0/24",
    "fd00::/48",
    "10.0.0.0/24,fd00::/112,x",
  ])
    assert.throws(() => ranges(wrong), OptionError, wrong);
  for (const wrong of ["x", "0-80", "80-1", "1-70000"])
    assert.throws(() => ranges(undefined, wrong), OptionError, wrong);
});
