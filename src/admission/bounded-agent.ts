/** Connections to webhooks that are kept for the next call. */
import type { ClientRequest } from "node:http";
import { Agent } from "node:https";
import type { Socket } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** Idle connections that are kept, of all addresses and of one, and how long. */
const maxIdle = 128;
const maxIdleOfAddress = 4;
const idleMs = 30_000;

/** As Go does, names are taken from the alternative names only, never from the subject. */
function checkNames(host: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname === undefined) {
    return Object.assign(new Error("no names"), { code: "ERR_NO_SUBJECT_ALTERNATIVE_NAMES" });
  }
  return checkServerIdentity(host, certificate);
}

/** Keeps few idle connections: those above the bounds are closed after their call. */
export class BoundedAgent extends Agent {
  readonly #idle = new Map<Socket, () => void>();

  constructor() {
    super({
      keepAlive: true,
      maxFreeSockets: maxIdleOfAddress,
      timeout: idleMs,
      scheduling: "lifo",
      // Here, not in the request: Node keeps connections of requests with a check of their own apart.
      checkServerIdentity: checkNames,
    });
  }

  override keepSocketAlive(socket: Socket): boolean {
    // Node's types say void; its documentation says that false closes the socket.
    if (this.#idle.size >= maxIdle || (super.keepSocketAlive(socket) as unknown) === false) return false;
    const forget = (): void => void this.#idle.delete(socket);
    this.#idle.set(socket, forget);
    socket.once("close", forget);
    return true;
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    const forget = this.#idle.get(socket);
    if (forget !== undefined) socket.off("close", forget);
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }
}
