/** A TCP proxy that tests cut, to come between a server and its etcd. */
import { connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  cut(): void;
  /** Breaks all connections; new ones are taken. */
  shake(): void;
  mend(): void;
  dispose(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let broken = false;
  const server = createServer((client) => {
    if (broken) return void client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const shake = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut() {
      broken = true;
      shake();
    },
    shake,
    mend() {
      broken = false;
    },
    async dispose() {
      broken = true;
      shake();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
