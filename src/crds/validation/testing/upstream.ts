/** Definitions as upstream sees them: `crd.validate` of the oracle. */
import { isDeepStrictEqual } from "node:util";
import { loadCatalogue } from "#api/catalogue.ts";
import { fieldErrorText } from "#machinery/errors/field-error.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";
import { errorTexts } from "#machinery/structural/testing/upstream.ts";
import { type Oracle, OracleError } from "#machinery/testing/oracle.ts";
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
      if (error instanceof OracleError && error.message.startsWith("oracle: panic")) return undefined;
      throw error;
    });
    if (answer === undefined) return "panic";
    const told = errorTexts((answer as JsonObject).errors!);
    // Upstream names the type of the value after the clock.
    return told.map((text) => text.replaceAll(/selfType[0-9]+/g, "selfType")).sort();
  },
  // A type that does not exist keeps rules further inside from being looked at, or upstream panics over them; of several faults of an
  // embedded resource it tells one.
  known: (input: DefinitionCase, ours: unknown, theirs: unknown): boolean =>
    theirs === "panic" ||
    // A rule below what has no type for CEL keeps defaults from being checked: both say so, at different places.
    [ours, theirs].every((all) =>
      /type information for|failed to convert to declType/.test(JSON.stringify(all)),
    ) ||
    // A path into properties that may not be.
    (/"additionalProperties":false/.test(JSON.stringify(input)) &&
      /fieldPath: Invalid value: ".zz"/.test(String(ours))) ||
    ((theirs as string[]).length > 0 &&
      isDeepStrictEqual(decoded(ours as string[]), decoded(theirs as string[]))) ||
    /"type":"(text|null)"/.test(JSON.stringify(input)) ||
    [ours, theirs].every((all) => /must be a string|cannot unmarshal|parsing time/.test(JSON.stringify(all))),
});

/** The oracle applies defaults, and an empty list is null here once it was decoded. */
const decoded = (texts: readonly string[]): readonly string[] =>
  texts.filter(
    (text) =>
      !/^spec\.names\.singular: Required|^status\.storedVersions: Invalid value: (null|\[\])/.test(text),
  );
