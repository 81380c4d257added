/**
 * The kcp kinds that every workspace serves, with kcp's fields (config/crds/tenancy.kcp.io_workspaces.yaml and
 * core.kcp.io_logicalclusters.yaml in kcp). Patterns and immutability rules are the strategies' matter.
 */
import type { Schema, TypeName } from "#machinery/schema/types.ts";
import {
  boolean,
  conditions,
  kindOf,
  listKind,
  listOf,
  mapOf,
  object,
  phase,
  text,
  withDefault,
} from "./schema.ts";

const selector: Schema = { kind: "ref", ref: "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector" };

const workspace = (): Schema =>
  kindOf(
    withDefault(
      object({
        type: object({ name: text, path: text }, ["name"]),
        location: object({ selector }),
        cluster: text,
        URL: text,
        mount: object(
          {
            ref: object({ apiVersion: text, kind: text, name: text, namespace: text }, [
              "apiVersion",
              "kind",
              "name",
            ]),
          },
          ["ref"],
        ),
      }),
      {},
    ),
    withDefault(object({ phase, conditions, initializers: listOf(text), terminators: listOf(text) }), {}),
    ["spec"],
  );

const logicalCluster = (): Schema =>
  kindOf(
    withDefault(
      object({
        directlyDeletable: withDefault(boolean, false),
        owner: object(
          { apiVersion: text, resource: text, name: text, namespace: text, cluster: text, uid: text },
          ["apiVersion", "resource", "name", "cluster", "uid"],
        ),
        createdBy: object({ username: text, uid: text, groups: listOf(text), extra: mapOf(listOf(text)) }),
        initializers: listOf(text),
        terminators: listOf(text),
      }),
      {},
    ),
    withDefault(
      object({ URL: text, phase, conditions, initializers: listOf(text), terminators: listOf(text) }),
      {},
    ),
  );

export const workspaceType: TypeName = "io.kcp.tenancy.v1alpha1.Workspace";
export const logicalClusterType: TypeName = "io.kcp.core.v1alpha1.LogicalCluster";

/** By OpenAPI name; the names are those a CRD of the group gets: the group reversed, version, kind. */
export const kcpTypes = (): Map<TypeName, Schema> =>
  new Map([
    [workspaceType, workspace()],
    [`${workspaceType}List`, listKind(workspaceType)],
    [logicalClusterType, logicalCluster()],
    [`${logicalClusterType}List`, listKind(logicalClusterType)],
  ]);
