// A page that is opened as a file may start no worker, so there the search runs in a hidden frame instead.
"use strict";

class IFrameWorker extends EventTarget {
  constructor(address) {
    super();
    this.waiting = []; // messages that came before the script was there
    this.frame = document.createElement("iframe");
    this.frame.hidden = true;
    this.frame.addEventListener("load", () => this.start(String(address)), { once: true });
    document.body.append(this.frame);
  }

  start(address) {
    const inside = this.frame.contentWindow;
    inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
    const script = inside.document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => {
      const waiting = this.waiting;
      this.waiting = null;
      waiting.forEach((data) => this.postMessage(data));
    });
    script.addEventListener("error", () => this.dispatchEvent(new Event("error")));
    inside.document.body.append(script);
  }

  postMessage(data) {
    if (this.waiting) this.waiting.push(data);
    else this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
  }

  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker; // by which the script sees that it is not in a worker
  window.Worker = IFrameWorker;
}
