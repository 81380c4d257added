/**
 * The flags of `myriad start`, as data: names and defaults are kcp's and kube-apiserver's where these have the flag
 * (docs/reference/flags.md is checked against this list).
 */
export interface Flag {
  /** As commander writes it: `--secure-port <port>`. */
  readonly flags: string;
  readonly help: string;
  /** What holds when the flag is not given; shown by `--help`. */
  readonly default?: string;
  /** The value of a flag that is given without one; such flags are written `--flag [value]`. */
  readonly preset?: string;
  /** May be given several times, and each time with several values between commas. */
  readonly list?: true;
}

export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

export const startFlags: readonly FlagGroup[] = [
  {
    title: "Data",
    flags: [
      {
        flags: "--root-directory <dir>",
        default: ".myriad",
        help: "where data, certificates and admin.kubeconfig are kept",
      },
      {
        flags: "--store <engine>",
        default: "embedded",
        help: "engine for a server of its own: embedded (durable, under the root directory) or memory (lost at exit)",
      },
      {
        flags: "--history-retention <duration>",
        default: "5m",
        help: "how long older revisions stay readable and watchable",
      },
    ],
  },
  {
    title: "etcd",
    flags: [
      {
        flags: "--etcd-servers <urls>",
        default: "embedded",
        list: true,
        help: "etcd endpoints, scheme://ip:port between commas; 'embedded' uses no etcd",
      },
      {
        flags: "--etcd-cafile <file>",
        help: "CA certificates that etcd's server certificates are checked against",
      },
      { flags: "--etcd-certfile <file>", help: "client certificate for etcd" },
      { flags: "--etcd-keyfile <file>", help: "key of the client certificate for etcd" },
      { flags: "--etcd-prefix <prefix>", default: "/registry", help: "prefix of all keys in etcd" },
    ],
  },
  {
    title: "Serving",
    flags: [
      {
        flags: "--bind-address <ip>",
        default: "127.0.0.1",
        help: "IP address to listen on; 0.0.0.0 or :: for all",
      },
      { flags: "--secure-port <port>", default: "6443", help: "port to serve HTTPS on; 0 takes a free one" },
      {
        flags: "--kubeconfig-path <file>",
        default: "<root directory>/admin.kubeconfig",
        help: "where the administrator's kubeconfig is written",
      },
      {
        flags: "--tls-cert-file <file>",
        help: "serving certificate, with its intermediates; without it one is made under the server's own CA",
      },
      { flags: "--tls-private-key-file <file>", help: "key of --tls-cert-file" },
      {
        flags: "--shard-base-url <url>",
        help: "address that clients inside reach this server at; default: the serving address",
      },
      {
        flags: "--shard-external-url <url>",
        help: "address that users reach this server at, seen in spec.URL of workspaces; default: --shard-base-url",
      },
    ],
  },
  {
    title: "Authentication",
    flags: [
      {
        flags: "--client-ca-file <file>",
        help: "CA certificates whose client certificates are accepted besides the server's own",
      },
      {
        flags: "--token-auth-file <file>",
        help: 'CSV file of static tokens: token,user,uid,"group1,group2"',
      },
    ],
  },
  {
    title: "Admission",
    flags: [
      {
        flags: "--webhook-egress <where>",
        default: "loopback if --bind-address is loopback, else none",
        help: "where webhooks of workspaces may be: none, loopback, public, all, address ranges, between commas",
      },
      {
        flags: "--enable-admission-plugins <names>",
        list: true,
        help: "admission plugins that are off by default: OwnerReferencesPermissionEnforcement",
      },
    ],
  },
  {
    title: "Services",
    flags: [
      {
        flags: "--service-cluster-ip-range <ranges>",
        default: "10.96.0.0/12",
        help: "range that addresses of Services are given out of, in each workspace of type kubernetes; two of different families, between commas, for both",
      },
      {
        flags: "--service-node-port-range <range>",
        default: "30000-32767",
        help: "ports that Services get on nodes, both ends included",
      },
    ],
  },
  {
    title: "Audit",
    flags: [
      {
        flags: "--audit-policy-file <file>",
        help: "audit policy: which requests are remembered, and how much of each",
      },
      {
        flags: "--audit-log-path <file>",
        help: "file that audit events are written to; - for standard output",
      },
      {
        flags: "--audit-log-format <format>",
        default: "json",
        help: "json: one event of audit.k8s.io/v1 a line; legacy: a line of text without objects",
      },
      {
        flags: "--audit-log-version <version>",
        default: "audit.k8s.io/v1",
        help: "API group and version of the events; there is one",
      },
      {
        flags: "--audit-log-mode <mode>",
        default: "blocking",
        help: "batch: nobody waits for the log, and what does not fit into its buffer is lost; blocking: requests and answers wait until their events are written; blocking-strict: and requests whose first event cannot be written are refused",
      },
      {
        flags: "--audit-log-batch-buffer-size <number>",
        default: "10000",
        help: "events that may wait to be written in mode batch",
      },
      {
        flags: "--audit-log-maxsize <megabytes>",
        default: "100",
        help: "size at which the file is rotated; 0: never",
      },
      { flags: "--audit-log-maxbackup <number>", default: "100", help: "old files that are kept; 0: all" },
      {
        flags: "--audit-log-maxage <days>",
        default: "366",
        help: "age at which old files are removed; 0: never",
      },
      {
        flags: "--audit-log-compress [bool]",
        default: "false",
        preset: "true",
        help: "compress old files with gzip",
      },
      {
        flags: "--audit-log-truncate-enabled [bool]",
        default: "false",
        preset: "true",
        help: "leave the objects out of events that are too large",
      },
      {
        flags: "--audit-log-truncate-max-event-size <bytes>",
        default: "102400",
        help: "what is too large for --audit-log-truncate-enabled",
      },
    ],
  },
  {
    title: "Logging",
    flags: [
      {
        flags: "-v, --v <level>",
        default: "0",
        help: "log level: 0 is for operators, 2 adds steady state, 4 is for debugging, 6 every request",
      },
    ],
  },
];
