/** Named formats of strings (k8s.io/apiserver/pkg/cel/library/format.go). */
import { dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors } from "#machinery/names/dns.ts";
import { labelValueErrors, qualifiedNameErrors } from "#machinery/names/labels.ts";
import { formatCheck } from "#machinery/structural/formats/formats.ts";
import { declare, type FunctionDeclaration } from "../functions.ts";
import type { CelType } from "../types.ts";
import {
  type CelError,
  CelOpaque,
  CelOptional,
  type CelValue,
  noSuchOverload,
  optionalNone,
  ValueList,
} from "../values.ts";
import { parseRequestUrl } from "./go-url.ts";
import { opaqueStruct } from "./opaque.ts";

export const formatType: CelType = opaqueStruct("kubernetes.NamedFormat");

export class CelFormat extends CelOpaque {
  override readonly type = formatType;
  readonly name: string;
  /** Characters of the regular expression that costs count. */
  readonly regexSize: number;
  readonly errors: (text: string) => readonly string[];

  constructor(name: string, regexSize: number, errors: (text: string) => readonly string[]) {
    super();
    this.name = name;
    this.regexSize = regexSize;
    this.errors = errors;
  }

  override equals(other: CelValue): boolean | CelError {
    return other instanceof CelFormat ? this.name === other.name : noSuchOverload;
  }
}

const checked =
  (format: string, error: string) =>
  (text: string): readonly string[] =>
    formatCheck(format)!(text) ? [] : [error];

function uriErrors(text: string): readonly string[] {
  const url = parseRequestUrl(text);
  return url instanceof Error ? [url.message] : [];
}

const formats: ReadonlyMap<string, CelFormat> = new Map([
  ["dns1123Label", new CelFormat("DNS1123Label", 30, (text) => dns1123LabelErrors(text))],
  ["dns1123Subdomain", new CelFormat("DNS1123Subdomain", 60, (text) => dns1123SubdomainErrors(text))],
  ["dns1035Label", new CelFormat("DNS1035Label", 30, (text) => dns1035LabelErrors(text))],
  ["qualifiedName", new CelFormat("QualifiedName", 60, qualifiedNameErrors)],
  ["dns1123LabelPrefix", new CelFormat("DNS1123LabelPrefix", 30, (text) => dns1123LabelErrors(text, true))],
  [
    "dns1123SubdomainPrefix",
    new CelFormat("DNS1123SubdomainPrefix", 60, (text) => dns1123SubdomainErrors(text, true)),
  ],
  ["dns1035LabelPrefix", new CelFormat("DNS1035LabelPrefix", 30, (text) => dns1035LabelErrors(text, true))],
  ["labelValue", new CelFormat("LabelValue", 40, labelValueErrors)],
  ["uri", new CelFormat("URI", 1103, uriErrors)],
  ["uuid", new CelFormat("uuid", 70, checked("uuid", "does not match the UUID format"))],
  ["byte", new CelFormat("byte", 84, checked("byte", "invalid base64"))],
  ["date", new CelFormat("date", 71, checked("date", "invalid date"))],
  ["datetime", new CelFormat("datetime", 71, checked("datetime", "invalid datetime"))],
]);

const types = new Map([["Format", formatType]]);

export const formatLibrary: readonly FunctionDeclaration[] = [
  ...Array.from(formats, ([name, format]) =>
    declare(`format.${name}`, [[`format.${name}`, "(): Format", () => format]], { types }),
  ),
  declare(
    "format.named",
    [
      [
        "format-named",
        "(string): optional(Format)",
        (name) => {
          const format = formats.get(name as string);
          return format === undefined ? optionalNone : new CelOptional(format);
        },
      ],
    ],
    { types },
  ),
  declare(
    "validate",
    [
      [
        "format-validate",
        "Format.(string): optional(list(string))",
        (format, text) => {
          if (!(format instanceof CelFormat)) return noSuchOverload;
          const errors = format.errors(text as string);
          return errors.length === 0 ? optionalNone : new CelOptional(new ValueList(errors));
        },
      ],
    ],
    { types },
  ),
];
