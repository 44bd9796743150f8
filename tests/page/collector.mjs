// A collector of the tests' own, with a file and ports of its own, which keeps both across a restart.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Collector {
  #program;
  #place = null;
  #process = null;
  /** Where it takes lines and where it serves, once it has said so. */
  #listen = "127.0.0.1:0";
  #serve = "127.0.0.1:0";

  constructor(program) {
    this.#program = program;
  }

  get base() {
    return `http://${this.#serve}/`;
  }

  /** Where it takes what is sent to it. */
  get listening() {
    return this.#listen;
  }

  /** Where it serves, as a browser names it. */
  get origin() {
    return `http://${this.#serve}`;
  }

  async start(...more) {
    this.#place ??= await mkdtemp(join(tmpdir(), "netlog-page-"));
    const options = ["--listen", `tcp://${this.#listen}`, "--http", this.#serve, "--file", join(this.#place, "records.log"), ...more];
    this.#process = spawn(this.#program, options, { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface({ input: this.#process.stderr })) {
      this.#listen = /^listening on tcp:\/\/(.*)$/.exec(line)?.[1] ?? this.#listen;
      this.#serve = /^serving http:\/\/(.*)$/.exec(line)?.[1] ?? this.#serve;
      if (line.startsWith("serving")) break;
    }
    this.#process.stderr.resume();
  }

  /** Kills it, as a crash would. */
  async stop() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  async end() {
    await this.stop();
    await rm(this.#place, { recursive: true });
  }

  /** Sends records as lines of JSON; they are in the file when the collector has closed in turn. */
  async put(records) {
    const [host, port] = this.#listen.split(":");
    const socket = connect(Number(port), host);
    socket.resume().end(records.map(({ peer, ...sent }) => `${JSON.stringify(sent)}\n`).join(""));
    await once(socket, "close");
  }
}
