/** What answers requests, without the door and the loops: the registry with its kinds, admission, and the endpoints. */
import type { EgressPolicy } from "#admission/egress.ts";
import { builtinAdmission } from "#admission/plugins.ts";
import { createWebhookClient, type WebhookClient } from "#admission/webhook-client.ts";
import { kubernetesResources, universalResources } from "#api/builtins.ts";
import { loadCatalogue } from "#api/catalogue.ts";
import { builtinColumns } from "#api/columns/columns.ts";
import type { Authorizer } from "#authz/authorizer.ts";
import type { Clock } from "#base/clock.ts";
import { nameClaims } from "#crds/claims.ts";
import { customSchemaCompiler, schemaContext } from "#crds/compiled-schemas.ts";
import { definitionRules } from "#crds/definition-rules.ts";
import { definitionStrategy } from "#crds/definition-strategy.ts";
import { Definitions } from "#crds/definitions.ts";
import type { NameClaims } from "#crds/names.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Elsewhere, ReadingTask } from "#registry/elsewhere.ts";
import { ManagedFields } from "#registry/managed-fields.ts";
import { Registry } from "#registry/registry.ts";
import { serviceHoldings } from "#registry/services/holdings.ts";
import type { ServiceRanges } from "#registry/services/service-ranges.ts";
import type { ReadObject } from "#registry/stored-object.ts";
import { builtinStrategies } from "#registry/strategies/builtin.ts";
import { ownStrategies } from "#registry/strategies/own.ts";
import { serviceStrategyWith } from "#registry/strategies/plain-kinds.ts";
import type { Strategy } from "#registry/strategy.ts";
import { makeUid } from "#registry/system-fields.ts";
import type { Store } from "#storage/port.ts";
import { logicalClusterStrategy } from "#workspaces/logical-cluster-strategy.ts";
import { namespaceStrategy } from "#workspaces/namespace-strategy.ts";
import { kubernetesWorkspaceType, typeText } from "#workspaces/types.ts";
import { workspaceStrategy } from "#workspaces/workspace-strategy.ts";
import type { Endpoint } from "./context.ts";
import { CustomKindsOf } from "./custom-kinds.ts";
import { makeDocumentServer } from "./endpoints/documents.ts";
import {
  doEncodingTask,
  doReadingTask,
  type EncodeElsewhere,
  type EncodingTask,
} from "./endpoints/encoding-tasks.ts";
import { Negotiator } from "./endpoints/media-types.ts";
import { makeRestEndpoint } from "./endpoints/rest.ts";
import { serveReview, type TokenAuthenticator } from "./endpoints/reviews.ts";
import { ServedSet, withServedSubresources } from "./endpoints/served-set.ts";
import type { EndpointServices, WorkLimits } from "./endpoints/services.ts";
import { WatchSet } from "./endpoints/watch-set.ts";
import { YamlBodies } from "./yaml/yaml-bodies.ts";

export interface ApiOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Unpredictable bytes. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly caPem: string;
  /** `https://host:port` */
  readonly externalUrl: () => string;
  readonly authorizer: Authorizer;
  readonly authenticateToken: TokenAuthenticator;
  readonly egress: EgressPolicy;
  readonly serviceRanges: ServiceRanges;
  /** Admission plugins that are off by default. */
  readonly admissionPlugins: readonly string[];
  /** Absent: everything is done in this thread. */
  readonly limits?: WorkLimits | undefined;
  /** Present where there are limits. */
  readonly encodeElsewhere?: EncodeElsewhere | undefined;
  readonly elsewhere?: Elsewhere | undefined;
}

export interface Api {
  readonly registry: Registry;
  readonly definitions: Definitions;
  readonly claims: (cluster: ClusterName, definition: string) => NameClaims;
  readonly services: EndpointServices;
  readonly endpoint: Endpoint;
  /** What another thread has done here. They reject with StatusError, DefinitionChangedError. */
  readonly tasks: {
    encode(task: EncodingTask): Promise<readonly Uint8Array[]>;
    read(task: ReadingTask): Promise<readonly ReadObject[]>;
  };
  /** Everything that is built in. */
  readonly served: ServedSet;
  readonly webhooks: WebhookClient;
}

