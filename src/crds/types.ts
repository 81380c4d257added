/** apiextensions.k8s.io/v1 CustomResourceDefinition, as the catalogue's decoder leaves it. */
import type { WebhookClientConfig } from "#admission/webhook-target.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { PrinterColumn } from "./columns.ts";

export const customResourceDefinitions = {
  group: "apiextensions.k8s.io",
  resource: "customresourcedefinitions",
} as const;

/** Holds a definition until its instances are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export interface Names {
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly kind: string;
  readonly listKind?: string;
  readonly categories?: readonly string[];
}

export interface WebhookConversion {
  readonly conversionReviewVersions: readonly string[];
  readonly clientConfig?: WebhookClientConfig;
}

export interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonObject };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string | null;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

export interface DefinitionStatus {
  readonly conditions?: readonly Condition[] | null;
  readonly acceptedNames?: Names;
  readonly storedVersions?: readonly string[] | null;
  readonly observedGeneration?: number;
}

export interface CustomResourceDefinition extends KubeObject {
  spec: {
    readonly group: string;
    readonly names: Names;
    readonly scope: string;
    readonly versions: readonly Version[];
    readonly conversion?: { readonly strategy: string; readonly webhook?: WebhookConversion };
    readonly preserveUnknownFields?: boolean;
  };
  status?: DefinitionStatus;
}
