/** What is served in the first thread, and what goes to the annex. */
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { Endpoint, RequestContext } from "../context.ts";
import type { WorkLimits } from "../endpoints/services.ts";

/** A write of so many bytes takes some twenty milliseconds if all of them are tiny fields; few objects have as many. */
const bodyBytes = 32 * 1_024;
/** Bytes of a stored object whose change takes as long: it has managed fields, too. */
const storedBytes = 64 * 1_024;
/** Definitions, policies and webhook configurations may hold programs: patterns and expressions are compiled. */
const programBytes = 4 * 1_024;
const definitions = "apiextensions.k8s.io";
const programGroups: ReadonlySet<string> = new Set([definitions, "admissionregistration.k8s.io"]);
/** `x{1000}` is a thousand states of a pattern in seven characters. */
const repetition = /\{\d{2}/;
/**
 * What costly definitions cannot be written without, and how often an ordinary one has it: rules, patterns, versions. Others of
 * {@link bodyBytes} take as long as other writes.
 */
const costlyWords: readonly (readonly [word: string, most: number])[] = [
  ["x-kubernetes-validations", 0],
  ["pattern", 16],
  ["name", 256],
  ["{}", 64],
];
/** It may hide any of the words. */
const escaped = /\\[uxU]/;

function holdsPrograms(text: string): boolean {
  if (escaped.test(text)) return true;
  return costlyWords.some(([word, most]) => {
    let at = -1;
    for (let count = 0; count <= most; count++) {
      at = text.indexOf(word, at + 1);
      if (at < 0) return false;
    }
    return true;
  });
}

export const workLimits: WorkLimits = {
  isLarge(body, apiGroup) {
    if (body.length > bodyBytes) return true;
    if (!programGroups.has(apiGroup)) return false;
    const text = body.toString("latin1");
    if (repetition.test(text)) return true;
    return body.length > programBytes && (apiGroup !== definitions || holdsPrograms(text));
  },
  storedBytes: (apiGroup) => (programGroups.has(apiGroup) ? programBytes : storedBytes),
  answerBytes: bodyBytes,
  parsedBytes: 128 * 1_024,
  convertedBytes: bodyBytes,
  yamlBytes: 32 * 1_024,
};

/** An endpoint that has requests which are too much served elsewhere. */
export function withAnnex(
  endpoint: Endpoint,
  annex: { serve(context: RequestContext): Promise<void> },
): Endpoint {
  const elsewhere = (context: RequestContext, error: unknown): Promise<void> => {
    if (error instanceof ElsewhereError) return annex.serve(context);
    throw error;
  };
  return (context) => {
    try {
      return endpoint(context)?.catch((error: unknown) => elsewhere(context, error));
    } catch (error) {
      return elsewhere(context, error);
    }
  };
}
