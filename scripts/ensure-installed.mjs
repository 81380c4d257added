// Runs before `npm start` and `npm test`, under whatever Node the machine has (20 or newer), before anything
// is installed. It installs the locked dependencies once, and again when the lock file has changed since; then it
// makes sure that the Node which npm runs next (node_modules/.bin/node, else the machine's) can run TypeScript.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first Node with everything this program needs, type stripping on by default included. */
const oldestNode = [22, 19];

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function install() {
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
  try {
    execFileSync(
      command,
      [...first, "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
      {
        cwd: root,
        stdio: ["ignore", process.stderr, "inherit"],
      },
    );
  } catch {
    process.stderr.write("The dependencies could not be installed; npm's message is above.\n");
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

/** The version of the Node that came with the dependencies; undefined where there is none that this machine can run. */
function installedNodeVersion() {
  const bin = join(root, "node_modules", ".bin");
  if (!existsSync(join(bin, "node"))) return undefined;
  try {
    const shell = process.platform === "win32";
    return execFileSync(join(bin, shell ? "node.cmd" : "node"), ["--version"], {
      encoding: "utf8",
      shell,
      stdio: "pipe",
    });
  } catch {
    // A binary for another C library (Alpine, for one): npm must not find it before the machine's own Node.
    for (const name of ["node", "node.cmd", "node.ps1"]) rmSync(join(bin, name), { force: true });
    return undefined;
  }
}

const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
};

install();
// npm puts node_modules/.bin before everything else, so where it holds a Node, that one runs the program.
const version = (installedNodeVersion() ?? process.version).trim();
if (!isNewEnough(version)) {
  process.stderr.write(
    `myriad needs Node ${oldestNode.join(".")} or newer; this is ${version}. ` +
      `There is no prebuilt Node package for ${process.platform} ${process.arch}: install a newer Node and try again.\n`,
  );
  process.exit(1);
}
