import { systemAdminCluster } from "#registry/cluster-name.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import type { Key } from "#storage/port.ts";

const group = "myriad.internal";

/** The key of a record of the controllers' own, of no resource that is served: no request can see or change it. */
export const internalKey = (resource: string, name: string): Key =>
  objectKey(collectionPrefix({ group, resource }), { cluster: systemAdminCluster, namespace: "", name });

const internalPrefix = `/registry/${group}/`;

/** Whether a key is one of {@link internalKey}. */
export const isInternalKey = (key: Key): boolean => key.startsWith(internalPrefix);
