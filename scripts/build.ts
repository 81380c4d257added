/**
 * Builds what is published: `dist/` with JavaScript and declarations. Node strips no types below node_modules, so a
 * package cannot ship `.ts`. The JavaScript is the source with its types stripped by Node itself, so what is published is
 * what was tested, line for line; only import specifiers change (`#room/x.ts` and `./x.ts` become relative `.js`).
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rewriteSpecifiers } from "./published-specifiers.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");

/** Not part of the package: tests, and what only tests use. */
const isPublished = (path: string): boolean =>
  !/\.(test|type-test|bench)\.ts$/.test(path) && !/(^|\/)(testdata|testing|suite|crash)\//.test(path);

function place(path: string, content: string): void {
  const file = join(target, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function build(): void {
  rmSync(target, { recursive: true, force: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const declarations = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (declarations.status !== 0)
    throw new Error("the declarations could not be made; the compiler's messages are above");
  const src = join(root, "src");
  const paths = globSync("**/*.{ts,json}", { cwd: src }).map((path) => path.replaceAll("\\", "/"));
  for (const path of paths.filter(isPublished)) {
    if (path.endsWith(".ts")) {
      const code = readFileSync(join(src, path), "utf8");
      place(path.replace(/\.ts$/, ".js"), rewriteSpecifiers(path, stripTypeScriptTypes(code)));
    } else {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      copyFileSync(join(src, path), join(target, path));
    }
  }
  for (const path of globSync("**/*.d.ts", { cwd: target }).map((name) => name.replaceAll("\\", "/"))) {
    if (isPublished(path.replace(/\.d\.ts$/, ".ts"))) {
      place(path, rewriteSpecifiers(path, readFileSync(join(target, path), "utf8")));
    } else {
      rmSync(join(target, path));
    }
  }
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  for (const file of Object.values(manifest.bin)) chmodSync(join(root, file), 0o755);
}

build();
