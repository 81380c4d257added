/** IP addresses as Go's net.ParseIP reads them; sloppy: leading zeros are taken, as before Go 1.17 (k8s.io/utils/net). */

/** Longer texts are no address. */
const maxLength = 256;

export const isIp = (text: string, sloppy = false): boolean =>
  text.length <= maxLength && (text.includes(":") ? isV6(text, sloppy) : isV4(text, sloppy));

export function isV4(text: string, sloppy = false): boolean {
  const parts = text.split(".");
  if (parts.length !== 4) return false;
  return parts.every(
    (part) => (sloppy ? /^0*[0-9]{1,3}$/ : /^(?:0|[1-9][0-9]{0,2})$/).test(part) && Number(part) <= 255,
  );
}

/** Eight groups, a `::` in place of some, the last two perhaps as an IPv4 address. No zone. */
function isV6(text: string, sloppy: boolean): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    if (half === "") {
      if (halves.length === 1) return false;
      continue;
    }
    const parts = half.split(":");
    for (let j = 0; j < parts.length; j++) {
      const part = parts[j]!;
      const last = i === halves.length - 1 && j === parts.length - 1;
      if (last && part.includes(".")) {
        if (!isV4(part, sloppy)) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return false;
        groups++;
      }
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** An address, sloppily read, and a prefix length. */
export function isCidr(text: string): boolean {
  if (text.length > maxLength) return false;
  const slash = text.indexOf("/");
  if (slash < 0) return false;
  const address = text.slice(0, slash);
  const length = text.slice(slash + 1);
  if (!/^0*[0-9]{1,3}$/.test(length)) return false;
  if (isV4(address, true)) return Number(length) <= 32;
  return address.includes(":") && isIp(address, true) && Number(length) <= 128;
}
