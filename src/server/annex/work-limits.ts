/** What is served in the first thread, and what goes to the annex. */
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { Endpoint, RequestContext } from "../context.ts";
import type { WorkLimits } from "../endpoints/services.ts";

/** A write of so many bytes takes some twenty milliseconds if all of them are tiny fields; few objects have as many. */
const bodyBytes = 32 * 1_024;
/** Bytes of a stored object whose change takes as long: it has managed fields, too. */
const storedBytes = 64 * 1_024;
/** Definitions, policies and webhook configurations hold programs: schemas, patterns and expressions are compiled. */
const programBytes = 4 * 1_024;
const programGroups: ReadonlySet<string> = new Set(["apiextensions.k8s.io", "admissionregistration.k8s.io"]);
/** `x{1000}` is a thousand states of a pattern in seven characters. */
const repetition = /\{\d{2}/;

export const workLimits: WorkLimits = {
  isLarge(body, apiGroup) {
    if (body.length > bodyBytes) return true;
    if (!programGroups.has(apiGroup)) return false;
    return body.length > programBytes || repetition.test(body.toString("latin1"));
  },
  storedBytes: (apiGroup) => (programGroups.has(apiGroup) ? programBytes : storedBytes),
  answerBytes: bodyBytes,
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
