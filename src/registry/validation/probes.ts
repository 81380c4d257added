/** Probes and hooks of containers (pkg/apis/core/validation validateHandler, validateProbe, validateLifecycle). */
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { patternError } from "#machinery/names/dns.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import { type Errors, has, invalids, nonNegative, numberAt, portErrors } from "./checks.ts";

const probeHandlers = ["exec", "httpGet", "tcpSocket", "grpc"] as const;
const hookHandlers = ["exec", "httpGet", "tcpSocket", "sleep"] as const;
const header = "[-A-Za-z0-9]+";
const headerPattern = new RegExp(`^${header}$`);

export function* probesErrors(container: Members, path: FieldPath): Errors {
  yield* probeErrors(container, "livenessProbe", path);
  yield* probeErrors(container, "readinessProbe", path);
  yield* probeErrors(container, "startupProbe", path);
}

function* probeErrors(container: Members, field: string, parent: FieldPath): Errors {
  if (!has(container, field)) return;
  const probe = membersAt(container, field);
  const path = parent.child(field);
  yield* handlerErrors(probe, probeHandlers, undefined, path);
  yield* nonNegative(
    probe,
    path,
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  );
  const grace = numberAt(probe, "terminationGracePeriodSeconds");
  const graceAt = path.child("terminationGracePeriodSeconds");
  if (grace !== undefined && grace <= 0) yield fieldInvalid(graceAt, grace, "must be greater than 0");
  if (field === "readinessProbe") {
    if (grace !== undefined) yield fieldInvalid(graceAt, grace, "must not be set for readinessProbes");
    return;
  }
  const successes = numberAt(probe, "successThreshold") ?? 0;
  if (successes !== 1) yield fieldInvalid(path.child("successThreshold"), successes, "must be 1");
}

/** `gracePeriod`: of the pod, in seconds. `os`: what the pod says it runs on. */
export function* lifecycleErrors(
  container: Members,
  gracePeriod: number | undefined,
  os: string | undefined,
  parent: FieldPath,
): Errors {
  const path = parent.child("lifecycle");
  const lifecycle = membersAt(container, "lifecycle");
  for (const hook of ["postStart", "preStop"]) {
    if (has(lifecycle, hook))
      yield* handlerErrors(membersAt(lifecycle, hook), hookHandlers, gracePeriod, path.child(hook));
  }
  if (!has(lifecycle, "stopSignal")) return;
  const at = path.child("stopSignal");
  const windows = ["SIGKILL", "SIGTERM"];
  if (os === undefined) yield fieldForbidden(at, "may not be set for containers with empty `spec.os.name`");
  else if (os === "windows" && !windows.includes(textAt(lifecycle, "stopSignal")))
    yield fieldNotSupported(at, textAt(lifecycle, "stopSignal"), windows);
}

function* handlerErrors(
  handler: Members,
  known: readonly string[],
  gracePeriod: number | undefined,
  path: FieldPath,
): Errors {
  const given = known.filter((field) => has(handler, field));
  for (const [index, field] of given.entries()) {
    const at = path.child(field);
    if (index > 0) yield fieldForbidden(at, "may not specify more than 1 handler type");
    else yield* actionErrors(membersAt(handler, field), field, gracePeriod, at);
  }
  if (given.length === 0) yield fieldRequired(path, "must specify a handler type");
}

function* actionErrors(
  action: Members,
  type: string,
  gracePeriod: number | undefined,
  path: FieldPath,
): Errors {
  if (type === "exec") {
    if (textsAt(action, "command").length === 0) yield fieldRequired(path.child("command"));
  } else if (type === "sleep") {
    const seconds = numberAt(action, "seconds") ?? 0;
    if (gracePeriod !== undefined && (seconds < 0 || seconds > gracePeriod)) {
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
      yield fieldInvalid(path, seconds, detail);
    }
  } else if (type !== "httpGet") {
    yield* portErrors(valueAt(action, "port"), path.child("port"));
  } else {
    if (textAt(action, "path") === "") yield fieldRequired(path.child("path"));
    yield* portErrors(valueAt(action, "port"), path.child("port"));
    const scheme = textAt(action, "scheme");
    if (scheme !== "HTTP" && scheme !== "HTTPS")
      yield fieldNotSupported(path.child("scheme"), scheme, ["HTTP", "HTTPS"]);
    for (const each of listAt(action, "httpHeaders")) {
      const name = textAt(each, "name");
      if (headerPattern.test(name)) continue;
      const message = "a valid HTTP header must consist of alphanumeric characters or '-'";
      yield* invalids(path.child("httpHeaders"), name, [patternError(message, header, "X-Header-Name")]);
    }
  }
}
