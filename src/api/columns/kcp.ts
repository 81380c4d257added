/** kcp's kinds are custom resources: columns come from `additionalPrinterColumns`, and what is missing is a null cell. */
import { ageOf } from "./age.ts";
import { type Column, column, columns, get, name } from "./define.ts";
import type { Columns } from "./types.ts";

const string = (title: string, ...path: string[]): Column =>
  column(title, (object) => get(object, ...path) ?? null);
const age = column(
  "Age",
  (object, now) => {
    const created = get(object, "metadata", "creationTimestamp");
    return created === undefined ? null : ageOf(created, now);
  },
  { type: "date" },
);

export const kcpColumns: Readonly<Record<string, Columns>> = {
  "tenancy.kcp.io/workspaces": columns(
    name,
    string("Type", "spec", "type", "name"),
    string("Region", "metadata", "labels", "region"),
    string("Phase", "status", "phase"),
    string("URL", "spec", "URL"),
    age,
  ),
  "core.kcp.io/logicalclusters": columns(
    name,
    string("Phase", "status", "phase"),
    string("URL", "status", "URL"),
    age,
  ),
};
