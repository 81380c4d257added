/** Who asks, as authentication found out (`authentication.k8s.io` UserInfo). */
export interface UserInfo {
  readonly name: string;
  /** Empty when the credential names none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const GROUP_MASTERS = "system:masters";
export const GROUP_AUTHENTICATED = "system:authenticated";
export const GROUP_UNAUTHENTICATED = "system:unauthenticated";
const USER_ANONYMOUS = "system:anonymous";

/** The user of a request without credentials. */
export const anonymousUser: UserInfo = Object.freeze({
  name: USER_ANONYMOUS,
  uid: "",
  groups: Object.freeze([GROUP_UNAUTHENTICATED]),
  extra: Object.freeze({}),
});
