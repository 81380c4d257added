import type { ManagedFieldsEntry } from "#machinery/apply/managed.ts";
import type { Answer, LiveServer } from "./live-server.ts";

export const applyType = "application/apply-patch+yaml";

export interface ApplyRequest {
  /** Default `tester`. */
  readonly manager?: string;
  readonly force?: boolean;
  /** More of the query; begins with `&`. */
  readonly query?: string;
}

/** For tests: server-side apply in the default namespace of one workspace. */
export class ApplyClient {
  readonly #server: LiveServer;
  /** The path of the workspace. */
  readonly base: string;

  constructor(server: LiveServer, cluster: string) {
    this.#server = server;
    this.base = `/clusters/${cluster}`;
  }

  /** The path of an object; `resource` is `configmaps`, `apps/v1/deployments` and the like. */
  at(resource: string, name: string): string {
    const [plural, ...group] = resource.split("/").reverse();
    const root = group.length === 0 ? "api/v1" : `apis/${group.reverse().join("/")}`;
    return `${this.base}/${root}/namespaces/default/${plural}/${name}`;
  }

  apply(path: string, body: unknown, options: ApplyRequest = {}): Promise<Answer> {
    const { manager = "tester", force = false, query = "" } = options;
    const url = `${path}?fieldManager=${manager}&force=${force}${query}`;
    return this.#server.call("PATCH", url, { body, type: applyType });
  }
}

export const managedOf = ({ json }: Answer): ManagedFieldsEntry[] =>
  (json.metadata.managedFields ?? []) as ManagedFieldsEntry[];
