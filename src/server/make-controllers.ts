import { loadCatalogue } from "#api/catalogue.ts";
import { clusterRoleAggregation } from "#controllers/cluster-role-aggregation.ts";
import type { Controller } from "#controllers/controller.ts";
import { definitionController } from "#controllers/definition-controller.ts";
import { garbageCollector } from "#controllers/garbage-collector.ts";
import { kubernetesServiceController } from "#controllers/kubernetes-service-controller.ts";
import { namespaceContentController } from "#controllers/namespace-content-controller.ts";
import { namespaceController } from "#controllers/namespace-controller.ts";
import { policyTypeChecker } from "#controllers/policy-type-checker.ts";
import { resourceQuotaController } from "#controllers/resource-quota-controller.ts";
import { serviceAddressController } from "#controllers/service-address-controller.ts";
import { workspaceController } from "#controllers/workspace-controller.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import type { Api } from "./compose-api.ts";

/** All controllers. The manager runs them in the first thread; the annex has them for items that are too much for it. */
export const makeControllers = (
  { registry, definitions, claims }: Pick<Api, "registry" | "definitions" | "claims">,
  {
    caPem,
    externalUrl,
    serviceRanges,
  }: { readonly caPem: string; readonly externalUrl: () => string; readonly serviceRanges: ServiceRanges },
): Controller[] => [
  namespaceController(registry),
  workspaceController(registry),
  namespaceContentController(registry, () => caPem),
  garbageCollector(registry),
  resourceQuotaController(registry),
  clusterRoleAggregation(registry),
  policyTypeChecker(registry, loadCatalogue()),
  serviceAddressController(registry),
  kubernetesServiceController(registry, externalUrl, serviceRanges),
  definitionController({
    registry,
    claims,
    isTerminating: (cluster, of) => definitions.definition(cluster, of)?.isTerminating === true,
  }),
];
