/** The `authorizer` of expressions: asks the server's own authorizer for the request's user, in the request's workspace. */
import type { Attributes, Authorizer, Decision } from "#authz/authorizer.ts";
import type { CelAccess, CelAuthorizer, CelDecision } from "#machinery/cel/libraries/authorizer.ts";
import type { Write } from "./write.ts";

type User = Attributes["user"];

/** Times an evaluation is repeated because it asked something whose answer had to be waited for. */
const maxRepetitions = 100;
/** Questions of one evaluation whose answers are kept. */
const maxAnswers = 1_000;

/** What all authorizers of one write share. */
interface Answers {
  readonly known: Map<string, CelDecision>;
  readonly pending: Map<string, Promise<void>>;
}

/**
 * Expressions do not wait. A question whose answer is not at hand is noted, and the evaluation repeated when it is there.
 */
export class RequestAuthorizer implements CelAuthorizer {
  readonly #authorizer: Authorizer;
  readonly #cluster: string;
  readonly #user: User;
  readonly #answers: Answers;

  private constructor(authorizer: Authorizer, cluster: string, user: User, answers: Answers) {
    this.#authorizer = authorizer;
    this.#cluster = cluster;
    this.#user = user;
    this.#answers = answers;
  }

  static of(authorizer: Authorizer, { attributes }: Write): RequestAuthorizer {
    const answers = { known: new Map(), pending: new Map() };
    return new RequestAuthorizer(authorizer, attributes.cluster, attributes.requester.user, answers);
  }

  /** The result of an evaluation with this authorizer. It must do nothing else than evaluate. */
  async settled<T>(evaluation: () => T | Promise<T>): Promise<T> {
    for (let i = 0; ; i++) {
      const result = await evaluation();
      const { pending } = this.#answers;
      if (pending.size === 0 || i === maxRepetitions) return result;
      await Promise.all(pending.values());
      pending.clear();
    }
  }

  check(access: CelAccess): CelDecision {
    const { known, pending } = this.#answers;
    const key = JSON.stringify([this.#user.name, access]);
    const answer = known.get(key);
    if (answer !== undefined) return answer;
    const keep = (decision: CelDecision): CelDecision => {
      if (known.size < maxAnswers) known.set(key, decision);
      return decision;
    };
    const decision = this.#authorizer.authorize(this.#attributes(access));
    if (!(decision instanceof Promise)) return keep(decided(decision));
    pending.set(
      key,
      decision.then(
        (late) => void keep(decided(late)),
        (error: Error) => void keep({ allowed: false, reason: "", error: error.message }),
      ),
    );
    return { allowed: false, reason: "", error: "the answer is not there yet" };
  }

  asServiceAccount(namespace: string, name: string): CelAuthorizer {
    const user = {
      name: `system:serviceaccount:${namespace}:${name}`,
      uid: "",
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      extra: {},
    };
    return new RequestAuthorizer(this.#authorizer, this.#cluster, user, this.#answers);
  }

  #attributes(access: CelAccess): Attributes {
    const resource = "path" in access ? undefined : access;
    return {
      user: this.#user,
      verb: access.verb,
      resourceRequest: resource !== undefined,
      namespace: resource?.namespace ?? "",
      apiGroup: resource?.group ?? "",
      apiVersion: resource === undefined ? "" : "*",
      resource: resource?.resource ?? "",
      subresource: resource?.subresource ?? "",
      name: resource?.name ?? "",
      path: "path" in access ? access.path : "",
      cluster: this.#cluster,
    };
  }
}

const decided = ({ decision, reason }: Decision): CelDecision => ({ allowed: decision === "allow", reason });
