/** An HTTP/2 TLS server that does nothing: the upper bound for any server on this platform. Arguments: port, body bytes. */
import { createSecureServer } from "node:http2";
import { createPki } from "./throwaway-pki.ts";

const [port = "0", bytes = "1024"] = process.argv.slice(2);
const { caPem, certPem, keyPem } = createPki();
const body = Buffer.alloc(Number(bytes), "x");
const server = createSecureServer({ cert: certPem, key: keyPem });
server.on("stream", (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/json", "content-length": body.length });
  stream.end(body);
});
server.listen(Number(port), "127.0.0.1", () => process.stdout.write(`${caPem}READY\n`));
process.on("SIGTERM", () => process.exit(0));
