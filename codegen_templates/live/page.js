"use strict";

const at = (id) => document.getElementById(id);

function text(id, words) {
  at(id).textContent = words;
}

function box(id, words) {
  text(id, words);
  at(id).hidden = words === "";
}

async function show() {
  const view = await (await fetch("/view")).json();
  document.title = view.title || "archdsl watch";
  text("title", document.title);
  text("totals", view.totals);
  text("source", view.source);
  at("table").innerHTML = view.table; // this and the figure are made and escaped by archdsl
  at("figure").innerHTML = view.figure;
  box("warnings", view.warnings);
  box("faults", view.faults);
  document.body.classList.toggle("stale", view.faults !== "");
  at("figure").hidden = view.figure === "";
  text("state", `view ${view.number}`);
}

const events = new EventSource("/events");
events.onmessage = show;
events.onerror = () => text("state", "archdsl watch has ended");
