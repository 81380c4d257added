/** How versions are converted: the strategy, and the webhook (apiextensions/validation; apiserver pkg/util/webhook/validation.go). */
import { X509Certificate } from "node:crypto";
import {
  type FieldError,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import type { InternalClientConfig, InternalConversion } from "./internal.ts";

/** Versions of ConversionReview that are spoken here. */
const reviewVersions = ["v1", "v1beta1"];

export const hasKnownReviewVersion = (versions: readonly string[]): boolean =>
  versions.length === 0 || versions.some((version) => reviewVersions.includes(version));

export interface ConversionOptions {
  readonly requiresKnownReviewVersion: boolean;
  readonly allowsInvalidCaBundle: boolean;
}

export function conversionErrors(
  conversion: InternalConversion | undefined,
  path: string,
  options: ConversionOptions,
): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const errors: FieldError[] = [];
  const supported = ["None", "Webhook"];
  if (strategy === "") errors.push(fieldRequired(`${path}.strategy`));
  else if (!supported.includes(strategy)) {
    errors.push(fieldNotSupported(`${path}.strategy`, strategy, supported));
  }
  const configAt = `${path}.webhookClientConfig`;
  const versionsAt = `${path}.conversionReviewVersions`;
  if (strategy !== "Webhook") {
    const detail = "should not be set when strategy is not set to Webhook";
    if (webhook !== undefined) errors.push(fieldForbidden(configAt, detail));
    if (conversion.reviewVersions.length > 0) errors.push(fieldForbidden(versionsAt, detail));
    return errors;
  }
  if (webhook === undefined) errors.push(fieldRequired(configAt, "required when strategy is set to Webhook"));
  else errors.push(...clientConfigErrors(webhook, configAt, options.allowsInvalidCaBundle));
  errors.push(...reviewVersionErrors(conversion.reviewVersions, versionsAt, options));
  return errors;
}

function reviewVersionErrors(
  versions: readonly string[],
  path: string,
  { requiresKnownReviewVersion }: ConversionOptions,
): FieldError[] {
  if (versions.length === 0) return [fieldRequired(path)];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  versions.forEach((version, i) => {
    if (seen.has(version)) {
      errors.push(fieldInvalid(`${path}[${i}]`, version, "duplicate version"));
      return;
    }
    seen.add(version);
    for (const message of dns1035LabelErrors(version)) {
      errors.push(fieldInvalid(`${path}[${i}]`, version, message));
    }
  });
  if (requiresKnownReviewVersion && !hasKnownReviewVersion(versions)) {
    errors.push(fieldInvalid(path, versions, `must include at least one of ${reviewVersions.join(", ")}`));
  }
  return errors;
}

function clientConfigErrors(
  { url, service, caBundle }: InternalClientConfig,
  path: string,
  allowsInvalidCaBundle: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldRequired(path, "exactly one of url or service is required"));
  } else if (url !== undefined) errors.push(...urlErrors(url, `${path}.url`));
  else if (service !== undefined) errors.push(...serviceErrors(service, `${path}.service`));
  const problem = caBundle === "" || allowsInvalidCaBundle ? undefined : caBundleProblem(caBundle);
  if (problem !== undefined) errors.push(fieldInvalid(`${path}.caBundle`, caBundle, problem));
  return errors;
}

/** What is wrong with a bundle, as Go's transport says it; undefined when it holds a certificate. */
export function caBundleProblem(base64: string): string | undefined {
  const text = Buffer.from(base64, "base64").toString("latin1");
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/g)];
  const prefix = "unable to load root certificates: ";
  let problem: string | undefined;
  for (const [pem, type] of blocks) {
    if (type !== "CERTIFICATE") continue;
    try {
      new X509Certificate(pem);
      return undefined;
    } catch {
      problem ??= `${prefix}failed to parse certificate: x509: malformed certificate`;
    }
  }
  if (problem !== undefined) return problem;
  const end = blocks.at(-1);
  const rest = end === undefined ? text : text.slice(end.index + end[0].length);
  return `${prefix}${/\S/.test(rest) ? "unable to parse bytes as PEM block" : "no valid certificate authority data seen"}`;
}

const urlForm = "; desired format: https://host[/path]";

/** The parts of a URL as Go's url.Parse finds them, for texts without an error in their escapes. */
const urlParts =
  /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

function urlErrors(url: string, path: string): FieldError[] {
  const problem = urlProblem(url);
  if (problem !== undefined) {
    return [
      fieldRequired(path, `url must be a valid URL: parse ${JSON.stringify(url)}: ${problem}${urlForm}`),
    ];
  }
  const [, scheme = "", user, host = "", query = "", fragment = ""] = urlParts.exec(url) ?? [];
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== "https") {
    errors.push(fieldInvalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${urlForm}`));
  }
  if (host === "") errors.push(fieldInvalid(path, host, `host must be specified${urlForm}`));
  if (user !== undefined) {
    errors.push(fieldInvalid(path, user, "user information is not permitted in the URL"));
  }
  if (fragment !== "") errors.push(fieldInvalid(path, fragment, "fragments are not permitted in the URL"));
  if (query !== "") errors.push(fieldInvalid(path, query, "query parameters are not permitted in the URL"));
  return errors;
}

function urlProblem(url: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(url)) return "net/url: invalid control character in URL";
  if (url.startsWith(":")) return "missing protocol scheme";
  const broken = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(url);
  if (broken !== null) return `invalid URL escape ${JSON.stringify(broken[0])}`;
  const host = urlParts.exec(url)?.[3] ?? "";
  const port = /^(?:\[[^\]]*\]|[^:]*)(:.*)$/.exec(host)?.[1];
  if (port !== undefined && !/^:[0-9]*$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`;
  const odd = /[ \\^`{|}<>"]/.exec(host.replace(/^\[.*\]/, ""));
  return odd === null ? undefined : `invalid character ${JSON.stringify(odd[0])} in host name`;
}

/** Upstream hands name and namespace over in the wrong order, so each is told under the other's name. */
function serviceErrors(service: NonNullable<InternalClientConfig["service"]>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (service.namespace === "") errors.push(fieldRequired(`${path}.name`));
  if (service.name === "") errors.push(fieldRequired(`${path}.namespace`));
  if (service.port < 1 || service.port > 65_535) {
    const detail = "port is not valid: must be between 1 and 65535, inclusive";
    errors.push(fieldInvalid(`${path}.port`, service.port, detail));
  }
  const { path: text } = service;
  if (text === undefined || text === "" || text === "/") return errors;
  const at = `${path}.path`;
  if (text === "//") return [...errors, fieldInvalid(at, text, "segment[0] may not be empty")];
  if (!text.startsWith("/")) errors.push(fieldInvalid(at, text, "must start with a '/'"));
  const checked = text.slice(1).replace(/\/$/, "");
  checked.split("/").forEach((segment, i) => {
    if (segment === "") errors.push(fieldInvalid(at, text, `segment[${i}] may not be empty`));
    else {
      for (const message of dns1123SubdomainErrors(segment)) {
        errors.push(fieldInvalid(at, text, `segment[${i}]: ${message}`));
      }
    }
  });
  return errors;
}
