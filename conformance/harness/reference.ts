import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Access, openApi } from "./api.ts";
import { type Child, freePort, startChild, until } from "./child.ts";
import { startEtcd } from "./etcd.ts";
import { part } from "./parts.ts";

const token = "reference-admin";

/** One kube-apiserver; several share one etcd under prefixes of their own, and stand in for workspaces. */
export type ReferenceServer = {
  readonly url: string;
  readonly access: Access;
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
};

/** Starts etcd in `folder`; the answer starts a kube-apiserver on it, one for each call. */
export async function startReference(folder: string): Promise<{
  add(name: string): Promise<ReferenceServer>;
  stop(): Promise<void>;
}> {
  const etcd = await startEtcd(folder);
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  writeFileSync(join(folder, "sa.pub"), keys.publicKey);
  writeFileSync(join(folder, "sa.key"), keys.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const servers: ReferenceServer[] = [];
  return {
    async add(name) {
      const certs = join(folder, name);
      mkdirSync(certs, { recursive: true });
      const port = await freePort();
      const url = `https://127.0.0.1:${port}`;
      const start = async (): Promise<Child> => {
        const child = startChild([
          part("kube-apiserver"),
          ...["--etcd-servers", etcd.url, "--etcd-prefix", `/${name}`],
          ...["--secure-port", String(port), "--bind-address", "127.0.0.1", "--cert-dir", certs],
          ...["--service-account-issuer", "https://kubernetes.default.svc"],
          ...["--service-account-key-file", join(folder, "sa.pub")],
          ...["--service-account-signing-key-file", join(folder, "sa.key")],
          ...["--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "RBAC"],
          ...["--token-auth-file", join(folder, "tokens.csv"), "--watch-cache-sizes", "configmaps#1000"],
          ...["--shutdown-send-retry-after=false", "--v", "0"],
        ]);
        const probe = async (): Promise<boolean> => {
          if (child.exited()) throw new Error(child.output());
          const api = openApi(url, { ca: readFileSync(join(certs, "apiserver.crt"), "utf8"), token });
          try {
            return (await api.send("GET", "/readyz")).status === 200;
          } finally {
            api.close();
          }
        };
        await until("kube-apiserver is ready", probe, 200);
        return child;
      };
      let child = await start();
      const server: ReferenceServer = {
        url,
        access: { ca: readFileSync(join(certs, "apiserver.crt"), "utf8"), token },
        async restart(signal) {
          await child.end(signal);
          child = await start();
        },
        async stop() {
          await child.end("SIGKILL");
        },
      };
      servers.push(server);
      return server;
    },
    async stop() {
      for (const server of servers) await server.stop();
      await etcd.child.end();
    },
  };
}
