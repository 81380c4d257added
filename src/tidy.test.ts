/**
 * The house rules that a machine can check. Goal: a rule that is broken fails the ordinary test run, with a message that
 * says where the code should go instead. Method: every tracked source file is read once, as text.
 */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { missingOptional } from "../scripts/lock.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A room imports only rooms before it in this list (ARCHITECTURE.md draws it). */
const rooms = [
  "base",
  "storage",
  "machinery",
  "api",
  "registry",
  "authn",
  "authz",
  "admission",
  "workspaces",
  "crds",
  "controllers",
  "server",
  "cli",
] as const;

/** Rooms with a shorter list than their place in the order gives them. */
const narrowRooms: Partial<Record<string, readonly string[]>> = {
  machinery: ["base"],
  api: ["base", "machinery"],
};

/** Rooms that do no input or output: what they need from the world is an argument. */
const pureRooms = ["machinery", "api"];
const inputOutput =
  /^node:(fs|net|tls|https?|http2|dgram|dns|child_process|cluster|worker_threads|os|process)(\/|$)/;
const clockOrChance = /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval)\(|\bnew Date\(\)/;

/** Longer files, each with its reason. */
const maxLines = 400;
const longFiles: Partial<Record<string, string>> = {};

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly string[];
}

const importPattern = /(?:^|[\s;])(?:import|export)\s(?:[^"';]*?\sfrom\s*)?"([^"]+)"|\bimport\(\s*"([^"]+)"/g;

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const imports = [...code.matchAll(importPattern)].map((match) => (match[1] ?? match[2])!);
  return { path, text, lines: text.split("\n"), imports };
}

const ignored = (path: string): boolean => /(^|\/)(node_modules|dist|results)(\/|$)/.test(path);
const list = (...patterns: string[]): string[] =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root, exclude: (name) => ignored(String(name)) }))
    .map((path) => path.replaceAll("\\", "/"))
    .sort();

const houses = "{src,scripts,bench,conformance,examples}";
const sources = list(`${houses}/**/*.{ts,mjs,js}`).map(readSource);
const isTest = (path: string): boolean => path.endsWith(".test.ts") || /\/(suite|testing)\//.test(path);
const roomOf = (path: string): string | undefined => {
  const [house, room, ...rest] = path.split("/");
  return house === "src" && rest.length > 0 ? room : undefined;
};
const roomSources = sources.filter(({ path }) => roomOf(path) !== undefined);

/** Fails with one line per offence. */
function expectNone(offences: readonly string[]): void {
  assert.deepEqual(offences, [], `${offences.length} offence(s):\n${offences.join("\n")}\n`);
}

test("every folder under src is a room of the list", () => {
  const known: readonly string[] = rooms;
  const unknown = roomSources.filter(({ path }) => !known.includes(roomOf(path)!));
  expectNone(
    unknown.map(
      ({ path }) =>
        `${path}: "${roomOf(path)}" is not a room: move it into one, or add the room to the order`,
    ),
  );
});

test("rooms import only rooms before them", () => {
  const offences: string[] = [];
  for (const { path, imports } of roomSources) {
    const room = roomOf(path)!;
    const order: readonly string[] = rooms;
    const allowed = [room, ...(narrowRooms[room] ?? order.slice(0, order.indexOf(room)))];
    for (const target of imports) {
      const imported = /^#([^/]+)\//.exec(target)?.[1];
      if (imported !== undefined && !allowed.includes(imported)) {
        offences.push(
          `${path} imports ${target}: ${room} may import ${allowed.join(", ")}; pass it in as an argument instead`,
        );
      }
    }
  }
  expectNone(offences);
});

test("relative imports stay inside their room; other rooms are imported as #room/file.ts", () => {
  const offences: string[] = [];
  for (const { path, imports } of roomSources) {
    const home = `src/${roomOf(path)}/`;
    for (const target of imports) {
      if (!target.startsWith(".")) continue;
      const file = normalize(join(dirname(path), target)).replaceAll("\\", "/");
      if (!file.startsWith(home)) offences.push(`${path} imports ${target}: write #room/file.ts`);
      else if (!existsSync(join(root, file)))
        offences.push(`${path} imports ${target}, which does not exist`);
    }
  }
  expectNone(offences);
});

test("imports inside the project name a file with its extension", () => {
  const offences = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => /^[.#]/.test(target) && !/\.(ts|mjs|js|json)$/.test(target))
      .map((target) => `${path} imports ${target}`),
  );
  expectNone(offences);
});

test("machinery and api do no input or output, and ask no clock and no dice", () => {
  const offences: string[] = [];
  for (const { path, imports, lines } of roomSources) {
    if (!pureRooms.includes(roomOf(path)!) || isTest(path)) continue;
    for (const target of imports.filter((name) => inputOutput.test(name)))
      offences.push(`${path} imports ${target}`);
    lines.forEach((line, index) => {
      const isComment = /^\s*(\/?\*|\/\/)/.test(line);
      if (!isComment && clockOrChance.test(line))
        offences.push(`${path}:${index + 1} ${line.trim()}: take it as an argument`);
    });
  }
  expectNone(offences);
});

