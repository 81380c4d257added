/** Values in error texts: the JSON that Go makes of upstream's internal types, which have no names for JSON of their own. */
import { sortedCopy } from "#machinery/json/sorted.ts";
import type { InternalVersion } from "./internal.ts";
import type { Props, PropsOrArray, PropsOrBool, RuleProps } from "./props.ts";

const orNull = <T, R>(value: T | undefined, show: (value: T) => R): R | null =>
  value === undefined ? null : show(value);
const same = <T>(value: T): T => value;

export function goProps(props: Props): Record<string, unknown> {
  return {
    ID: props.id ?? "",
    Schema: props.$schema ?? "",
    Ref: orNull(props.$ref, same),
    Description: props.description ?? "",
    Type: props.type ?? "",
    Nullable: props.nullable === true,
    Format: props.format ?? "",
    Title: props.title ?? "",
    Default: orNull(props.default, sortedCopy),
    Maximum: orNull(props.maximum, same),
    ExclusiveMaximum: props.exclusiveMaximum === true,
    Minimum: orNull(props.minimum, same),
    ExclusiveMinimum: props.exclusiveMinimum === true,
    MaxLength: orNull(props.maxLength, same),
    MinLength: orNull(props.minLength, same),
    Pattern: props.pattern ?? "",
    MaxItems: orNull(props.maxItems, same),
    MinItems: orNull(props.minItems, same),
    UniqueItems: props.uniqueItems === true,
    MultipleOf: orNull(props.multipleOf, same),
    Enum: orNull(props.enum, (values) => values.map(sortedCopy)),
    MaxProperties: orNull(props.maxProperties, same),
    MinProperties: orNull(props.minProperties, same),
    Required: orNull(props.required, same),
    Items: orNull(props.items, goItems),
    AllOf: orNull(props.allOf, (all) => all.map(goProps)),
    OneOf: orNull(props.oneOf, (all) => all.map(goProps)),
    AnyOf: orNull(props.anyOf, (all) => all.map(goProps)),
    Not: orNull(props.not, goProps),
    Properties: orNull(props.properties, goMap),
    AdditionalProperties: orNull(props.additionalProperties, goOrBool),
    PatternProperties: orNull(props.patternProperties, goMap),
    Dependencies: orNull(props.dependencies, (all) =>
      Object.fromEntries(
        [...all].map(([key, { schema, property }]) => [
          key,
          { Schema: orNull(schema, goProps), Property: orNull(property, same) },
        ]),
      ),
    ),
    AdditionalItems: orNull(props.additionalItems, goOrBool),
    Definitions: orNull(props.definitions, goMap),
    ExternalDocs: orNull(props.externalDocs, ({ description, url }) => ({
      Description: description,
      URL: url,
    })),
    Example: orNull(props.example, sortedCopy),
    XPreserveUnknownFields: orNull(props.preserveUnknownFields, same),
    XEmbeddedResource: props.embeddedResource === true,
    XIntOrString: props.intOrString === true,
    XListMapKeys: orNull(props.listMapKeys, same),
    XListType: orNull(props.listType, same),
    XMapType: orNull(props.mapType, same),
    XValidations: orNull(props.validations, (rules) => rules.map(goRule)),
  };
}

export const goItems = ({ schema, schemas }: PropsOrArray): Record<string, unknown> => ({
  Schema: orNull(schema, goProps),
  JSONSchemas: orNull(schemas, (all) => all.map(goProps)),
});

const goOrBool = ({ allows, schema }: PropsOrBool): Record<string, unknown> => ({
  Allows: allows,
  Schema: orNull(schema, goProps),
});

const goMap = (map: ReadonlyMap<string, Props>): Record<string, unknown> =>
  Object.fromEntries([...map].map(([key, props]) => [key, goProps(props)]));

export const goRule = (rule: RuleProps): Record<string, unknown> => ({
  Rule: rule.rule,
  Message: rule.message,
  MessageExpression: rule.messageExpression,
  Reason: orNull(rule.reason, same),
  FieldPath: rule.fieldPath,
  OptionalOldSelf: orNull(rule.optionalOldSelf, same),
});

export const goVersion = (version: InternalVersion): Record<string, unknown> => ({
  Name: version.name,
  Served: version.served,
  Storage: version.storage,
  Deprecated: version.deprecated,
  DeprecationWarning: orNull(version.deprecationWarning, same),
  Schema: orNull(version.schema, ({ props }) => ({ OpenAPIV3Schema: orNull(props, goProps) })),
  Subresources: orNull(version.subresources, ({ status, scale }) => ({
    Status: status ? {} : null,
    Scale: orNull(scale, (paths) => ({
      SpecReplicasPath: paths.specReplicasPath,
      StatusReplicasPath: paths.statusReplicasPath,
      LabelSelectorPath: orNull(paths.labelSelectorPath, same),
    })),
  })),
  AdditionalPrinterColumns: orNull(version.columns, (columns) =>
    columns.map((column) => ({
      Name: column.name,
      Type: column.type,
      Format: column.format,
      Description: column.description,
      Priority: column.priority,
      JSONPath: column.jsonPath,
    })),
  ),
  SelectableFields: orNull(version.selectableFields, (fields) => fields.map((path) => ({ JSONPath: path }))),
});