export function composeApi(options: ApiOptions): Api {
  const { store, clock, caPem, randomBytes, externalUrl, authorizer, authenticateToken } = options;
  const universal = new ServedSet("universal", universalResources().map(withServedSubresources));
  const kubernetes = new ServedSet("kubernetes", kubernetesResources().map(withServedSubresources));
  const kubernetesType = typeText(kubernetesWorkspaceType);
  const servedBy = (type: string): ServedSet => (type === kubernetesType ? kubernetes : universal);
  const catalogue = loadCatalogue();
  const compiler = new TypeCompiler(catalogue);
  const webhooks = createWebhookClient({
    egress: options.egress,
    clock,
    largestHere: options.limits?.answerBytes,
  });
  const schemas = schemaContext(compiler);
  const definitions = new Definitions({
    store,
    compile: customSchemaCompiler(schemas),
    conversion: { client: webhooks, makeUid: () => makeUid(randomBytes) },
  });
  const builtins = (cluster: ClusterName): ServedSet["resources"] =>
    servedBy(registry.tenants.get(cluster)?.type ?? "").resources;
  const claims = (cluster: ClusterName, definition: string): NameClaims =>
    nameClaims(store, cluster, definition, builtins(cluster));
  const registry: Registry = new Registry({
    store,
    clock,
    managedFields: new ManagedFields({ types: catalogue, compiler, clock }),
    randomBytes,
    resources: union(kubernetes, universal),
    custom: definitions,
    elsewhere: options.elsewhere,
    strategies: builtinStrategies(
      new Map<string, Strategy>([
        ...ownStrategies,
        [
          "apiextensions.k8s.io/customresourcedefinitions",
          definitionStrategy(claims, definitionRules(schemas)),
        ],
        ["/namespaces", namespaceStrategy(() => caPem)],
        ["/services", serviceStrategyWith(serviceHoldings(store, options.serviceRanges))],
        ["core.kcp.io/logicalclusters", logicalClusterStrategy],
        [
          "tenancy.kcp.io/workspaces",
          workspaceStrategy({
            tenant: (cluster) => registry.tenants.get(cluster),
            externalUrl,
            caPem: () => caPem,
            serviceRanges: options.serviceRanges,
          }),
        ],
      ]),
    ),
  });
  const services: EndpointServices = {
    registry,
    clock,
    types: catalogue,
    compiler,
    protobuf: new ProtobufCodec(catalogue),
    yaml: new YamlBodies(clock),
    columns: builtinColumns(),
    negotiator: new Negotiator(),
    encoders: new Map(),
    watches: new WatchSet(clock),
    authorizer,
    admission: builtinAdmission({
      registry,
      authorizer,
      webhooks,
      builtins,
      enabled: options.admissionPlugins,
    }),
    limits: options.limits,
    encodeElsewhere: options.encodeElsewhere,
    random: () => Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32,
  };
  const custom = new CustomKindsOf(store, definitions);
  const endpoint = makeRestEndpoint({
    services,
    servedBy,
    servedByAll: kubernetes,
    custom,
    serveDocument: makeDocumentServer({
      catalogue,
      codec: services.protobuf,
      externalUrl,
      now: () => clock.now(),
    }),
    serveVirtual: (context, served) =>
      serveReview({ services, authorizer, authenticateToken }, context, served),
  });
  const tasks: Api["tasks"] = {
    encode: (task) => doEncodingTask(services, custom, task),
    read: (task) => doReadingTask(services, custom, task),
  };
  return { registry, definitions, claims, services, endpoint, tasks, served: kubernetes, webhooks };
}

/** Every resource that some workspace type serves, once. */
function union(...sets: readonly ServedSet[]): ServedSet["resources"] {
  const byName = new Map(
    sets.flatMap((set) => set.resources).map((info) => [`${info.group}/${info.resource}`, info]),
  );
  return [...byName.values()];
}
