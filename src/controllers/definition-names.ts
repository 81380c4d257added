/**
 * Names that become free are given to the definitions that wait for them (apiextensions-apiserver
 * pkg/controller/status/naming_controller.go).
 */

import { conditionIsTrue } from "#crds/conditions.ts";
import { type NameClaims, settledStatus } from "#crds/names.ts";
import { sameContent } from "#crds/same-content.ts";
import type { CustomResourceDefinition } from "#crds/types.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import type { ClusterName } from "#registry/cluster-name.ts";
import { acceptedNameTerm } from "#registry/key-space.ts";
import type { Registry } from "#registry/registry.ts";
import { timestamp } from "#registry/system-fields.ts";
import type { Key } from "#storage/port.ts";
import type { DefinitionWrites } from "./definition-writes.ts";
import { ofTerm } from "./indexed-keys.ts";

/** Rivals looked at for one name; the next write of a definition looks at the others. */
const maxRivals = 100;

export class DefinitionNames {
  readonly #registry: Registry;
  readonly #writes: DefinitionWrites;
  readonly #claims: (cluster: ClusterName, definition: string) => NameClaims;

  /** @param claims names in use by others than the definition */
  constructor(
    registry: Registry,
    writes: DefinitionWrites,
    claims: (cluster: ClusterName, definition: string) => NameClaims,
  ) {
    this.#registry = registry;
    this.#writes = writes;
    this.#claims = claims;
  }

  /** Accepts the names of a definition that waits for them, or gives back those that an older definition has as well. */
  async settle(cluster: ClusterName, definition: string): Promise<void> {
    const key = this.#writes.keyOf(cluster, definition);
    const stored = this.#writes.read(key);
    if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) return;
    const accepted = conditionIsTrue(stored.status?.conditions, "NamesAccepted");
    // Two that were created at the same moment saw nothing of each other: the younger one gives its names back.
    const rivals = accepted ? this.#rivalsOf(cluster, key, stored) : [];
    const lost = rivals.some((rival) => rankOf(rival.metadata) < rankOf(stored.metadata));
    if (accepted && !lost) {
      // The younger one may have been looked at before this one was there.
      for (const { metadata } of rivals) await this.settle(cluster, metadata.name ?? "");
      return;
    }
    await this.#writes.change(cluster, definition, (current) => {
      const { acceptedNames, ...rest } = current.status ?? {};
      const before = lost ? { ...current, status: rest } : current;
      const status = settledStatus(
        before as CustomResourceDefinition,
        this.#claims(cluster, definition),
        timestamp(this.#registry.clock.now()),
      );
      const same =
        sameContent(status.acceptedNames, acceptedNames) &&
        sameContent(status.conditions, current.status?.conditions);
      return same ? undefined : { ...current, status };
    });
  }

  /** Others that have one of the accepted names as well. */
  #rivalsOf(
    cluster: ClusterName,
    own: Key,
    { spec, status }: CustomResourceDefinition,
  ): readonly CustomResourceDefinition[] {
    const {
      plural = "",
      singular = "",
      shortNames = [],
      kind = "",
      listKind = "",
    } = status?.acceptedNames ?? {};
    const terms = [
      ...[plural, singular, ...shortNames].map((one) =>
        acceptedNameTerm(cluster, spec.group, "resource", one),
      ),
      ...[kind, listKind].map((one) => acceptedNameTerm(cluster, spec.group, "kind", one)),
    ];
    const keys = new Set(terms.flatMap((term) => this.#keysUnder(term)));
    keys.delete(own);
    return [...keys].map((key) => this.#writes.read(key)).filter((rival) => rival !== undefined);
  }

  #keysUnder(term: string): Key[] {
    const { start, end } = ofTerm(term);
    return this.#registry.store.indexEntries(start, end, maxRivals).map(({ key }) => key);
  }
}

/** Who was there first; of any two, one was. */
const rankOf = ({ creationTimestamp = "", uid = "", name = "" }: KubeObject["metadata"]): string =>
  `${creationTimestamp} ${uid} ${name}`;
