/** What is served in the first thread, and what goes to the annex. */
import { ElsewhereError } from "#registry/elsewhere.ts";
import type { Endpoint, RequestContext } from "../context.ts";
import type { WorkLimits } from "../endpoints/services.ts";

/** A write of so many bytes takes some twenty milliseconds if all of them are tiny fields; nearly no object has as many. */
const bodyBytes = 64 * 1_024;
/** Bytes of a stored object whose change takes as long. */
const storedBytes = 128 * 1_024;
/** Definitions, policies and webhook configurations hold programs: schemas, patterns and expressions are compiled. */
const programBytes = 16 * 1_024;
const programGroups: ReadonlySet<string> = new Set(["apiextensions.k8s.io", "admissionregistration.k8s.io"]);

export const workLimits: WorkLimits = {
  isLarge: (body, apiGroup) =>
    body.length > bodyBytes || (body.length > programBytes && programGroups.has(apiGroup)),
  storedBytes,
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
    const answer = endpoint(context);
    return answer?.catch((error: unknown) => elsewhere(context, error));
  };
}
