(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const { row: ROW, title: TITLE, caption: CAPTION, edge: EDGE, toggle: TOGGLE } = DATA.measures;
  const HEAD = 28; // the strip above the inside of an opened group
  const PAD = 14; // between a frame and what stands in it
  const ROUND = 5; // of corners
  const byId = (id) => document.getElementById(id);
  const drawing = byId("drawing");

  // --- elements: text goes in as text and values as attributes, never as markup
  function make(space, name, attributes, ...children) {
    const made = space ? document.createElementNS(space, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  const svg = (name, attributes = {}, ...children) =>
    make("http://www.w3.org/2000/svg", name, attributes, ...children);
  const html = (name, attributes = {}, ...children) => make(null, name, attributes, ...children);
  const times = (shape) => shape.join("×");
  const list = (shapes) => [...new Set(shapes.map(times))].join(", ");
  const count = (number) => number.toLocaleString("en-US");

  // --- the model: groups, stacks of ops, ends; each knows its parent and its place there
  const things = []; // groups and ops in the order of execution
  function model(data, parent, index) {
    const item = { data, kind: data.kind, parent, index, opened: false, x: 0, y: 0 };
    if (item.kind === "group") {
      if (parent) things.push(item);
      item.parts = data.parts.map((part, place) => model(part, item, place));
    } else if (item.kind === "stack") {
      item.rows = data.ops.map((op, place) => ({ data: op, kind: "op", stack: item, parent, index, place }));
      things.push(...item.rows);
    }
    return item;
  }
  const root = model(DATA.root, null, 0);
  const byElement = new Map();
  const rows = (item) => (item.kind === "group" ? [item] : item.rows || []);
  const depth = (item) => (item.parent ? depth(item.parent) + 1 : 0);

  function ancestors(item) {
    const found = [];
    for (let group = item.parent; group !== root && group; group = group.parent) found.push(group);
    return found;
  }

  // --- words
  function place(at) {
    if (at === null) return "";
    const [file, line] = DATA.lines[at];
    return `${file}:${line}`;
  }

  const nameOf = (item) => (item.kind === "op" ? item.data.text : item.data.title);
  const pathOf = (item) => (item.kind === "op" ? item.data.path : item.data.scopes[0].path);
  const atOf = (item) => (item.kind === "op" ? item.data.at : item.data.scopes[0].at);

  function kindOf(item) {
    if (item.kind === "op") return DATA.ops[item.data.op][1];
    const told = ({ kind, name, called }) => (kind === "block" ? `block ${called || name}` : kind);
    return item.data.scopes.map(told).join(", ");
  }

  function spoken(item) {
    const { params, macs } = item.data;
    return [
      `${nameOf(item)}, ${kindOf(item)}`,
      `output ${list(item.data.out)}`,
      `${count(params)} parameters`,
      `${count(macs)} MACs`,
      place(atOf(item)),
    ].join("; ");
  }

  // --- drawing: each element is made when its group is opened first
  const tooWide = []; // texts to be measured, with the room they have
  function words(text, x, y, kind, room) {
    const made = svg("text", { x, y, class: kind }, text);
    tooWide.push([made, room]);
    return made;
  }

  function narrowed() {
    const wide = tooWide.splice(0).filter(([text, room]) => text.getComputedTextLength() > room);
    for (const [text, room] of wide) {
      text.setAttribute("textLength", room);
      text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }

  function treeitem(item, kind) {
    const element = svg("g", {
      id: item.data.id, class: kind, role: "treeitem", tabindex: -1,
      "aria-level": depth(item), "aria-label": spoken(item), "data-path": pathOf(item),
    });
    byElement.set(element, item);
    return element;
  }

  function drawn(item) {
    if (item.element) return item.element;
    item.element = { end: drawnEnd, stack: drawnStack, group: drawnGroup }[item.kind](item);
    return item.element;
  }

  function drawnEnd(item) {
    const [width, height] = item.data.size;
    return svg("g", { class: "end", role: "none" },
      svg("rect", { width, height, class: "box" }),
      words(item.data.name, width / 2, TITLE / 2 + 1, "title", width),
      words(times(item.data.out), width / 2, TITLE + CAPTION / 2, "small", width));
  }

  function drawnStack(item) {
    const [width, height] = item.data.size;
    const round = item.data.symbol ? height / 2 : ROUND;
    const role = (op) => DATA.ops[op.data.op][0];
    const element = svg("g", { class: `stack${item.rows[0].data.training ? " training" : ""}`, role: "none" });
    item.rows.forEach((op, index) => {
      const last = index === item.rows.length - 1;
      const tall = item.data.symbol ? height : last ? height - index * ROW : ROW;
      const middle = item.data.symbol ? height / 2 : ROW / 2;
      op.element = treeitem(op, "op");
      op.element.setAttribute("transform", `translate(0 ${index * ROW})`);
      op.element.append(
        svg("path", { d: bar(width, tall, index ? 0 : round, last ? round : 0), class: `row ${role(op)}` }),
        words(op.data.text, width / 2, middle + 0.5, "", width - 8));
      if (last && item.data.shape) {
        op.element.append(words(item.data.shape, width / 2, ROW + CAPTION / 2 - 2, "small", width - 8));
      }
      op.element.append(svg("path", { d: bar(width, tall, index ? 0 : round, last ? round : 0), class: "ring" }));
      element.append(op.element);
    });
    element.append(svg("rect", { width, height, rx: round, class: `outline ${role(item.rows[0])}` }));
    return element;
  }

  // A bar whose upper and lower corners are rounded or not.
  function bar(w, h, upper, lower) {
    return `M0 ${upper}Q0 0 ${upper} 0H${w - upper}Q${w} 0 ${w} ${upper}V${h - lower}` +
      `Q${w} ${h} ${w - lower} ${h}H${lower}Q0 ${h} 0 ${h - lower}Z`;
  }

  function drawnGroup(item) {
    const { size: [width], title, lines, shape, training } = item.data;
    const kind = `group${depth(item) % 2 ? "" : " inner"}${training ? " training" : ""}`;
    const element = treeitem(item, kind);
    element.setAttribute("aria-expanded", false);
    item.frame = svg("rect", { class: `box ${item.data.colour}`, rx: ROUND });
    item.ring = svg("rect", { class: "ring", rx: ROUND });
    item.sign = svg("path", { class: "sign" });
    item.closedWords = svg("g", {});
    const room = width - 2 * TOGGLE;
    item.closedWords.append(words(title, width / 2, EDGE + TITLE / 2, "title", room));
    [...lines, ...(shape ? [shape] : [])].forEach((line, index) => {
      const y = EDGE + TITLE + CAPTION * (index + 0.5);
      item.closedWords.append(words(line, width / 2, y, "small", width - 8));
    });
    item.openWords = svg("g", {}, words(title, TOGGLE + 6, HEAD / 2, "title start", width - TOGGLE - 10));
    item.badge = svg("g", { class: "badge", "aria-hidden": true });
    element.append(item.frame, item.sign, item.closedWords, item.ring, item.badge);
    return element;
  }

  function inside(item) {
    if (item.body) return item.body;
    item.lines = item.data.wires.map(([source, target, leaves]) => {
      const tip = target < item.parts.length ? { "marker-end": "url(#tip)" } : {};
      return svg("path", { class: "wire", "data-wire": `${source} ${target} ${leaves}`, ...tip });
    });
    const { entries, exits } = DATA.plans[item.data.plan];
    item.ports = [...entries, ...exits].map(() => svg("circle", { r: 2.2, class: "port" }));
    const wires = svg("g", { role: "none", "aria-hidden": true }, ...item.lines, ...item.ports);
    item.body = svg("g", { role: item === root ? "none" : "group" }, wires, ...item.parts.map(drawn));
    return item.body;
  }

  function setOpen(item, opened) {
    if (item.kind !== "group" || item === root || item.opened === opened) return;
    item.opened = opened;
    const element = drawn(item);
    element.setAttribute("aria-expanded", opened);
    element.classList.toggle("opened", opened);
    if (opened) {
      item.closedWords.remove();
      item.sign.after(item.openWords);
      item.badge.before(inside(item));
    } else {
      item.body.remove();
      item.openWords.remove();
      item.sign.after(item.closedWords);
    }
  }

  // --- places: those of the layout, moved into the frame of each opened group
  function arrange(item) {
    const sizes = item.parts.map((part) => (part.opened ? arrange(part) : closedSize(part)));
    return settle(item, layout(DATA.plans[item.data.plan], item.data.wires, sizes));
  }

  function closedSize(part) {
    const [width, height] = part.data.size;
    return { width, height, axis: width / 2, round: Boolean(part.data.symbol) };
  }

  // Moves everything to where it stands in the frame, and says how large the frame is.
  function settle(item, { boxes, ways, entries, exits, bottom }) {
    const xs = [...boxes.flatMap((box) => [box.x, box.x + box.width]), ...ways.flat().map((point) => point.x)];
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    const wide = high - low + 2 * PAD;
    const least = item === root ? 0 : item.data.size[0];
    const width = Math.max(wide, least);
    const right = (width - wide) / 2 + PAD - low;
    const down = item === root ? PAD : HEAD;
    const height = bottom + down + (exits.length ? 0 : PAD);
    boxes.forEach((box, index) => {
      const part = item.parts[index];
      Object.assign(part, { x: box.x + right, y: box.y + down });
      Object.assign(part, { width: box.width, height: box.height, axis: box.axis });
      part.element.setAttribute("transform", `translate(${fixed(part.x)} ${fixed(part.y)})`);
      if (part.kind === "group") outline(part);
    });
    ways.forEach((way, index) => item.lines[index].setAttribute("d", path(way, right, down)));
    [...entries, ...exits].forEach((end, index) => {
      item.ports[index].setAttribute("cx", fixed(end.x + right));
      item.ports[index].setAttribute("cy", fixed(end.y + down));
    });
    const moved = (ends) => ends.map((end) => end.x + right);
    const axis = entries.length ? entries[0].x + right : width / 2;
    [item.width, item.height] = [width, height];
    return { width, height, axis, opened: true, closed: least, entries: moved(entries), exits: moved(exits) };
  }

  const fixed = (number) => Math.round(number * 10) / 10;

  function outline(item) {
    for (const rect of [item.frame, item.ring]) {
      rect.setAttribute("width", fixed(item.width));
      rect.setAttribute("height", fixed(item.height));
    }
    const y = item.opened ? HEAD / 2 : EDGE + TITLE / 2;
    item.sign.setAttribute("d", item.opened ? `M8 ${y - 2}l4 4l4 -4` : `M10 ${y - 4}l4 4l-4 4`);
  }

  // A wire with rounded corners.
  function path(way, right, down) {
    const at = ({ x, y }) => `${fixed(x + right)} ${fixed(y + down)}`;
    const apart = (one, other) => Math.abs(one.x - other.x) + Math.abs(one.y - other.y);
    const toward = (from, to, length) => {
      const share = length / Math.max(length, apart(from, to));
      return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
    };
    const last = way.length - 1;
    let drawn = `M${at(way[0])}`;
    for (let i = 1; i < last; i += 1) {
      const [before, corner, after] = way.slice(i - 1, i + 2);
      const round = Math.min(ROUND, apart(before, corner) / 2, apart(corner, after) / 2);
      drawn += `L${at(toward(corner, before, round))}Q${at(corner)} ${at(toward(corner, after, round))}`;
    }
    return `${drawn}L${at(way[last])}`;
  }

  // --- the view: which part of the drawing the window shows
  const view = { x: 0, y: 0, scale: 1 };
  const [SMALLEST, LARGEST] = [0.002, 8];
  const extent = () => {
    const { width, height } = drawing.getBoundingClientRect();
    return [width || 1, height || 1];
  };

  function look() {
    const [width, height] = extent();
    drawing.setAttribute("viewBox", [view.x, view.y, width / view.scale, height / view.scale].map(fixed3).join(" "));
  }
  const fixed3 = (number) => Math.round(number * 1000) / 1000;

  function zoom(factor, x = extent()[0] / 2, y = extent()[1] / 2) {
    const scale = Math.min(LARGEST, Math.max(SMALLEST, view.scale * factor));
    view.x += x / view.scale - x / scale;
    view.y += y / view.scale - y / scale;
    view.scale = scale;
    look();
  }

  const wholeScale = () => {
    const [width, height] = extent();
    return Math.min(width / (root.width + 2 * PAD), height / (root.height + 2 * PAD), 1.4);
  };

  // The whole, however small.
  function fit() {
    const [width, height] = extent();
    view.scale = Math.max(SMALLEST, wholeScale());
    view.x = (root.width - width / view.scale) / 2;
    view.y = (root.height - height / view.scale) / 2;
    look();
  }

  // The whole if it can be read then, else its upper end around the main way.
  function fitReadable() {
    if (wholeScale() > 0.5) return fit();
    const [width] = extent();
    const across = width / (root.width + 2 * PAD);
    view.scale = Math.max(0.6, Math.min(across, 0.9));
    view.x = (across < view.scale ? top(first()).x : root.width / 2) - width / view.scale / 2;
    view.y = -PAD;
    return look();
  }

  function corner(item) {
    let [x, y] = [0, 0];
    for (let thing = item.stack || item; thing; thing = thing.parent) [x, y] = [x + thing.x, y + thing.y];
    return { x, y: y + (item.place || 0) * ROW };
  }

  // Where the main way enters a box.
  function top(item) {
    const { x, y } = corner(item);
    return { x: x + item.axis, y };
  }

  // Moves the view as little as shows the box; of one that is larger than the window its upper end.
  function reveal(item) {
    const margin = 24 / view.scale;
    const [width, height] = extent().map((size) => size / view.scale);
    const { x, y } = corner(item);
    const box = item.stack ? { width: item.stack.data.size[0], height: ROW } : item;
    view.x = into(view.x, width, x - margin, box.width + 2 * margin);
    view.y = into(view.y, height, y - margin, box.height + 2 * margin);
    look();
  }

  function into(start, extent, from, length) {
    if (length > extent) return length > 2 * extent || start < from || start + extent > from + length ? from : start;
    return Math.min(from, Math.max(start, from + length - extent));
  }

  // --- opening
  function refresh() {
    arrange(root);
    narrowed();
    mark();
  }

  // What was clicked stays where it is on the screen.
  function toggle(item, opened = !item.opened) {
    const before = top(item);
    setOpen(item, opened);
    refresh();
    const after = top(item);
    view.x += after.x - before.x;
    view.y += after.y - before.y;
    look();
    if (opened) reveal(item);
  }

  function openTo(group, levels) {
    for (const part of group.parts) {
      if (part.kind !== "group") continue;
      setOpen(part, levels > 0);
      openTo(part, levels - 1);
    }
  }

  function all(levels) {
    openTo(root, levels);
    refresh();
    if (current && !visible(current)) choose(ancestors(current).reverse().find(visible) || first());
    fitReadable();
  }

  const visible = (item) => ancestors(item).every((group) => group.opened);
  const first = () => things[0];

  function show(item) {
    for (const group of ancestors(item)) setOpen(group, true);
    refresh();
    choose(item);
    if (view.scale < 0.6) zoom(0.9 / view.scale);
    reveal(item);
  }

  // --- the current box
  let current = null, hovered = null;

  function choose(item, { focus = false } = {}) {
    if (current) {
      current.element.classList.remove("current");
      current.element.setAttribute("tabindex", -1);
      current.element.removeAttribute("aria-selected");
    }
    current = item;
    drawn(item.stack || item);
    item.element.classList.add("current");
    item.element.setAttribute("tabindex", 0);
    item.element.setAttribute("aria-selected", true);
    if (focus) item.element.focus({ preventScroll: true });
    tell();
    try {
      history.replaceState(null, "", `#${encodeURIComponent(pathOf(item))}`);
    } catch {
      // a page without an address, such as one in a notebook
    }
  }

  function point(item) {
    hovered?.element.classList.remove("pointed");
    hovered = item;
    hovered?.element.classList.add("pointed");
    tell();
  }

  function tell() {
    for (const line of drawing.querySelectorAll(".wire.hot")) line.classList.remove("hot");
    const item = hovered || current;
    if (!item || !item.parent.lines) return;
    item.parent.data.wires.forEach(([source, target], index) => {
      item.parent.lines[index].classList.toggle("hot", source === item.index || target === item.index);
    });
    byId("facts").replaceChildren(...facts(item));
  }

  // --- the panel
  function facts(item) {
    const { params, macs } = item.data;
    const percent = (value) => (value < 0.01 ? "< 0.01" : value.toPrecision(value < 99.5 ? 2 : 3));
    const share = (part, whole) => (part && whole ? ` (${percent((100 * part) / whole)} %)` : "");
    const rowsOf = [
      ["kind", kindOf(item)],
      ["input", list(item.data.in)],
      ["output", list(item.data.out)],
      ["parameters", count(params) + share(params, DATA.root.params)],
      ["MACs", count(macs) + share(macs, DATA.root.macs)],
    ];
    const fields = item.kind === "op" ? item.data.fields : item.data.scopes.flatMap((scope) => scope.fields);
    return [
      html("h2", {}, nameOf(item)),
      html("p", { class: "path" }, pathOf(item)),
      table(rowsOf),
      ...(item.data.training ? [html("p", {}, "Runs in training alone.")] : []),
      ...(isShared(item) ? [html("p", {}, "Runs a module that ran before: its parameters are counted there.")] : []),
      ...(fields.length ? [html("h3", {}, "Arguments in the spec"), table(fields)] : []),
      html("h3", {}, "In the spec"),
      ...places(item),
    ];
  }

  const isShared = (item) => (item.kind === "op" ? item.data.shared : item.data.scopes.some((scope) => scope.shared));

  const table = (pairs) => html("dl", {}, ...pairs.flatMap(([name, value]) =>
    [html("dt", {}, name), html("dd", {}, value || "–")]));

  // Where it stands in the spec, then the calls that led there.
  function places(item) {
    const own = item.kind === "op" ? [{ at: item.data.at, what: item.data.op }] : [];
    const outer = [item.stack, ...(item.kind === "op" ? [] : [item]), ...ancestors(item)];
    const scopes = outer.flatMap((part) => (part ? [...part.data.scopes].reverse() : []));
    const calls = scopes.map((scope) => ({ at: scope.at, what: `${scope.kind} ${scope.label || scope.name}` }));
    const lines = new Map(); // what stands on each, in order
    for (const { at, what } of [...own, ...calls]) if (at !== null) lines.set(at, [...(lines.get(at) || []), what]);
    return [...lines].map(([at, what]) => html("div", { class: "place" },
      html("span", {}, place(at)), ` ${what.join(", ")}`, html("code", {}, DATA.lines[at][2])));
  }

  // --- search
  const LISTED = 100;
  let hits = [], hit = -1;

  // What a search looks at: a box's words, kind, line and path; or without the path that leads to it.
  function haystacks(item) {
    const scopes = item.kind === "op" ? item.stack.data.scopes : item.data.scopes;
    const said = item.kind === "op" ? [item.data.op, item.data.text] : [];
    const about = scopes.flatMap((scope) => [scope.name, scope.label || "", scope.called || ""]);
    const outer = item.parent === root ? "" : pathOf(item.parent);
    const path = pathOf(item);
    const own = [...said, ...about, place(atOf(item)), path.startsWith(outer) ? path.slice(outer.length) : path];
    return [own, [...own, path]].map((words) => words.join("\n").toLowerCase());
  }

  // Of what stands in a box that was found only what is meant itself, not what merely has its path.
  function search(text) {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Set();
    for (const item of terms.length ? things : []) {
      item.haystacks ??= haystacks(item);
      const [own, whole] = item.haystacks;
      const hay = ancestors(item).some((group) => found.has(group)) ? own : whole;
      if (terms.every((term) => hay.includes(term))) found.add(item);
    }
    hits = [...found];
    hit = -1;
    byId("found").textContent = terms.length ? `${count(hits.length)} found` : "";
    byId("results").hidden = !hits.length;
    byId("results").replaceChildren(...hits.slice(0, LISTED).map(result));
    if (hits.length > LISTED) byId("results").append(html("p", {}, `and ${count(hits.length - LISTED)} more`));
    mark();
  }

  function result(item, index) {
    const button = html("button", {}, nameOf(item), html("small", { class: "path" }, pathOf(item)));
    button.addEventListener("click", () => go(index));
    return button;
  }

  function go(index) {
    if (!hits.length) return;
    hit = (index + hits.length) % hits.length;
    show(hits[hit]);
    byId("found").textContent = `${count(hit + 1)} of ${count(hits.length)}`;
    [...byId("results").children].forEach((button, place) => button.toggleAttribute("aria-current", place === hit));
    byId("results").children[hit]?.scrollIntoView({ block: "nearest" });
  }

  // Rings around what was found, and on a closed group how much of it is inside.
  function mark() {
    const within = new Map();
    for (const item of hits) for (const group of ancestors(item)) within.set(group, (within.get(group) || 0) + 1);
    const found = new Set(hits);
    for (const item of things) {
      if (!item.element) continue;
      item.element.classList.toggle("hit", found.has(item));
      if (item.badge) item.badge.replaceChildren(...badge(item, item.opened ? 0 : within.get(item) || 0));
    }
  }

  function badge(item, number) {
    if (!number) return [];
    const width = 10 + 6 * String(number).length;
    const [x, y] = [item.width - width / 2 - 2, 0];
    return [
      svg("rect", { x: x - width / 2, y: y - 7, width, height: 14, rx: 7 }),
      svg("text", { x, y: y + 0.5 }, String(number)),
    ];
  }

  // --- hands: pointer, wheel, keys
  const itemAt = (target) => byElement.get(target.closest?.("[role=treeitem]"));
  const pointers = new Map();
  let dragged = false;

  drawing.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, from: [event.clientX, event.clientY] });
    if (pointers.size === 1) dragged = false;
  });
  drawing.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    const far = Math.hypot(event.clientX - pointer.from[0], event.clientY - pointer.from[1]) > 4;
    if (!dragged && !far) return;
    if (!dragged) drawing.setPointerCapture(event.pointerId);
    dragged = true;
    drawing.classList.add("dragged");
    const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(pointer, other, event);
    else pan(pointer.x - event.clientX, pointer.y - event.clientY);
    [pointer.x, pointer.y] = [event.clientX, event.clientY];
  });
  for (const name of ["pointerup", "pointercancel"]) {
    drawing.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      drawing.classList.remove("dragged");
    });
  }

  function pan(right, down) {
    view.x += right / view.scale;
    view.y += down / view.scale;
    look();
  }

  function pinch(pointer, other, event) {
    const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
    const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
    const { left, top } = drawing.getBoundingClientRect();
    pan((pointer.x - event.clientX) / 2, (pointer.y - event.clientY) / 2);
    if (before > 0) zoom(after / before, (event.clientX + other.x) / 2 - left, (event.clientY + other.y) / 2 - top);
  }

  drawing.addEventListener("click", (event) => {
    const item = itemAt(event.target);
    if (dragged || !item) return;
    choose(item, { focus: true });
    if (item.kind === "group") toggle(item);
  });
  drawing.addEventListener("pointerover", (event) => point(itemAt(event.target) || null));
  drawing.addEventListener("pointerleave", () => point(null));
  drawing.addEventListener("focusin", (event) => {
    const item = itemAt(event.target);
    if (item && item !== current) choose(item);
  });
  const embedded = window !== window.parent;
  drawing.addEventListener("wheel", (event) => {
    if (embedded && !document.hasFocus()) return; // whoever scrolls past this page in another one
    event.preventDefault();
    const unit = event.deltaMode ? 16 : 1;
    const { left, top } = drawing.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      const turn = Math.max(-60, Math.min(60, event.deltaY * unit));
      zoom(Math.exp(-turn * 0.006), event.clientX - left, event.clientY - top);
    } else {
      pan(event.deltaX * unit, event.deltaY * unit);
    }
  }, { passive: false });

  function step(by) {
    const shown = things.filter(visible);
    return shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(current) + by))];
  }

  function enter(item) {
    if (item.kind !== "group") return item;
    if (item.opened) return rows(item.parts.find((part) => rows(part).length))[0];
    toggle(item, true);
    return item;
  }

  function leave(item) {
    if (item.opened) {
      toggle(item, false);
      return item;
    }
    return item.parent === root ? item : item.parent;
  }

  const MOVES = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowRight: () => enter(current),
    ArrowLeft: () => leave(current),
    Escape: () => leave(current),
    Home: () => things[0],
    End: () => step(things.length),
  };

  const KEYS = {
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit, "/": () => byId("query").focus(),
    "?": () => byId("keys").showModal(),
  };

  // Keys work from the start, wherever the focus is, but where they have a meaning of their own.
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || at === byId("query") || at.closest("dialog")) return;
    if (event.key in MOVES) {
      if (at.closest("aside")) return; // which they scroll
      choose(MOVES[event.key](), { focus: true });
      point(null);
      reveal(current);
    } else if (event.key === "Enter" || event.key === " ") {
      if (at.closest("button, aside") || current.kind !== "group") return;
      toggle(current);
    } else if (event.key in KEYS) {
      KEYS[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  });
  byId("query").addEventListener("input", (event) => search(event.target.value));
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(hit + (event.shiftKey ? -1 : 1));
    if (event.key === "Escape") {
      event.target.value = "";
      search("");
      current.element.focus({ preventScroll: true });
    }
  });
  byId("open").addEventListener("click", () => all(Infinity));
  byId("close").addEventListener("click", () => all(0));
  byId("in").addEventListener("click", () => zoom(1.25));
  byId("out").addEventListener("click", () => zoom(0.8));
  byId("fit").addEventListener("click", fit);
  byId("help").addEventListener("click", KEYS["?"]);
  new ResizeObserver(look).observe(drawing);
  window.addEventListener("hashchange", () => {
    const item = byPath(address());
    if (item && item !== current) show(item);
  });

  // --- the beginning
  function byPath(path) {
    const scopes = (item) => (item.kind === "op" ? item.stack.data.scopes : item.data.scopes);
    if (!path) return null;
    return things.find((item) => scopes(item).some((scope) => scope.path === path)) ||
      things.find((item) => pathOf(item) === path);
  }

  function begin() {
    const { in: inputs, params, macs } = DATA.root;
    byId("paper").textContent = DATA.paper;
    byId("totals").textContent =
      `input ${list(inputs)} · ${count(params)} parameters · ${count(macs)} MACs · ${count(ops())} ops`;
    byId("legend").replaceChildren(...DATA.legend.map(([colour, word]) =>
      html("span", {}, html("i", { class: colour }), word)));
    const tip = svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7,
      markerUnits: "userSpaceOnUse", orient: "auto" }, svg("path", { d: "M0 0.8L8 4L0 7.2Z", class: "tip" }));
    drawing.append(svg("defs", {}, tip), inside(root));
    root.opened = true;
    openTo(root, DATA.depth);
    refresh();
    fitReadable();
    const item = byPath(address() || DATA.show);
    choose(first());
    if (item) show(item);
    if (item && item.kind === "group") toggle(item, true);
  }

  // The path behind the # of the page's address.
  function address() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return ""; // an address that is none
    }
  }

  const ops = () => things.filter((item) => item.kind === "op").length;

  begin();
})();
