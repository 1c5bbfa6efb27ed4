#!/usr/bin/env node
// node client.mjs list
// node client.mjs load smollm2
// node client.mjs chat smollm2 "Why is the sky blue?"
// node client.mjs follow

import { setTimeout as sleep } from "node:timers/promises";
import { Away, Commands, Failed, follow } from "./modeld.mjs";

const verbs = {
  async list(commands) {
    for (const model of (await commands.ask("list")).models) console.log(model.key, model.state);
  },

  async load(commands, key) {
    const { model } = await commands.ask("load", { model: key, wait: true });
    console.log(model.key, model.state, model.loaded.memory_bytes);
  },

  async chat(commands, key, text) {
    const messages = [{ role: "user", content: text }];
    for await (const part of commands.stream("chat", { model: key, messages, max_tokens: 64, stream: true })) {
      if (part.generation) {
        const { finish, completion_tokens, context_used } = part.generation;
        console.log(`\n[${finish}: ${completion_tokens} tokens, context ${context_used}]`);
      } else {
        process.stdout.write(part.text);
      }
    }
  },
};

async function showEvents() {
  for (;;) {
    try {
      for await (const { models, event } of follow()) {
        if (event === null) console.log("snapshot", models.size);
        else if (event.type === "model_changed") console.log(event.seq, event.type, event.model.key, event.model.state);
        else console.log(event.seq, event.type);
      }
    } catch (error) {
      if (!(error instanceof Away)) throw error;
    }
    console.log("away");
    await sleep(1000);
  }
}

const [verb, ...words] = process.argv.slice(2);
if (verb === "follow") {
  await showEvents();
} else if (verb in verbs && verbs[verb].length === words.length + 1) {
  let commands;
  try {
    commands = await Commands.open();
    await verbs[verb](commands, ...words);
  } catch (error) {
    if (!(error instanceof Failed || error instanceof Away)) throw error;
    console.error(`${error.code ?? "away"}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    commands?.close();
  }
} else {
  console.error("usage: node client.mjs list | load KEY | chat KEY TEXT | follow");
  process.exitCode = 2;
}
