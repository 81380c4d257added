/** What a write request is about, before its body is read. */
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import type { Resource } from "#registry/resource.ts";
import type { Requester } from "#registry/strategy.ts";
import type { RequestContext } from "#server/context.ts";
import type { ExpectedType } from "./decode-body.ts";

/** A subresource that is a kind of its own: what it shows of an object, and the object that a change of it makes. */
export interface SubresourceView {
  /** The one field of the object that the view writes. */
  readonly replicasPath: readonly string[];
  show(object: KubeObject): KubeObject;
  /** @throws StatusError */
  merge(object: KubeObject, changed: KubeObject): KubeObject;
}

/** One write request, resolved. */
export interface WriteTarget {
  readonly resource: Resource;
  readonly cluster: ClusterName;
  /** The kind of the body and of the answer. */
  readonly expected: ExpectedType;
  /** The version of the object itself, which differs from the body's where there is a view. */
  readonly version: string;
  /** The body is a part of the object in a form of its own. */
  readonly view: SubresourceView | undefined;
}

export const requesterOf = (context: RequestContext): Requester => ({
  user: context.user,
  warn: (text) => context.warn(text),
});
