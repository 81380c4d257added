/** Import specifiers as they read in the published package. Pure text. */
import { posix } from "node:path";

/** The specifier as it reads in `dist/<path>`: `#room/x.ts` relative to the file, `.ts` as `.js`. */
export function publishedSpecifier(path: string, specifier: string): string {
  if (specifier.startsWith("#")) {
    const relative = posix.relative(posix.dirname(path), specifier.slice(1));
    return publishedSpecifier(path, relative.startsWith(".") ? relative : `./${relative}`);
  }
  return specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier;
}

/** Rewrites the specifiers of import and export statements and of `import()`, also in declarations (`import("./x.ts").T`). */
export function rewriteSpecifiers(path: string, code: string): string {
  const rewrite = (_: string, before: string, name: string): string =>
    `${before}"${publishedSpecifier(path, name)}"`;
  return code
    .replace(/^(\s*(?:import|export)\s(?:[^"';()]*?\bfrom\s*)?)"([#.][^"]+)"/gm, rewrite)
    .replace(/(\bimport\(\s*)"([#.][^"]+)"/g, rewrite);
}
