/** Security contexts of pods and containers (pkg/apis/core/validation ValidateSecurityContext, validatePodSpecSecurityContext). */
import { trimSpace } from "#base/spaces.ts";
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from "#machinery/errors/field-error.ts";
import type { FieldPath } from "#machinery/errors/field-path.ts";
import { listAt, type Members, membersAt, textAt, textsAt, valueAt } from "../strategies/members.ts";
import {
  type Errors,
  has,
  inclusiveRange,
  maxInt32,
  numberAt,
  optionalWord,
  relativePath,
} from "./checks.ts";

const sysctlPattern = String.raw`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`;
const sysctlPart = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const maxSysctlLength = 253;

function* idErrors(of: Members, path: FieldPath, ...fields: readonly string[]): Errors {
  for (const field of fields) yield* oneIdErrors(numberAt(of, field), path.child(field));
}

function* oneIdErrors(id: number | undefined, path: FieldPath): Errors {
  if (id !== undefined && (id < 0 || id > maxInt32))
    yield fieldInvalid(path, id, inclusiveRange(0, maxInt32));
}

/** `hostUsers`: the pod's containers have the users of their host. */
export function* securityContextErrors(container: Members, path: FieldPath, hostUsers: boolean): Errors {
  const context = membersAt(container, "securityContext");
  yield* idErrors(context, path, "runAsUser", "runAsGroup");
  yield* optionalWord(context, "procMount", path, ["Default", "Unmasked"]);
  if (hostUsers && textAt(context, "procMount") === "Unmasked")
    yield fieldInvalid(path.child("procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
  yield* profileErrors(context, "seccompProfile", "seccomp", path);
  if (valueAt(context, "allowPrivilegeEscalation") === false) {
    if (valueAt(context, "privileged") === true) {
      const detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
      yield fieldInvalid(path, context, detail);
    }
    if (textsAt(context, "capabilities", "add").includes("CAP_SYS_ADMIN")) {
      const detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
      yield fieldInvalid(path, context, detail);
    }
  }
  yield* profileErrors(context, "appArmorProfile", "AppArmor", path);
}

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"] as const;

function* profileErrors(of: Members, field: string, name: string, parent: FieldPath): Errors {
  if (!has(of, field)) return;
  const profile = membersAt(of, field);
  const path = parent.child(field);
  const type = textAt(profile, "type");
  const local = valueAt(profile, "localhostProfile");
  const at = path.child("localhostProfile");
  if (type === "") yield fieldRequired(path.child("type"), `type is required when ${field} is set`);
  else if (!(profileTypes as readonly string[]).includes(type))
    yield fieldNotSupported(path.child("type"), type, profileTypes);
  if (type === "Localhost") {
    if (local === undefined || (local === "" && field === "appArmorProfile"))
      yield fieldRequired(at, `must be set when ${name} type is Localhost`);
    else if (field === "seccompProfile") yield* relativePath(String(local), at);
    else if (trimSpace(String(local)) !== local)
      yield fieldInvalid(at, local, "must not be padded with whitespace");
  } else if (local !== undefined)
    yield fieldInvalid(
      at,
      field === "seccompProfile" ? profile : local,
      `can only be set when ${name} type is Localhost`,
    );
}

export function* podSecurityErrors(spec: Members, path: FieldPath): Errors {
  const context = membersAt(spec, "securityContext");
  yield* idErrors(context, path, "fsGroup", "runAsUser", "runAsGroup");
  for (const index of listAt(context, "supplementalGroups").keys()) {
    const group = numberAt(context, "supplementalGroups", String(index));
    yield* oneIdErrors(group, path.child("supplementalGroups").index(index));
  }
  if (valueAt(spec, "shareProcessNamespace") === true && valueAt(spec, "hostPID") === true) {
    const detail = "ShareProcessNamespace and HostPID cannot both be enabled";
    yield fieldInvalid(path.child("shareProcessNamespace"), true, detail);
  }
  const names = new Set<string>();
  for (const [index, sysctl] of listAt(context, "sysctls").entries()) {
    const at = path.child("sysctls").index(index).child("name");
    const name = textAt(sysctl, "name");
    if (name === "") yield fieldRequired(at);
    else if (name.length > maxSysctlLength || !name.split(/[./]/).every((part) => sysctlPart.test(part))) {
      const detail = `must have at most ${maxSysctlLength} characters and match regex ${sysctlPattern}`;
      yield fieldInvalid(at, name, detail);
    } else if (names.has(name)) yield fieldDuplicate(at, name);
    names.add(name);
  }
  yield* optionalWord(context, "fsGroupChangePolicy", path, ["Always", "OnRootMismatch"]);
  yield* profileErrors(context, "seccompProfile", "seccomp", path);
  yield* profileErrors(context, "appArmorProfile", "AppArmor", path);
  yield* optionalWord(context, "supplementalGroupsPolicy", path, ["Merge", "Strict"]);
  yield* optionalWord(context, "seLinuxChangePolicy", path, ["MountOption", "Recursive"]);
}
