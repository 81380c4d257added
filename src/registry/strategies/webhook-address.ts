/** Where a webhook is called (k8s.io/apiserver pkg/util/webhook/validation.go). */
import { decodeEscapes, parseUrl } from "#machinery/cel/libraries/go-url.ts";
import { type FieldError, fieldInvalid, fieldRequired } from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { numberAt } from "../validation/checks.ts";
import { type Members, textAt } from "./members.ts";

const form = "; desired format: https://host[/path]";
const maxPort = 65_535;

export function webhookUrlErrors(text: string, path: FieldPath): FieldError[] {
  const url = parseUrl(text);
  if (url instanceof Error) return [fieldRequired(path, `url must be a valid URL: ${url.message}${form}`)];
  const { scheme, user, host, query = "", fragment = "" } = url;
  const errors: FieldError[] = [];
  if (scheme !== "https")
    errors.push(fieldInvalid(path, scheme, `'https' is the only allowed URL scheme${form}`));
  if (host === "") errors.push(fieldInvalid(path, host, `host must be specified${form}`));
  if (user !== undefined)
    errors.push(fieldInvalid(path, user, "user information is not permitted in the URL"));
  if (fragment !== "")
    errors.push(fieldInvalid(path, decodeEscapes(fragment), "fragments are not permitted in the URL"));
  if (query !== "") errors.push(fieldInvalid(path, query, "query parameters are not permitted in the URL"));
  return errors;
}

export function webhookServiceErrors(service: Members, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream hands over name and namespace the wrong way round: each is missed under the other's path.
  if (textAt(service, "namespace") === "") errors.push(fieldRequired(path.child("name")));
  if (textAt(service, "name") === "") errors.push(fieldRequired(path.child("namespace")));
  const port = numberAt(service, "port") ?? 0;
  if (port < 1 || port > maxPort) {
    const detail = `port is not valid: must be between 1 and ${maxPort}, inclusive`;
    errors.push(fieldInvalid(path.child("port"), port, detail));
  }
  const at = textAt(service, "path");
  const wrong = (detail: string): FieldError => fieldInvalid(path.child("path"), at, detail);
  if (at === "" || at === "/") return errors;
  if (at === "//") return [...errors, wrong("segment[0] may not be empty")];
  if (!at.startsWith("/")) errors.push(wrong("must start with a '/'"));
  const steps = at.slice(1).replace(/\/$/, "").split("/");
  steps.forEach((step, index) => {
    if (step === "") errors.push(wrong(`segment[${index}] may not be empty`));
    else {
      for (const message of dns1123SubdomainErrors(step)) errors.push(wrong(`segment[${index}]: ${message}`));
    }
  });
  return errors;
}
