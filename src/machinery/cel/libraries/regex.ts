/** Kubernetes' regular expressions (k8s.io/apiserver/pkg/cel/library/regex.go). */
import { declare, type FunctionDeclaration } from "../functions.ts";
import { find, findAll } from "../regex.ts";

export const regexLibrary: readonly FunctionDeclaration[] = [
  declare("find", [["string_find_string", "string.(string): string", find]]),
  declare("findAll", [
    ["string_find_all_string", "string.(string): list(string)", findAll],
    ["string_find_all_string_int", "string.(string, int): list(string)", findAll],
  ]),
];
