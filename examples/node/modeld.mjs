// modeld from Node, written from docs/protocol.md alone. Needs the package `zeromq`.

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Dealer, Subscriber } from "zeromq";

const VERSION = 1;
const SILENCE_MS = 3000; // the daemon says something each second; after three without a word it is away

/** The daemon refused or failed; `code` is what a program branches on. */
export class Failed extends Error {
  constructor({ code, message, hint = "" }) {
    super(`${message} ${hint}`.trim());
    this.code = code;
  }
}

/** No daemon runs. */
export class Away extends Error {}

/** Where the connection file can be, the likeliest first. */
function connectionFiles({ MODELD_HOME, XDG_RUNTIME_DIR, XDG_DATA_HOME }) {
  if (MODELD_HOME) return [join(MODELD_HOME, "run", "connection.json")];
  const runtime = XDG_RUNTIME_DIR || `/run/user/${process.getuid()}`;
  const data = XDG_DATA_HOME || join(homedir(), ".local", "share");
  return [join(runtime, "modeld", "connection.json"), join(data, "modeld", "run", "connection.json")];
}

/** Where the daemon listens. Throws Away. */
export async function connection(environment = process.env) {
  const file = connectionFiles(environment).find(existsSync);
  if (!file) throw new Away("modeld is not running; start it with: modelctl up");
  let found;
  try {
    found = JSON.parse(await readFile(file, "utf8"));
    process.kill(found.pid, 0); // asks only; a daemon that was killed leaves its file behind
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error;
    throw new Away("modeld is not running; start it with: modelctl up");
  }
  if (found.v !== VERSION) throw new Error(`This daemon speaks version ${found.v} of the protocol, not ${VERSION}.`);
  return found;
}

/** Requests and their replies, over one DEALER; any number may be under way. */
export class Commands {
  #socket = new Dealer({ linger: 0 });
  #waiting = new Map(); // id -> what takes its replies
  #sending = Promise.resolve();

  static async open() {
    const commands = new Commands();
    commands.#socket.connect((await connection()).commands);
    commands.#receive();
    return commands;
  }

  async #receive() {
    for await (const [, body] of this.#socket) {
      const reply = JSON.parse(body);
      this.#waiting.get(reply.id)?.(reply);
    }
  }

  /** Sends one request; yields its chunks and, last, its result. Throws Failed. Leaving early cancels a generation. */
  async *stream(op, fields = {}) {
    const id = randomUUID();
    const arrived = [];
    let wake = () => {};
    this.#waiting.set(id, (reply) => {
      arrived.push(reply);
      wake();
    });
    let ended = false;
    try {
      await this.#send({ v: VERSION, id, op, ...fields });
      for (;;) {
        if (arrived.length === 0) await new Promise((resolve) => (wake = resolve));
        const reply = arrived.shift();
        if (reply === undefined) continue;
        ended = !("chunk" in reply);
        if (!reply.ok) throw new Failed(reply.error);
        yield ended ? reply.result : reply.chunk;
        if (ended) return;
      }
    } finally {
      this.#waiting.delete(id);
      if (!ended && fields.stream) await this.#send({ v: VERSION, id: randomUUID(), op: "cancel", request: id });
    }
  }

  /** Sends one request and returns its result. Throws Failed. */
  async ask(op, fields = {}) {
    let last;
    for await (const part of this.stream(op, fields)) last = part;
    return last;
  }

  close() {
    this.#socket.close();
  }

  #send(request) {
    // zeromq allows one send at a time on a socket.
    this.#sending = this.#sending.then(() => this.#socket.send(["", JSON.stringify(request)]));
    return this.#sending;
  }
}

/**
 * What the daemon knows, kept fresh: yields { models, event }, where models is a Map by key. `event` is null after each
 * snapshot: at the beginning, and whenever something was missed. Ends with the daemon.
 */
export async function* follow() {
  const events = new Subscriber({ linger: 0, receiveTimeout: SILENCE_MS });
  events.subscribe(); // 1. before the snapshot is asked for
  events.connect((await connection()).events);
  const commands = await Commands.open();
  const snapshot = async () => {
    const { epoch, seq, models } = (await commands.ask("snapshot")).snapshot;
    return { epoch, seq, models: new Map(models.map((model) => [model.key, model])) };
  };
  try {
    let known = await snapshot(); // 2. what arrives meanwhile waits in the socket
    yield { models: known.models, event: null };
    for await (const [, body] of events) {
      const event = JSON.parse(body);
      if (event.epoch === known.epoch && event.seq <= known.seq) continue; // 3. it is in the snapshot already
      // 4. another daemon, or 5. a hole, which a heartbeat shows as well
      if (event.epoch !== known.epoch || event.type === "heartbeat" || event.seq !== known.seq + 1) {
        known = await snapshot();
        yield { models: known.models, event: null };
        continue;
      }
      known.seq += 1;
      if (event.type === "model_changed") known.models.set(event.model.key, event.model);
      if (event.type === "model_removed") known.models.delete(event.model);
      yield { models: known.models, event };
      if (event.type === "daemon_stopping") return;
    }
  } catch (error) {
    if (error.code !== "EAGAIN") throw error; // 6. three seconds of silence
  } finally {
    events.close();
    commands.close();
  }
}
