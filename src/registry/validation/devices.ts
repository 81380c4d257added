/** Claims on devices, their templates, and classes of devices (pkg/apis/resource/validation). */
import {
  type FieldError,
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
} from "#machinery/errors/field-error.ts";
import { FieldPath } from "#machinery/errors/field-path.ts";
import { isJsonObject } from "#machinery/json/value.ts";
import type { KubeObject } from "#machinery/meta/object.ts";
import { annotationsErrors, labelsErrors } from "#machinery/meta/validation.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, patternError } from "#machinery/names/dns.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";
import { deviceSelectorErrors } from "../expressions/device-selector.ts";
import {
  jsonOf,
  listAt,
  type Members,
  membersAt,
  pairsAt,
  textAt,
  textsAt,
  valueAt,
} from "../strategies/members.ts";
import { type Errors, has, invalids, numberAt } from "./checks.ts";
import { csiDriverNameErrors } from "./volumes.ts";

const maxItems = 32;
const maxAlternatives = 8;
const maxExpressionBytes = 10_240;
const maxParametersBytes = 10_240;
const maxIdBytes = 32;
const exactlyOne = "exactly one of `exactly` or `firstAvailable` is required";
const noRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export const claimOfDevicesErrors = (object: KubeObject): Errors =>
  devicesErrors(membersAt(object, "spec", "devices"), FieldPath.of("spec", "devices"));

export function* claimTemplateErrors(object: KubeObject): Errors {
  const path = FieldPath.of("spec", "metadata");
  const pairs = (field: string) => Object.fromEntries(pairsAt(object, "spec", "metadata", field));
  yield* annotationsErrors(pairs("annotations"), path.child("annotations"));
  yield* labelsErrors(pairs("labels"), path.child("labels"));
  yield* devicesErrors(membersAt(object, "spec", "spec", "devices"), FieldPath.of("spec", "spec", "devices"));
}

/** Each item of a list, unless there are too many. */
function* each<T>(
  list: readonly T[],
  path: FieldPath,
  check: (item: T, path: FieldPath) => Errors,
  max = maxItems,
): Errors {
  if (list.length > max) yield fieldTooMany(path, list.length, max);
  else for (const [index, item] of list.entries()) yield* check(item, path.index(index));
}

/** Names that stand twice, where {@link each} has not refused all. */
function* duplicates(names: readonly string[], path: FieldPath, max = maxItems): Errors {
  if (names.length > max) return;
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index) yield fieldDuplicate(path.index(index), name);
}

const namesOf = (list: readonly Members[]): string[] => list.map((one) => textAt(one, "name"));

function* devicesErrors(devices: Members, path: FieldPath): Errors {
  const requests = listAt(devices, "requests");
  yield* each(requests, path.child("requests"), requestErrors);
  yield* duplicates(namesOf(requests), path.child("requests"));
  const references = referencesTo(requests);
  yield* each(listAt(devices, "constraints"), path.child("constraints"), (constraint, at) =>
    constraintErrors(constraint, references, at),
  );
  yield* each(listAt(devices, "config"), path.child("config"), function* (config, at) {
    yield* referenceErrors(textsAt(config, "requests"), references, at.child("requests"));
    yield* opaqueErrors(config, at);
  });
}

/** What constraints may name: requests, and `request/alternative`. */
function referencesTo(requests: readonly Members[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const request of requests) {
    const name = textAt(request, "name");
    names.add(name);
    for (const alternative of namesOf(listAt(request, "firstAvailable"))) names.add(`${name}/${alternative}`);
  }
  return names;
}

function* requestErrors(request: Members, path: FieldPath): Errors {
  const name = textAt(request, "name");
  yield* requestNameErrors(name, path.child("name"));
  const alternatives = listAt(request, "firstAvailable");
  const exact = has(request, "exactly");
  if (alternatives.length === 0 && !exact) yield fieldRequired(path, exactlyOne);
  else if (alternatives.length > 0 && exact)
    yield fieldInvalid(path, null, `${exactlyOne}, but multiple fields are set`);
  else if (exact) yield* wantedErrors(membersAt(request, "exactly"), path.child("exactly"));
  else {
    const at = path.child("firstAvailable");
    const check = function* (one: Members, where: FieldPath): Errors {
      yield* requestNameErrors(textAt(one, "name"), where.child("name"));
      yield* wantedErrors(one, where);
    };
    yield* each(alternatives, at, check, maxAlternatives);
    yield* duplicates(namesOf(alternatives), at, maxAlternatives);
  }
}

const requestNameErrors = (name: string, path: FieldPath): FieldError[] =>
  invalids(path, name, dns1123LabelErrors(name));

function* wantedErrors(wanted: Members, path: FieldPath): Errors {
  const className = textAt(wanted, "deviceClassName");
  const at = path.child("deviceClassName");
  if (className === "") yield fieldRequired(at);
  else yield* invalids(at, className, dns1123SubdomainErrors(className));
  yield* selectorsErrors(wanted, path);
  const mode = textAt(wanted, "allocationMode");
  const count = numberAt(wanted, "count") ?? 0;
  if (mode === "All") {
    if (count !== 0)
      yield fieldInvalid(path.child("count"), count, "must not be specified when allocationMode is 'All'");
  } else if (mode === "ExactCount") {
    if (count <= 0) yield fieldInvalid(path.child("count"), count, "must be greater than zero");
  } else yield fieldNotSupported(path.child("allocationMode"), mode, ["All", "ExactCount"]);
  for (const [index, toleration] of listAt(wanted, "tolerations").entries())
    yield* tolerationErrors(toleration, path.child("tolerations").index(index));
}

