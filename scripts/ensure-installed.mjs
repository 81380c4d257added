// Installs the locked dependencies once, and again when the lock file has changed since, under whatever Node the
// machine has (20 or newer). Nothing may be imported here that is not in every Node. Also runs by itself.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first Node with everything this program needs, type stripping on by default included. */
const oldestNode = [22, 19];

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the process with npm's message where the dependencies cannot be installed. */
export function ensureInstalled() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".myriad-installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stderr.write("Installing dependencies (npm ci --ignore-scripts) ...\n");
  const npm = process.env.npm_execpath;
  // npm itself runs on the machine's Node: the one under node_modules is about to be replaced.
  const [command, first] =
    npm === undefined ? ["npm", []] : [process.env.npm_node_execpath ?? process.execPath, [npm]];
  const shell = npm === undefined && process.platform === "win32";
  try {
    execFileSync(
      command,
      [...first, "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
      {
        cwd: root,
        shell,
        stdio: ["ignore", process.stderr, "inherit"],
      },
    );
  } catch {
    process.stderr.write("The dependencies could not be installed; npm's message is above.\n");
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

/** The Node to run the program with: this one, or the one that came with the dependencies. Ends the process if neither can. */
export function suitableNode() {
  if (isNewEnough(process.version)) return process.execPath;
  const installed = installedNode();
  if (installed !== undefined) return installed;
  process.stderr.write(
    `myriad needs Node ${oldestNode.join(".")} or newer; this is ${process.version}. ` +
      `There is no prebuilt Node package for ${process.platform} ${process.arch}: install a newer Node and try again.\n`,
  );
  process.exit(1);
}

/** The Node below node_modules; undefined where there is none that this machine can run. */
function installedNode() {
  const bin = join(root, "node_modules", ".bin");
  const names = readRuntimeNames();
  for (const name of names) {
    const file = join(root, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
    if (!existsSync(file)) continue;
    try {
      const version = execFileSync(file, ["--version"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      if (isNewEnough(version)) return realpathSync(file);
    } catch {
      // A binary for another C library (Alpine, for one): npm must not find it before the machine's own Node.
      for (const link of ["node", "node.cmd", "node.ps1"]) rmSync(join(bin, link), { force: true });
    }
  }
  return undefined;
}

function readRuntimeNames() {
  const manifest = JSON.parse(readFileSync(join(root, "scripts", "node-runtime", "package.json"), "utf8"));
  return Object.keys(manifest.optionalDependencies);
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  ensureInstalled();
  suitableNode();
}
