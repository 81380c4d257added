// What every suite here starts from: a server under test, workspaces in it, and a kubeconfig for each.
//
// CONFORMANCE_TARGET      myriad (default) | kube-apiserver: the reference that the suites are proven against
// CONFORMANCE_KUBECONFIG  a server that already runs is used instead (its current context, one workspace)
// MYRIAD_CMD              the command that starts Myriad (default: this repository's)
// MYRIAD_STORE            embedded (default) | etcd: an etcd is started beside the server
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Api, openApi } from "./harness/api.ts";
import { type Context, readContext, writeKubeconfig } from "./harness/kubeconfig.ts";
import { type MyriadServer, startMyriad } from "./harness/myriad.ts";
import { type ReferenceServer, startReference } from "./harness/reference.ts";

/** One Kubernetes endpoint: a workspace, or a whole server where the target has none. */
export type Workspace = {
  readonly name: string;
  /** `https://host:port/clusters/root:name`, without a slash at the end. */
  readonly url: string;
  /** The path of a kubeconfig whose only context is this endpoint. */
  readonly kubeconfig: string;
  readonly api: Api;
};

/** A server under test. */
export type Target = {
  readonly kind: "myriad" | "kube-apiserver" | "external";
  /** A folder for the suite's own files, removed on close. */
  readonly folder: string;
  /** The server itself, for suites about workspaces; undefined for other targets. */
  readonly myriad: MyriadServer | undefined;
  /** A fresh workspace of the given type (default `universal`); `n` of them with one call. */
  workspaces(n: number, type?: string): Promise<Workspace[]>;
  /** Ends the server and starts it again with the same data and port. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** True where the server can be restarted. */
  readonly canRestart: boolean;
  /** The end of the server's output, for error texts. */
  output(): string;
  close(): Promise<void>;
};

const workspacesPath = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces";

/** How many kube-apiservers at most stand in for workspaces: each takes seconds and half a gigabyte. */
const mostReferences = 2;

/** Starts the server under test, as the environment says. `flags` are for Myriad only. */
export async function openTarget(flags: readonly string[] = []): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "myriad-conformance-"));
  const apis: Api[] = [];
  let made = 0;
  const endpoint = (name: string, at: Context): Workspace => {
    const api = openApi(at.server, at.access);
    apis.push(api);
    made += 1;
    const kubeconfig = join(folder, `${made}-${name}.kubeconfig`);
    writeKubeconfig(kubeconfig, at.server, at.access);
    return { name, url: at.server, kubeconfig, api };
  };
  const finish = (): void => {
    for (const api of apis) api.close();
    rmSync(folder, { recursive: true, force: true });
  };

  const given = process.env.CONFORMANCE_KUBECONFIG;
  if (given !== undefined && given !== "") {
    return {
      kind: "external",
      folder,
      myriad: undefined,
      canRestart: false,
      workspaces: async () => [endpoint("given", readContext(given))],
      restart: () => Promise.reject(new Error("a server that runs elsewhere cannot be restarted")),
      output: () => "",
      close: async () => finish(),
    };
  }
  try {
    if (process.env.CONFORMANCE_TARGET === "kube-apiserver") {
      const reference = await startReference(folder);
      const servers: ReferenceServer[] = [];
      return {
        kind: "kube-apiserver",
        folder,
        myriad: undefined,
        canRestart: true,
        async workspaces(n) {
          const wanted = Math.min(n, mostReferences);
          while (servers.length < wanted) servers.push(await reference.add(`server${servers.length}`));
          return servers
            .slice(0, wanted)
            .map((server, at) => endpoint(`server${at}`, { server: server.url, access: server.access }));
        },
        async restart(signal = "SIGTERM") {
          for (const server of servers) await server.restart(signal);
        },
        output: () => "",
        async close() {
          await reference.stop();
          finish();
        },
      };
    }
    const myriad = await startMyriad(folder, flags);
    const root = openApi(myriad.url, myriad.admin.access);
    apis.push(root);
    let count = 0;
    return {
      kind: "myriad",
      folder,
      myriad,
      canRestart: true,
      async workspaces(n, type = "universal") {
        return Promise.all(
          Array.from({ length: n }, async () => {
            count += 1;
            const name = `ws-${count}`;
            await root.json("POST", workspacesPath, {
              apiVersion: "tenancy.kcp.io/v1alpha1",
              kind: "Workspace",
              metadata: { name },
              spec: { type: { name: type, path: "root" } },
            });
            const server = `${myriad.url}/clusters/root:${name}`;
            return endpoint(name, { server, access: myriad.admin.access });
          }),
        );
      },
      restart: (signal = "SIGTERM") => myriad.restart(signal),
      output: () => myriad.output(),
      async close() {
        await myriad.close();
        finish();
      },
    };
  } catch (error) {
    finish();
    throw error;
  }
}
