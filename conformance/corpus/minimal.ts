import type { Schema } from "./modules.ts";

// The smallest object that a schema asks for: required fields only, each with the first value that fits.

const words = [
  ...[
    "a",
    "example",
    "Example",
    "1h",
    "10s",
    "1",
    "1Gi",
    "10.0.0.1",
    "10.0.0.0/24",
    "80",
    "v1",
    "V1",
    "100%",
  ],
  ...[
    "https://example.com",
    "http://example.com",
    "example.com",
    "example.com/a",
    "/a",
    "oci://example.com/a",
  ],
  ...["2026-01-01T00:00:00Z", "64512", "aa:bb:cc:dd:ee:ff", "a=b", "key:value", `sha256:${"0".repeat(64)}`],
];

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function text(schema: Schema): string {
  const values = schema.enum as string[] | undefined;
  if (values?.[0] !== undefined) return values[0];
  if (schema.format === "date-time") return "2026-01-01T00:00:00Z";
  const least = number(schema.minLength) ?? 0;
  const pattern = typeof schema.pattern === "string" ? new RegExp(schema.pattern) : undefined;
  const fits = (word: string): boolean =>
    word.length >= least &&
    word.length <= (number(schema.maxLength) ?? 1000) &&
    (pattern?.test(word) ?? true);
  return words.find(fits) ?? "a".repeat(Math.max(1, least));
}

/** A value that has what `schema` requires; the server has the last word on whether it is valid. */
export function minimal(schema: Schema): unknown {
  if (schema["x-kubernetes-int-or-string"] === true) return number(schema.minimum) ?? 1;
  switch (schema.type) {
    case "string":
      return text(schema);
    case "boolean":
      return (schema.enum as boolean[] | undefined)?.[0] ?? false;
    case "integer":
    case "number":
      return (
        (schema.enum as number[] | undefined)?.[0] ??
        number(schema.minimum) ??
        Math.min(1, number(schema.maximum) ?? 1)
      );
    case "array":
      return Array.from({ length: Math.min(number(schema.minItems) ?? 0, 10) }, () =>
        minimal((schema.items ?? {}) as Schema),
      );
    default: {
      const properties = (schema.properties ?? {}) as Record<string, Schema>;
      return Object.fromEntries(
        ((schema.required ?? []) as string[]).flatMap((name) => {
          const property = properties[name];
          return property === undefined || property.default !== undefined ? [] : [[name, minimal(property)]];
        }),
      );
    }
  }
}
