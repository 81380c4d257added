/** Keys in paths of JSON patches (k8s.io/apiserver/pkg/cel/library/jsonpatch.go); only mutating policies have it. */
import { declare, type FunctionDeclaration } from "../functions.ts";

export const jsonPatchLibrary: readonly FunctionDeclaration[] = [
  declare("jsonpatch.escapeKey", [
    [
      "string_jsonpatch_escapeKey_string",
      "(string): string",
      (key) => (key as string).replaceAll(/[/~]/g, (letter) => (letter === "/" ? "~1" : "~0")),
    ],
  ]),
];
