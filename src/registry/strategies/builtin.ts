import type { GroupResource } from "#machinery/meta/object.ts";
import { dns1123LabelErrors, pathSegmentErrors } from "#machinery/names/dns.ts";
import type { Strategy, StrategyCatalogue } from "#registry/strategy.ts";
import {
  answersDeleted,
  conditionalUpdateOnly,
  createOnUpdate,
  generationKept,
  labelNames,
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
    ...(answersDeleted.has(key) ? { answersDeleted: true } : {}),
    ...(generationKept.has(key) ? { tracksGeneration: true } : {}),
    ...(statusAtCreation.has(key) ? { keepsStatusAtCreation: true } : {}),
    ...(pathSegmentNames.has(key) ? { validateName: pathSegmentErrors } : {}),
    ...(labelNames.has(key) ? { validateName: dns1123LabelErrors } : {}),
  };
}
