/** Key space of the tests in this room: `/registry/<group>/<resource>/<tenant>/...`, terms from `@name=term;` in values. */
import type { Key, KeySpace } from "./port.ts";

const keyShape = /^(\/registry\/[^/]+\/[^/]+\/)([^/]+)\//;
const termShape = /@([a-z]+=[a-z0-9]+);/g;

export function testKeySpace(version = "1"): KeySpace {
  return {
    version,
    prefix: "/registry/",
    partition(key: Key) {
      const match = keyShape.exec(key);
      return match === null ? undefined : { collection: match[1]!, tenant: match[2]! };
    },
    terms(_key, value) {
      return [
        ...new Set(
          [...value.toString("latin1").matchAll(termShape)].map((match) => match[1]!.replace("=", "/")),
        ),
      ];
    },
  };
}
