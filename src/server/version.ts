import { methodNotAllowedGeneric } from "#machinery/errors/errors.ts";
import type { Endpoint } from "./context.ts";

/** The release whose API is served; Helm and charts compare with it. */
export const KUBERNETES_VERSION = "1.36.3";

/** The body of `/version` (apimachinery version.Info). */
export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly emulationMajor: string;
  readonly emulationMinor: string;
  readonly minCompatibilityMajor: string;
  readonly minCompatibilityMinor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

/** `version` is this package's own: it stands behind a plus sign, where semantic versions carry what does not order. */
export function versionInfo(
  version: string,
  node: { version: string; platform: string; arch: string },
): VersionInfo {
  const [major = "", minor = ""] = KUBERNETES_VERSION.split(".");
  const arch = node.arch === "x64" ? "amd64" : node.arch;
  const platform = node.platform === "win32" ? "windows" : node.platform;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${KUBERNETES_VERSION}+myriad-${version}`,
    gitCommit: "",
    gitTreeState: "clean",
    // Clients show it; there is no build whose date could be told.
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: `node-${node.version}`,
    compiler: "v8",
    platform: `${platform}/${arch}`,
  };
}

export function versionEndpoint(info: VersionInfo): Endpoint {
  const body = Buffer.from(JSON.stringify(info, null, 2));
  return ({ exchange }) => {
    if (exchange.method !== "GET" && exchange.method !== "HEAD") throw methodNotAllowedGeneric();
    exchange.respond(200, { "content-type": "application/json" }, body);
  };
}
