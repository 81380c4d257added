/** Where a webhook is, as its configuration says it. */
import { quote } from "#base/quote.ts";
import { WebhookCallError } from "./webhook-errors.ts";

/** `clientConfig` of webhook configurations, `spec.conversion.webhook.clientConfig` of CRDs. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    /** Default 443. */
    readonly port?: number;
  };
  /** PEM in base64, as JSON shows it; absent: the system's roots. */
  readonly caBundle?: string;
}

export interface WebhookTarget {
  readonly url: URL;
  /** As messages show it. */
  readonly shown: string;
  readonly host: string;
}

/**
 * The address, with the time limit in its query as upstream has it.
 * @throws WebhookCallError for services, and for what is no https address
 */
export function webhookTarget({ url: text, service }: WebhookClientConfig, timeoutMs: number): WebhookTarget {
  const timeout = `timeout=${Math.ceil(timeoutMs / 1_000)}s`;
  if (service !== undefined) {
    const { name, namespace, port = 443, path = "" } = service;
    const shown = `https://${name}.${namespace}.svc:${port}${path}?${timeout}`;
    throw new WebhookCallError(
      `Post ${quote(shown)}: service references are not supported, since nothing runs in a workspace that service "${namespace}/${name}" could lead to: use clientConfig.url`,
    );
  }
  if (text === undefined || text === "")
    throw new WebhookCallError("webhook configuration must have either service or URL", true);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.hostname === "")
    throw new WebhookCallError(`Unparsable URL: parse ${quote(text)}: not an https address`, true);
  url.search = timeout;
  url.hash = "";
  // As the client wrote it, not as URL normalises it.
  const shown = `${text.replace(/[?#].*$/s, "")}?${timeout}`;
  return { url, shown, host: url.hostname.replace(/^\[|\]$/g, "") };
}