function selectorsErrors(of: Members, path: FieldPath): Errors {
  return each(listAt(of, "selectors"), path.child("selectors"), function* (selector, at) {
    const expression = textAt(selector, "cel", "expression");
    const where = at.child("cel", "expression");
    if (!has(selector, "cel")) yield fieldRequired(at.child("cel"));
    else if (Buffer.byteLength(expression) > maxExpressionBytes)
      yield fieldTooLong(where, maxExpressionBytes);
    else yield* deviceSelectorErrors(expression, where);
  });
}

const effects = ["NoExecute", "NoSchedule", "None"];

function* tolerationErrors(toleration: Members, path: FieldPath): Errors {
  const key = textAt(toleration, "key");
  if (key !== "") yield* invalids(path.child("key"), key, qualifiedNameErrors(key));
  const operator = textAt(toleration, "operator");
  const value = textAt(toleration, "value");
  if (operator === "Exists") {
    if (value !== "") yield fieldInvalid(path.child("value"), value, "must be empty for operator `Exists`");
  } else if (operator === "Equal") yield* invalids(path.child("value"), value, labelValueErrors(value));
  else if (operator === "") yield fieldRequired(path.child("operator"));
  else yield fieldNotSupported(path.child("operator"), operator, ["Equal", "Exists"]);
  const effect = textAt(toleration, "effect");
  if (effect !== "" && !effects.includes(effect))
    yield fieldNotSupported(path.child("effect"), effect, effects);
}

function* constraintErrors(constraint: Members, references: ReadonlySet<string>, path: FieldPath): Errors {
  yield* referenceErrors(textsAt(constraint, "requests"), references, path.child("requests"));
  const field = ["matchAttribute", "distinctAttribute"].find((one) => has(constraint, one));
  if (field !== undefined) yield* attributeErrors(textAt(constraint, field), path.child(field));
  else {
    const detail =
      'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    yield fieldRequired(path, detail);
  }
}

function* referenceErrors(
  names: readonly string[],
  references: ReadonlySet<string>,
  path: FieldPath,
): Errors {
  yield* each(names, path, function* (name, at) {
    const segments = name.split("/");
    if (segments.length <= 2) {
      for (const segment of segments) yield* invalids(at, segment, dns1123LabelErrors(segment));
      if (references.has(name)) return;
    }
    yield fieldInvalid(at, name, noRequest);
  });
  yield* duplicates(names, path);
}

/** `domain/name`. */
function* attributeErrors(name: string, path: FieldPath): Errors {
  const parts = name.split("/");
  const [first = "", second = ""] = parts;
  if (parts.length === 1) yield* identifierErrors(first, path);
  else if (parts.length === 2) {
    if (first === "") yield fieldInvalid(path, "", "the domain must not be empty");
    else yield* csiDriverNameErrors(first, path);
    if (second === "") yield fieldInvalid(path, "", "the name must not be empty");
    else yield* identifierErrors(second, path);
  }
  if (parts.length === 1)
    yield fieldInvalid(path, name, "a fully qualified name must be a domain and a name separated by a slash");
}

function* identifierErrors(id: string, path: FieldPath): Errors {
  if (Buffer.byteLength(id) > maxIdBytes) yield fieldTooLong(path, maxIdBytes);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(id)) {
    const message =
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    yield fieldInvalid(
      path,
      id,
      patternError(message, "[A-Za-z_][A-Za-z0-9_]*", "my_name", "MY_NAME", "MyName"),
    );
  }
}

function* opaqueErrors(config: Members, path: FieldPath): Errors {
  const at = path.child("opaque");
  if (!has(config, "opaque")) {
    yield fieldRequired(at);
    return;
  }
  const opaque = membersAt(config, "opaque");
  yield* csiDriverNameErrors(textAt(opaque, "driver"), at.child("driver"));
  const parameters = valueAt(opaque, "parameters");
  const where = at.child("parameters");
  if (parameters === undefined) yield fieldRequired(where);
  else if (Buffer.byteLength(JSON.stringify(parameters)) > maxParametersBytes)
    yield fieldTooLong(where, maxParametersBytes);
  else if (!isJsonObject(jsonOf(parameters)))
    yield fieldInvalid(where, "<value omitted>", "must be a valid JSON object");
}

export function* deviceClassErrors(object: KubeObject): Errors {
  const spec = membersAt(object, "spec");
  const path = FieldPath.of("spec");
  yield* selectorsErrors(spec, path);
  yield* each(listAt(spec, "config"), path.child("config"), opaqueErrors);
  const name = valueAt(spec, "extendedResourceName");
  if (name !== undefined && !isExtendedResource(String(name)))
    yield fieldInvalid(path.child("extendedResourceName"), name, "must be a valid extended resource name");
}

/** Names that are neither Kubernetes' own nor quotas'. */
const isExtendedResource = (name: string): boolean =>
  name.includes("/") &&
  !name.includes("kubernetes.io/") &&
  !name.startsWith("requests.") &&
  qualifiedNameErrors(`requests.${name}`).length === 0;
