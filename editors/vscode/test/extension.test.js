// The extension loaded with a small `vscode` in the place of the editor's: what it starts, and with which settings.
"use strict";

const assert = require("node:assert");
const Module = require("node:module");
const path = require("node:path");
const { test } = require("node:test");

const manifest = require("../package.json");

const started = [];
const registered = new Map();
const settings = { command: ["python", "-m", "archdsl"], ops: ["my_ops.py"] };
let configured;

const vscode = {
  workspace: {
    getConfiguration: (section) => ({ get: (key) => (section === "archdsl" ? settings[key] : undefined) }),
    onDidChangeConfiguration: (told) => ((configured = told), { dispose() {} }),
    workspaceFolders: [{ uri: { fsPath: "/project" } }],
  },
  commands: { registerCommand: (name, run) => (registered.set(name, run), { dispose() {} }) },
  window: { showErrorMessage: (text) => started.push(["told", text]) },
};

class LanguageClient {
  constructor(id, name, server, client) {
    Object.assign(this, { server, client });
  }
  async start() {
    if (this.server.command === "nowhere") {
      throw new Error("spawn nowhere ENOENT");
    }
    started.push(["start", this.server.command, ...this.server.args]);
    this.running = true;
  }
  needsStop() {
    return this.running;
  }
  async stop() {
    started.push(["stop"]);
  }
}

const load = Module._load;
Module._load = (request, ...rest) => {
  if (request === "vscode") return vscode;
  if (request === "vscode-languageclient/node") return { LanguageClient, TransportKind: { stdio: 0 } };
  return load(request, ...rest);
};
const extension = require(path.join(__dirname, "..", manifest.main));

test("the server is started with the settings, anew when they change, and stopped at the end", async () => {
  const context = { subscriptions: [] };
  await extension.activate(context);
  assert.deepStrictEqual(started.splice(0), [["start", "python", "-m", "archdsl", "lsp", "--ops", "my_ops.py"]]);
  assert.strictEqual(context.subscriptions.length, 2);
  settings.ops = [];
  await configured({ affectsConfiguration: (section) => section === "archdsl" });
  assert.deepStrictEqual(started.splice(0), [["stop"], ["start", "python", "-m", "archdsl", "lsp"]]);
  settings.command = ["nowhere"];
  await registered.get("archdsl.restart")();
  const [stopped, [kind, text]] = started.splice(0);
  assert.deepStrictEqual([stopped, kind], [["stop"], "told"]);
  assert.match(text, /pip install "archdsl\[lsp\]"/);
  await extension.deactivate();
  assert.deepStrictEqual(started, []);
});

test("the manifest names only what is there", () => {
  const fs = require("node:fs");
  const { languages, grammars, commands, configuration } = manifest.contributes;
  for (const file of [manifest.main, languages[0].configuration, grammars[0].path, "README.md", "LICENSE"]) {
    assert.ok(fs.existsSync(path.join(__dirname, "..", file)), file);
  }
  assert.deepStrictEqual(commands.map((command) => command.command), [...registered.keys()]);
  assert.deepStrictEqual(Object.keys(configuration.properties), Object.keys(settings).map((key) => `archdsl.${key}`));
  assert.match("archdsl: 1", new RegExp(languages[0].firstLine));
});
