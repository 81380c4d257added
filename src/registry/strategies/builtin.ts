import type { GroupResource } from "#machinery/meta/object.ts";
import { dns1035LabelErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import type { Strategy, StrategyCatalogue } from "#registry/strategy.ts";
import {
  conditionalUpdateOnly,
  createOnUpdate,
  dns1035Names,
  generationKept,
  pathSegmentNames,
  statusAtCreation,
} from "./builtin-facts.ts";
import { withCommonRules } from "./common.ts";

/**
 * Strategies of all kinds: the facts of every built-in kind, with what a kind adds of its own (validation, selectable
 * fields) or, for kinds of other rooms, replaced by theirs. Keys are `<group>/<resource>`.
 */
export function builtinStrategies(own: ReadonlyMap<string, Strategy>): StrategyCatalogue {
  return {
    strategyFor(of: GroupResource): Strategy {
      const key = `${of.group}/${of.resource}`;
      return withCommonRules(key, { ...factsOf(key), ...own.get(key) });
    },
  };
}

function factsOf(key: string): Strategy {
  return {
    ...(createOnUpdate.has(key) ? { allowCreateOnUpdate: true } : {}),
    ...(conditionalUpdateOnly.has(key) ? { requiresResourceVersion: true } : {}),
    ...(generationKept.has(key) ? { tracksGeneration: true } : {}),
    ...(statusAtCreation.has(key) ? { keepsStatusAtCreation: true } : {}),
    ...(pathSegmentNames.has(key) ? { validateName: (name: string) => pathSegmentErrors(name) } : {}),
    ...(dns1035Names.has(key) ? { validateName: (name: string) => dns1035LabelErrors(name) } : {}),
  };
}
