/** Definitions as upstream sees them: `crd.validate` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import { loadCatalogue } from "#api/catalogue.ts";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { errorTexts } from "#machinery/structural/testing/upstream.ts";
import { isPanic } from "#machinery/testing/like-upstream.ts";
import type { Oracle } from "#machinery/testing/oracle.ts";
import { customResourceDefinitionErrors } from "../definition.ts";

export interface DefinitionCase {
  readonly definition: JsonObject;
  readonly old?: JsonObject | undefined;
}

const decode = new TypeCompiler(loadCatalogue()).compile(
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
);

export const definitions = (context: Parameters<typeof customResourceDefinitionErrors>[2]) => ({
  ours({ definition, old }: DefinitionCase): unknown {
    const read = (json: JsonObject): KubeObject => decode.decode(json).value as unknown as KubeObject;
    const before = old === undefined ? undefined : read(old);
    return customResourceDefinitionErrors(read(definition), before, context).map(fieldErrorText).sort();
  },
  async theirs(oracle: Oracle, { definition, old }: DefinitionCase): Promise<unknown> {
    const asked = { crd: definition, ...(old === undefined ? {} : { old }) };
    const answer = await oracle.ask("crd.validate", asked).catch((error: unknown) => {
      if (isPanic(error)) return undefined;
      throw error;
    });
    if (answer === undefined) return "panic";
    const told = errorTexts((answer as JsonObject).errors!);
    // Upstream names the type of the value after the clock.
    return told.map((text) => text.replaceAll(/selfType[0-9]+/g, "selfType")).sort();
  },
  known: (_input: DefinitionCase, ours: unknown, theirs: unknown): boolean =>
    theirs === "panic" || isDeepStrictEqual(certain(ours as string[]), certain(theirs as string[])),
});

/** What both must say alike; the reasons for the rest are in docs/differences.md. */
const certain = (texts: readonly string[]): readonly string[] =>
  texts.filter((text) => !uncertain.some((one) => one.test(text)));

const uncertain: readonly RegExp[] = [
  // The oracle applies defaults, and an empty list is null here once it was decoded.
  /^spec\.names\.singular: Required|^status\.storedVersions: Invalid value: (null|\[\])/,
  // A rule below what has no type for CEL keeps defaults from being checked: both say so, at different places.
  /type information for|failed to convert to declType/,
  // A path into properties that may not be.
  /fieldPath: Invalid value: "\.zz"/,
  // Of several faults of an embedded resource upstream tells one.
  /must be a string|cannot unmarshal|parsing time/,
];
