import { clusterColumns } from "./cluster.ts";
import { coreColumns } from "./core.ts";
import { column, columns, get, name } from "./define.ts";
import { kcpColumns } from "./kcp.ts";
import { networkColumns } from "./network.ts";
import type { ColumnSource, Columns } from "./types.ts";
import { workloadColumns } from "./workloads.ts";

/** For kinds without a printer (k8s.io/apiserver pkg/registry/rest/table.go). */
const plain: Columns = columns(
  name,
  column("Created At", (object) => get(object, "metadata", "creationTimestamp") ?? null, { type: "date" }),
);

/** Table columns of the built-in kinds and of kcp's. Cells are made from objects in their storage version. */
export function builtinColumns(): ColumnSource {
  const all = new Map(
    [coreColumns, kcpColumns, workloadColumns, networkColumns, clusterColumns].flatMap((part) =>
      Object.entries(part),
    ),
  );
  return { columnsFor: (group, resource) => all.get(`${group}/${resource}`) ?? plain };
}
