// A wire between one process and a server, which can be cut: then nothing goes through and nobody is told, as when packets
// are lost. Works without any rights on the machine.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Connection {
  readonly near: Socket;
  far: Socket | undefined;
}

export class Relay {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #targetPort = 0;
  #isCut = false;

  constructor() {
    this.#server = createServer((near) => this.#accept(near));
  }

  /** @returns the port on this machine that leads to the target once it is set */
  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  leadTo(port: number): void {
    this.#targetPort = port;
  }

  cut(): void {
    this.#isCut = true;
    for (const { near, far } of this.#connections) {
      near.pause();
      far?.pause();
    }
  }

  /** What had been sent meanwhile arrives late; with `reset`, connections break instead. */
  heal({ reset }: { readonly reset: boolean }): void {
    this.#isCut = false;
    for (const connection of this.#connections) {
      if (reset) connection.near.destroy();
      else if (connection.far === undefined) this.#join(connection);
      connection.far?.resume();
      connection.near.resume();
    }
  }

  close(): void {
    this.#server.close();
    for (const { near } of this.#connections) near.destroy();
  }

  #accept(near: Socket): void {
    const connection: Connection = { near, far: undefined };
    this.#connections.add(connection);
    near.setNoDelay(true);
    near.on('error', () => undefined);
    near.once('close', () => {
      this.#connections.delete(connection);
      connection.far?.destroy();
    });
    if (this.#isCut) near.pause();
    else this.#join(connection);
  }

  #join(connection: Connection): void {
    const { near } = connection;
    const far = connect(this.#targetPort, '127.0.0.1');
    connection.far = far;
    far.setNoDelay(true);
    far.on('error', () => undefined);
    far.once('close', () => near.destroy());
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => near.write(data));
  }
}
