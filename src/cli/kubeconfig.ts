/** The administrator's kubeconfig, with kcp's contexts (kcp's `pkg/server/options`, spec section 1.24). */

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts: what clients trust, and client certificates of group system:masters. */
export interface AdminCredentials {
  readonly ca: string;
  /** User `kcp-admin`. */
  readonly admin: ClientCertificate;
  /** User `shard-admin`. */
  readonly shardAdmin: ClientCertificate;
}

export interface Kubeconfig {
  readonly apiVersion: "v1";
  readonly kind: "Config";
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly users: readonly {
    readonly name: string;
    readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string };
  }[];
  readonly "current-context": string;
  readonly preferences: Readonly<Record<string, never>>;
}

/** Context, user, and the path behind the server's address. */
const contexts = [
  ["root", "kcp-admin", "/clusters/root"],
  ["base", "kcp-admin", ""],
  ["system:admin", "shard-admin", "/clusters/system:admin"],
  ["shard-base", "shard-admin", ""],
] as const;

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

const userEntry = (name: string, { cert, key }: ClientCertificate) => ({
  name,
  user: { "client-certificate-data": base64(cert), "client-key-data": base64(key) },
});

/** `url` is the server's base address. Certificates are embedded, so the file can be carried elsewhere. */
export function adminKubeconfig(url: string, credentials: AdminCredentials): Kubeconfig {
  const certificateAuthority = base64(credentials.ca);
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: contexts.map(([name, , path]) => ({
      name,
      cluster: { server: `${url}${path}`, "certificate-authority-data": certificateAuthority },
    })),
    contexts: contexts.map(([name, userName]) => ({ name, context: { cluster: name, user: userName } })),
    users: [userEntry("kcp-admin", credentials.admin), userEntry("shard-admin", credentials.shardAdmin)],
    "current-context": "root",
    preferences: {},
  };
}

/** A kubeconfig that points at one workspace only. `cluster` is a path or a logical cluster's name. */
export function workspaceKubeconfig(url: string, credentials: AdminCredentials, cluster: string): Kubeconfig {
  const admin = adminKubeconfig(url, credentials);
  const name = cluster;
  return {
    ...admin,
    clusters: [{ name, cluster: { ...admin.clusters[0]!.cluster, server: `${url}/clusters/${cluster}` } }],
    contexts: [{ name, context: { cluster: name, user: "kcp-admin" } }],
    users: admin.users.slice(0, 1),
    "current-context": name,
  };
}

/** YAML in kubectl's layout. Written by hand: the shape is known, and loading a YAML library would delay the start. */
export function kubeconfigYaml(config: Kubeconfig): string {
  const lines = ["apiVersion: v1", "clusters:"];
  for (const { name, cluster } of config.clusters) {
    lines.push("- cluster:", `    certificate-authority-data: ${cluster["certificate-authority-data"]}`);
    lines.push(`    server: ${JSON.stringify(cluster.server)}`, `  name: ${JSON.stringify(name)}`);
  }
  lines.push("contexts:");
  for (const { name, context } of config.contexts) {
    lines.push("- context:", `    cluster: ${JSON.stringify(context.cluster)}`, `    user: ${context.user}`);
    lines.push(`  name: ${JSON.stringify(name)}`);
  }
  lines.push(
    `current-context: ${JSON.stringify(config["current-context"])}`,
    "kind: Config",
    "preferences: {}",
    "users:",
  );
  for (const { name, user } of config.users) {
    lines.push(
      `- name: ${name}`,
      "  user:",
      `    client-certificate-data: ${user["client-certificate-data"]}`,
    );
    lines.push(`    client-key-data: ${user["client-key-data"]}`);
  }
  return `${lines.join("\n")}\n`;
}
