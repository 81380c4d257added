/** Names of the records in the `meta` table. */
export const metaKeys = {
  /** Revision of the newest change. */
  current: "current",
  /** History up to here is not answered any more. */
  compacted: "compacted",
  /** History up to here was removed from the tables (follows `compacted` in steps). */
  swept: "swept",
  /** `KeySpace.version` that derived tables were built with; empty while they are rebuilt. */
  keySpace: "keySpace",
  /** Present while a replica is being rebuilt from its source. */
  rebuilding: "rebuilding",
  /** Prefix of facts that the engine on top keeps. */
  extra: "extra/",
} as const;
