import { after, before } from "node:test";
import { openTarget, type Target, type Workspace } from "../harness.ts";
import { type Kubectl, kubectlFor } from "./kubectl.ts";

/** What the tests of one file share: a server, one workspace, kubectl for it, in a namespace of the file's own. */
export type Suite = { target: Target; workspace: Workspace; kubectl: Kubectl };

/** True where the target is the reference, which runs no controllers. */
export const isReference = process.env.CONFORMANCE_TARGET === "kube-apiserver";

/**
 * Opens the server before the tests of a file and runs `prepare`; closes it after them. One hook does both: hooks of
 * a file's top level do not wait for each other. Members are valid inside `prepare` and tests only. `type` is the
 * workspace's: one of type `kubernetes` serves workloads too.
 */
export function suite(
  prepare: (suite: Suite) => Promise<void> = async () => {},
  type: "universal" | "kubernetes" = "universal",
): Suite {
  const state: Partial<Suite> = {};
  before(async () => {
    state.target = await openTarget();
    const [workspace] = await state.target.workspaces(1, type);
    if (workspace === undefined) throw new Error("no workspace");
    state.workspace = workspace;
    state.kubectl = kubectlFor(workspace.kubeconfig);
    await prepare(state as Suite);
  });
  after(() => state.target?.close());
  const member = <K extends keyof Suite>(name: K): Suite[K] => {
    const value = state[name];
    if (value === undefined) throw new Error("the suite has not started");
    return value as Suite[K];
  };
  return {
    get target() {
      return member("target");
    },
    get workspace() {
      return member("workspace");
    },
    get kubectl() {
      return member("kubectl");
    },
  };
}

/** A manifest of a ConfigMap, as JSON (which is YAML). */
export function configMap(
  name: string,
  data: Record<string, string>,
  metadata: Record<string, unknown> = {},
): string {
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data });
}
