/** What an event tells of a request besides its attributes (k8s.io/apiserver pkg/audit/request.go, apimachinery util/net SourceIPs). */
import { isIP } from "node:net";
import type { Exchange } from "../exchange.ts";

const maxUserAgentLength = 1024;

export function userAgentOf(exchange: Exchange): string {
  const agent = exchange.header("user-agent") ?? "";
  return agent.length > maxUserAgentLength ? `${agent.slice(0, maxUserAgentLength)}...TRUNCATED` : agent;
}

/**
 * The path and query as sent, without `/clusters/<name>`: annotations tell the workspace (kcp takes the prefix away before it
 * audits).
 */
export function requestUriOf({ rawPath, rawQuery }: Exchange): string {
  let path = rawPath;
  if (path.startsWith("/clusters/")) {
    const end = path.indexOf("/", 10);
    path = end < 0 ? "/" : path.slice(end);
  }
  return rawQuery === "" ? path : `${path}?${rawQuery}`;
}

/** From the first proxy to the peer of the connection. All but the last may be invented by the client. */
export function sourceIpsOf(exchange: Exchange): string[] {
  const ips: string[] = [];
  for (const part of (exchange.header("x-forwarded-for") ?? "").split(",")) {
    const ip = canonicalIp(part.trim());
    if (ip !== undefined) ips.push(ip);
  }
  const real = canonicalIp(exchange.header("x-real-ip") ?? "");
  if (real !== undefined && !ips.includes(real)) ips.push(real);
  const remote = canonicalIp(exchange.connection.remoteAddress);
  if (remote !== undefined && ips.at(-1) !== remote) ips.push(remote);
  return ips;
}

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

function canonicalIp(text: string): string | undefined {
  const plain = mapped.exec(text)?.[1] ?? text;
  const family = isIP(plain);
  if (family === 0 || plain.includes("%")) return undefined;
  return family === 4 ? plain : new URL(`http://[${plain}]`).hostname.slice(1, -1);
}
