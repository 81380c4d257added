import type { ColumnSource } from "#api/columns/types.ts";
import type { Authorizer } from "#authz/authorizer.ts";
import type { Clock } from "#base/clock.ts";
import type { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import type { TypeCompiler } from "#machinery/schema/decode.ts";
import type { TypeResolver } from "#machinery/schema/types.ts";
import type { Admission } from "#registry/admission.ts";
import type { ObjectLimits } from "#registry/elsewhere.ts";
import type { Moment } from "#registry/journal.ts";
import type { Registry } from "#registry/registry.ts";
import type { Resource } from "#registry/resource.ts";
import type { RequestContext } from "#server/context.ts";
import type { YamlBodies } from "#server/yaml/yaml-bodies.ts";
import type { ObjectEncoder } from "./encoder.ts";
import type { EncodeElsewhere } from "./encoding-tasks.ts";
import type { Negotiator } from "./media-types.ts";
import type { WatchSet } from "./watch-set.ts";

/** What is done in this thread; what is more goes elsewhere (`annex/`). */
export interface WorkLimits extends ObjectLimits {
  /** Whether a body is too much. */
  isLarge(body: Buffer, apiGroup: string): boolean;
  /** Bytes of the longest answer of an admission webhook that is read here. */
  readonly answerBytes: number;
  /** Bytes of the longest answer that is written as YAML here. */
  readonly yamlBytes: number;
}

/** What the REST endpoints work with; constructed once, by the composition root. */
export interface EndpointServices {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly types: TypeResolver;
  readonly compiler: TypeCompiler;
  readonly protobuf: ProtobufCodec;
  readonly yaml: YamlBodies;
  readonly columns: ColumnSource;
  readonly negotiator: Negotiator;
  readonly watches: WatchSet;
  readonly admission: Admission;
  readonly authorizer: Authorizer;
  /** Encoders made so far, by form; see `make-encoder.ts`. */
  readonly encoders: Map<string, ObjectEncoder>;
  /** Absent where everything is done. */
  readonly limits?: WorkLimits | undefined;
  /** Present where there are limits. */
  readonly encodeElsewhere?: EncodeElsewhere | undefined;
  /** Between 0 and 1, for spreading time-outs. */
  random(): number;
}

/** The namespace of the URL; "" for cluster-scoped kinds (a Namespace's own URL names itself as its namespace). */
export const namespaceOf = (context: RequestContext, resource: Resource): string =>
  resource.namespaced ? context.info.namespace : "";

/** When a request writes, and the random bytes that it writes with: the same ones when it is done once more elsewhere. */
export const momentOfRequest = ({ registry }: EndpointServices, { journal }: RequestContext): Moment =>
  journal.moment(registry.clock, registry.randomBytes);
