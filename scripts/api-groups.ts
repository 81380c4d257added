/**
 * The table of docs/reference/api-groups.md. `node scripts/api-groups.ts` writes it into the page; a test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import type { ResourceInfo } from "#api/resource.ts";
import { withServedSubresources } from "#server/endpoints/served-set.ts";

export const apiGroupsPage = new URL("../docs/reference/api-groups.md", import.meta.url);

const key = ({ group, resource }: ResourceInfo): string => `${group}/${resource}`;

/** One row for each resource, in the order that discovery tells them. */
export function apiGroupsTable(): string {
  const universal = new Set(universalResources().map(key));
  const rows = kubernetesResources()
    .map(withServedSubresources)
    .map((info) => {
      const versions = info.versions
        .map(({ version }) => (version === info.storageVersion ? `**${version}**` : version))
        .join(", ");
      const subresources = [
        ...new Set(info.versions.flatMap((each) => each.subresources.map(({ name }) => name))),
      ];
      const types = universal.has(key(info)) ? "all" : "`kubernetes`";
      const scope = info.namespaced ? "namespace" : "workspace";
      return `| ${info.group === "" ? "core" : info.group} | ${versions} | ${info.resource} | ${scope} | ${types} | ${
        info.virtual === true ? "create only, answered at once" : subresources.join(", ")
      } |`;
    });
  return [
    "| Group | Versions | Resource | Scope | Workspace types | Subresources |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

/** The page with its table replaced. */
export const withTable = (page: string): string =>
  page.replace(/^\| Group [\s\S]*?(?=\n\n|\n$)/m, () => apiGroupsTable());

if (import.meta.main) writeFileSync(apiGroupsPage, withTable(readFileSync(apiGroupsPage, "utf8")));
