/**
 * What `npm pack` makes works in an empty project. Method: pack, install the file as a user would, then compile and run a
 * program against it. Nothing of the repository is in reach of that project.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);
const timeout = 900_000;

let project: string;

before(async () => {
  project = await mkdtemp(join(tmpdir(), "myriad-pack-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: repository,
    timeout,
  });
  // What the build prints stands before npm's answer.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m))) as {
    filename: string;
    files: { path: string }[];
  }[];
  assert.ok(packed !== undefined);
  const strangers = packed.files
    .map(({ path }) => path)
    .filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE$)/.test(path));
  assert.deepEqual(strangers, [], "only the built package, and what npm always adds, is packed");
  const tests = packed.files
    .map(({ path }) => path)
    .filter((path) => /\.test\.|\.ts$/.test(path) && !path.endsWith(".d.ts"));
  assert.deepEqual(tests, [], "neither tests nor TypeScript sources are packed");
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  const file = join(project, basename(packed.filename));
  await run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", file], {
    cwd: project,
    timeout,
  });
});

after(() => rm(project, { recursive: true, force: true }));

const program = `import { type Kubeconfig, type RunningServer, type ServedWorkspace, startServer } from "myriad";

const server: RunningServer = await startServer();
const workspace: ServedWorkspace = await server.createWorkspace("packed", { type: "kubernetes" });
const config: Kubeconfig = workspace.kubeconfig;
const names: readonly string[] = config.contexts.map((context) => context.name);
console.log(JSON.stringify({ path: workspace.path, url: workspace.url.startsWith(server.url), names }));
await server.close();
`;

test("its types hold in a strict project that knows neither Node's types nor ours", async () => {
  await mkdir(join(project, "src"), { recursive: true });
  await writeFile(
    join(project, "src/main.ts"),
    `declare const console: { log(text: string): void };\n${program}`,
  );
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: [],
    rootDir: "src",
    outDir: "out",
  };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  const result = await run(process.execPath, [tsc, "-p", project], { timeout }).catch(
    (error) => error as { stdout: string },
  );
  assert.equal(result.stdout, "");
});

test("a compiled program starts a server, makes a workspace, and ends by itself", async () => {
  const { stdout } = await run(process.execPath, ["out/main.js"], { cwd: project, timeout });
  assert.deepEqual(JSON.parse(stdout), { path: "root:packed", url: true, names: ["root:packed"] });
});

test("its server keeps data in the embedded store, which its tool reads, and ends by SIGTERM", async () => {
  const bin = join(project, "node_modules/.bin/myriad");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` };
  const server = spawn(bin, ["start", "--secure-port", "0", "--root-directory", "data"], {
    cwd: project,
    env,
  });
  const errors = text(server.stderr);
  const ended = new Promise<number | null>((resolve) => server.once("exit", resolve));
  const output = await new Promise<string>((resolve) => {
    let seen = "";
    server.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString("utf8");
      if (seen.includes("myriad is ready at")) resolve(seen);
    });
    server.once("exit", () => resolve(seen));
  });
  server.kill("SIGTERM");
  assert.equal(await ended, 0, `${output}${await errors}`);
  const { stdout } = await run(
    bin,
    [
      "store",
      "get",
      "/registry/core/namespaces/root/",
      "--prefix",
      "--keys-only",
      "--root-directory",
      "data",
    ],
    { cwd: project, env, timeout },
  );
  assert.deepEqual(stdout.split("\n\n"), [
    "/registry/core/namespaces/root/default",
    "/registry/core/namespaces/root/kube-system",
    "",
  ]);
});

test("its commands run", async () => {
  const manifest = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as {
    version: string;
    bin: Record<string, string>;
  };
  for (const name of Object.keys(manifest.bin)) {
    const { stdout } = await run(join(project, "node_modules/.bin", name), ["--version"], {
      timeout,
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` },
    });
    assert.equal(stdout, `${manifest.version}\n`, name);
  }
});
