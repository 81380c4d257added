import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { runProgram } from "../harness/program.ts";

/** A project whose definitions are taken from its Go module; the paths are folders in it. */
export type Module = {
  readonly module: string;
  readonly version: string;
  /** Folders whose YAML files hold CustomResourceDefinitions. */
  readonly definitions: readonly string[];
  /** Folders that are looked through for objects of these kinds. */
  readonly samples: readonly string[];
};

/** As much of a definition as is looked at. */
export type Definition = {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly conversion?: { readonly strategy: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema?: { readonly openAPIV3Schema?: Schema };
    }[];
  };
};

/** A node of a structural schema. */
export type Schema = { readonly [field: string]: unknown };

/** One YAML document of a file; `source` names it: `path` or `path#n`. */
export type Found = { readonly source: string; readonly text: string; readonly object: Sample };

/** As much of an object as is looked at. */
export type Sample = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly generateName?: string; readonly namespace?: string };
};

/** Larger files are data, not samples, in bytes. */
const largestSample = 100_000;

/** How long one download may take, in milliseconds. */
const downloadPatience = 300_000;

/** The folder of a module's files in Go's module cache, downloaded when it is not there yet. */
export async function download({ module, version }: Module): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "corpus-"));
  try {
    writeFileSync(join(folder, "go.mod"), "module corpus\n");
    const { stdout, stderr } = await runProgram(
      "sh",
      ["-c", `cd ${folder} && exec go mod download -json ${module}@${version}`],
      {
        env: process.env as Record<string, string>,
        patience: downloadPatience,
      },
    );
    const { Dir, Error: trouble } = JSON.parse(stdout || "{}") as { Dir?: string; Error?: string };
    assert.ok(Dir, `${module}@${version}: ${trouble ?? stderr}`);
    return Dir;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The YAML files below a folder, sorted; none where the folder is absent. */
export function yamlFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** The documents of a file that are objects; none where it is a template, too large, or no YAML. */
export function documents(root: string, path: string): Found[] {
  const text = readFileSync(path, "utf8");
  if (text.length > largestSample || text.includes("{{")) return [];
  return text.split(/^---.*$/m).flatMap((part, at) => {
    const [document, more] = parseAllDocuments(part);
    if (document === undefined || more !== undefined || !("errors" in document) || document.errors.length > 0)
      return [];
    const object: unknown = document.toJS();
    if (typeof object !== "object" || object === null) return [];
    const source = path.slice(root.length + 1) + (at === 0 ? "" : `#${at}`);
    return [{ source, text: part, object: object as Sample }];
  });
}

/** The definitions of a module, with the files that hold them. */
export function definitions(
  root: string,
  { definitions: folders }: Module,
): { files: string[]; found: Definition[] } {
  const files: string[] = [];
  const found: Definition[] = [];
  for (const path of folders.flatMap((folder) => yamlFiles(join(root, folder)))) {
    const text = readFileSync(path, "utf8");
    if (!/^kind: CustomResourceDefinition/m.test(text) || text.includes("{{")) continue;
    files.push(path);
    for (const document of parseAllDocuments(text)) {
      const object = "toJS" in document ? (document.toJS() as { kind?: string } | null) : null;
      if (object?.kind === "CustomResourceDefinition") found.push(object as unknown as Definition);
    }
  }
  return { files, found };
}
