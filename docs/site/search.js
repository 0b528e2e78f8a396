// A search for `--width` looks for the option: lunr would leave out all pages that have a word after a hyphen.
"use strict";

{
  const QUERY = 2; // of the messages that the theme sends to its worker
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    const asked = message?.type === QUERY && typeof message.data === "string";
    post.call(this, asked ? { ...message, data: message.data.replace(/(^|\s)-+(?=\w)/g, "$1") } : message, ...rest);
  };
}