test("conformance is black-box: it imports nothing from src", () => {
  const offences = sources
    .filter(({ path }) => path.startsWith("conformance/"))
    .flatMap(({ path, imports }) =>
      imports
        .filter((target) => target.startsWith("#") || /(^|\/)src\//.test(target))
        .map((target) => `${path} imports ${target}`),
    );
  expectNone(offences);
});

test("no default exports, no enums, no namespaces", () => {
  const offences: string[] = [];
  for (const { path, lines } of sources) {
    const isToolConfig = /\.config\.ts$/.test(path);
    lines.forEach((line, index) => {
      if (/^export default\b/.test(line) && !isToolConfig)
        offences.push(`${path}:${index + 1} default export: give it a name`);
      if (/^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s+\w/.test(line))
        offences.push(`${path}:${index + 1} enum: use a union of literals`);
      if (/^\s*(export\s+)?namespace\s+\w+\s*\{/.test(line))
        offences.push(`${path}:${index + 1} namespace: use a file`);
    });
  }
  expectNone(offences);
});

test(`files have at most ${maxLines} lines`, () => {
  const offences = sources
    .filter(({ path, lines }) => lines.length - 1 > maxLines && longFiles[path] === undefined)
    .map(({ path, lines }) => `${path} has ${lines.length - 1} lines: split it by idea`);
  const outdated = Object.keys(longFiles).filter(
    (path) => !sources.some((s) => s.path === path && s.lines.length - 1 > maxLines),
  );
  expectNone([...offences, ...outdated.map((path) => `${path} is no longer long: take it off the list`)]);
});

test("file and folder names are kebab-case", () => {
  const offences = sources
    .map(({ path }) => path)
    .filter(
      (path) => !path.split("/").every((part) => /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(part)),
    );
  expectNone(offences);
});

test("no unfinished marks, and no paths of somebody's machine", () => {
  const marks = new RegExp(
    `\\b(${["FIX", "X"].map((start) => start + (start === "X" ? "XX" : "ME")).join("|")})\\b`,
  );
  const machinePath = /(?<![\w.:*}\])-])\/(home|Users|work|mnt)\/[a-z]/;
  const texts = [
    ...sources,
    ...list("*.md", "docs/**/*.md", "{examples,conformance,bench}/**/*.md").map(readSource),
  ];
  const offences: string[] = [];
  for (const { path, lines } of texts) {
    if (path === "src/tidy.test.ts") continue;
    lines.forEach((line, index) => {
      if (marks.test(line) || machinePath.test(line)) offences.push(`${path}:${index + 1} ${line.trim()}`);
    });
  }
  expectNone(offences);
});

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  imports: Record<string, string>;
};

test("each room has its entry in the imports of package.json", () => {
  assert.deepEqual(
    manifest.imports,
    Object.fromEntries(rooms.map((room) => [`#${room}/*`, `./src/${room}/*`])),
  );
});

test("what the package runs is a dependency; tests and tools may also use development dependencies", () => {
  const offences: string[] = [];
  for (const { path, imports } of sources) {
    if (path.startsWith("conformance/") || path.startsWith("examples/")) continue;
    const ships = path.startsWith("src/") && !isTest(path);
    const allowed = {
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...(!ships && manifest.devDependencies),
    };
    for (const target of imports) {
      if (/^([.#]|node:)/.test(target)) continue;
      const name = target.split("/", target.startsWith("@") ? 2 : 1).join("/");
      if (!Object.hasOwn(allowed, name))
        offences.push(`${path} imports ${target}, which is no ${ships ? "" : "development "}dependency`);
    }
  }
  expectNone(offences);
});

test("docs/dependencies.md gives the reason for each dependency, and for nothing else", () => {
  const text = readFileSync(join(root, "docs/dependencies.md"), "utf8");
  const documented = [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
  const runtime = JSON.parse(readFileSync(join(root, "scripts/node-runtime/package.json"), "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  const declared = [
    manifest.dependencies,
    manifest.optionalDependencies,
    manifest.devDependencies,
    runtime.optionalDependencies,
  ].flatMap(Object.keys);
  assert.deepEqual(documented.toSorted(), declared.toSorted());
});

test("the lock holds the packages of every platform (else: node scripts/complete-lock.ts)", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  expectNone(missingOptional(lock).map(({ name, version }) => `${name}@${version}`));
});

test("ARCHITECTURE.md names every room", () => {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  expectNone(rooms.filter((room) => !text.includes(`${room}/`)));
});

test("docs/promises.md numbers its promises, and each names tests that exist", () => {
  const text = readFileSync(join(root, "docs/promises.md"), "utf8");
  const promises = text.split(/^(?=\d+\. )/m).slice(1);
  const offences = promises.flatMap((promise, index) => {
    const number = Number.parseInt(promise, 10);
    const tests = [...promise.matchAll(/`(src\/[^`]+|conformance\/[^`]+)`/g)].map((match) => match[1]!);
    return [
      ...(number === index + 1 ? [] : [`${number} should be ${index + 1}`]),
      ...(tests.length > 0 ? [] : [`promise ${number} names no test`]),
      ...tests.filter((path) => !existsSync(join(root, path))).map((path) => `${path} is not there`),
    ];
  });
  assert.ok(promises.length > 0);
  expectNone(offences);
});

test("documents have one title, and their links into the project lead somewhere", () => {
  const offences: string[] = [];
  for (const path of list("*.md", "docs/**/*.md", "src/**/*.md", "{examples,bench,conformance}/**/*.md")) {
    const text = readFileSync(join(root, path), "utf8").replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
    const titles = text.match(/^# /gm)?.length ?? 0;
    if (titles !== 1) offences.push(`${path} has ${titles} titles`);
    for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const target = match[1]!.replace(/#.*$/, "");
      if (target === "" || /^[a-z]+:/.test(target)) continue;
      if (!existsSync(resolve(root, dirname(path), target)))
        offences.push(`${path} links to ${target} (${basename(target)} is not there)`);
    }
  }
  expectNone(offences);
});
