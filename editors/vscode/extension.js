// Starts `archdsl lsp` for specs, and starts it anew when its settings change.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

/** The program of the settings and what it is given. */
function serverOptions(settings) {
  const [command, ...first] = settings.get("command");
  const ops = settings.get("ops").flatMap((file) => ["--ops", file]);
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return { command, args: [...first, "lsp", ...ops], transport: TransportKind.stdio, options: { cwd } };
}

async function start() {
  const settings = vscode.workspace.getConfiguration("archdsl");
  const selector = ["archdsl", "yaml"].flatMap((language) => [
    { language, scheme: "file" },
    { language, scheme: "untitled" },
  ]);
  client = new LanguageClient("archdsl", "archdsl", serverOptions(settings), { documentSelector: selector });
  try {
    await client.start();
  } catch (error) {
    const told = `archdsl: the language server does not start (pip install "archdsl[lsp]", or set archdsl.command). ${error.message}`;
    vscode.window.showErrorMessage(told);
  }
}

async function stop() {
  const stopped = client;
  client = undefined;
  if (stopped?.needsStop()) {
    await stopped.stop();
  }
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("archdsl.restart", restart),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("archdsl") && restart()),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
