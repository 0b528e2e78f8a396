"use strict";
// Where the boxes of an opened group stand and which ways its wires go: numbers alone, nothing is drawn here.
//
// A plan has the rows of the boxes and says where across everything stands while all is closed. An opened box stretches
// the columns that it stands in, and makes its row higher. Wires go down beside the boxes of a row, and across between
// two rows, each on a track that no other line needs.
const layout = (() => {
  const GAP = 26; // px between two rows
  const [LEAD, TRACK, TIP] = [10, 9, 14]; // px from a row to the first track, between tracks, and down to the next row
  const PORT = 14; // between wires at one side of a box
  const INSET = 8; // between a wire and the corner of a box
  const ASIDE = 12; // between a box and a wire that turns to enter it from the side
  const SAME = 0.5; // what is less apart goes straight
  const NEAR = 4; // lines that are less apart would look like one
  const JOG = 12; // so much aside is not worth two corners
  const STEPS = [6, -6, 12, -12, 18, -18]; // by which one line gives way to another
  const CONFLICT = 1000; // crossings; two lines upon each other are worse than any number of them

  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

  // --- across
  // Maps places so that each span, which a box takes while it is closed, has the room that the opened box needs.
  // Nothing comes closer to anything: what did not overlap does not.
  function stretched(spans) {
    const marks = [...new Set(spans.flatMap(({ from, axis, to }) => [from, axis, to]))].sort((a, b) => a - b);
    const slopes = marks.map((mark, index) => Math.max(1, ...spans.map(({ from, axis, to, before, after }) => {
      const middle = index + 1 < marks.length ? (mark + marks[index + 1]) / 2 : Infinity;
      if (middle > from && middle < axis) return before / (axis - from);
      if (middle > axis && middle < to) return after / (to - axis);
      return 1;
    })));
    const shifted = marks.slice(0, 1);
    for (let i = 1; i < marks.length; i += 1) shifted.push(shifted[i - 1] + slopes[i - 1] * (marks[i] - marks[i - 1]));
    return (value) => {
      if (!marks.length || value <= marks[0]) return value;
      let [index, next] = [0, marks.length]; // the last mark before the value, by halving
      while (next - index > 1) {
        const middle = (index + next) >> 1;
        if (marks[middle] < value) index = middle;
        else next = middle;
      }
      return shifted[index] + slopes[index] * (value - marks[index]);
    };
  }

  function columns(plan, sizes) {
    return stretched(sizes.flatMap(({ opened, closed, width, axis }, index) => (opened ? [{
      from: plan.parts[index] - closed / 2, axis: plan.parts[index], to: plan.parts[index] + closed / 2,
      before: axis, after: width - axis,
    }] : [])));
  }

  // --- one group
  class Layout {
    constructor(plan, wires, sizes) {
      const across = columns(plan, sizes);
      this.rows = plan.rows;
      this.last = Math.max(0, ...plan.rows) + 1;
      this.boxes = sizes.map((size, index) => {
        const middle = across(plan.parts[index]);
        return { ...size, row: plan.rows[index], middle, x: middle - size.axis };
      });
      this.entries = plan.entries.map((x) => ({ x: across(x) }));
      this.exits = plan.exits.map((x) => ({ x: across(x) }));
      this.nets = this.netsOf(wires, plan.stops.map((stops) => stops.map(across)));
      this.nets.forEach((net) => this.straighten(net));
      this.boxes.forEach((box, index) => this.leave(box, this.nets.filter((net) => net.source === index)));
      this.boxes.forEach((box, index) => this.enter(box, index));
      this.nets.forEach((net) => this.leaveStraight(net));
      this.nets.every(() => this.makeWay()); // at most so often
      this.tracks = Array.from({ length: this.last }, (_, row) => this.tracksBelow(row));
      this.heights();
    }

    // A tensor each, with all its ends, in the order of the wires.
    netsOf(wires, stops) {
      const nets = new Map();
      wires.forEach(([source, target, leaves, enters], index) => {
        const key = `${source} ${leaves}`;
        if (!nets.has(key)) {
          const row = source < 0 ? 0 : this.rows[source];
          nets.set(key, { source, leaves, row, stops: stops[nets.size], ends: [], x: this.entries[-1 - source]?.x });
        }
        const exit = this.exits[target - this.boxes.length];
        nets.get(key).ends.push({ target, enters, index, row: exit ? this.last : this.rows[target], x: exit?.x });
      });
      return [...nets.values()];
    }

    // Where a net is when it leaves a row.
    at(net, row) {
      return row === net.row ? net.x : net.stops[row - net.row - 1];
    }

    // Where nets leave a box: one at its middle, several above what they lead to; an opened one at its exits.
    leave(box, nets) {
      const leadsTo = (net) => net.stops[0] ??
        sum(net.ends.map(({ target, x }) => x ?? this.boxes[target].middle)) / net.ends.length;
      const sorted = nets.map((net) => ({ net, to: leadsTo(net) })).sort((one, other) => one.to - other.to);
      const ports = nets.length > 1 ? this.ports(box, sorted.map(({ to }) => to)) : [box.middle];
      sorted.forEach(({ net }, place) => { net.x = box.opened ? box.x + box.exits[net.leaves] : ports[place]; });
    }

    // Takes small jogs out of a net that passes several rows.
    straighten(net) {
      for (let place = 1; place < net.stops.length; place += 1) {
        const [before, after] = net.stops.slice(place - 1, place + 1);
        if (before === after || Math.abs(before - after) > JOG) continue;
        if (free(before, this.spans(net.row + 1 + place, net))) net.stops[place] = before;
        else if (free(after, this.spans(net.row + place, net))) net.stops[place - 1] = after;
      }
    }

    // Where wires enter a box: from above, or those that come down beside it from the side.
    enter(box, index) {
      const ends = this.nets.flatMap((net) => net.ends.filter(({ target }) => target === index)
        .map((end) => ({ end, from: this.at(net, box.row - 1), net })));
      if (box.opened) {
        for (const { end } of ends) end.x = box.x + box.entries[end.enters];
        return;
      }
      ends.sort((one, other) => one.from - other.from);
      for (const { end } of ends) end.aside = false;
      const outer = ends.length > 1 ? [ends[0], ends[ends.length - 1]] : [];
      const aside = outer.filter((one) => this.comesAside(one, box));
      for (const { end, from } of aside) Object.assign(end, { x: from, aside: true });
      const above = ends.filter((one) => !aside.includes(one));
      this.ports(box, above.map(({ from }) => from)).forEach((x, place) => { above[place].end.x = x; });
    }

    comesAside({ from }, box) {
      const [left, right] = [box.x, box.x + box.width];
      if (from > left - ASIDE && from < right + ASIDE) return false;
      const [low, high] = from < left ? [from, left] : [right, from];
      return !this.spans(box.row, box).some(([start, end]) => start < high + NEAR && end > low - NEAR);
    }

    // What takes room in a row besides one box or net.
    spans(row, but) {
      const boxes = this.boxes.filter((box) => box !== but && box.row === row);
      const passing = this.nets.filter((net) => net !== but && net.row < row && row - net.row <= net.stops.length);
      const aside = this.nets.flatMap(({ ends }) => ends.filter((end) => end.aside && end.row === row));
      return [
        ...boxes.map(({ x, width }) => [x, x + width]),
        ...passing.map((net) => [this.at(net, row), this.at(net, row)]),
        ...aside.map(({ x, target }) => [x, this.boxes[target].middle].sort((one, other) => one - other)),
      ];
    }

    // As straight below where they come from, or above where they lead to, as the box is wide; in their order.
    ports(box, from) {
      const half = box.width / 2 - (box.round ? 4 : INSET);
      if (from.length < 2) return from.map((x) => (Math.abs(x - box.middle) < Math.min(half, PORT) ? x : box.middle));
      const step = Math.min(PORT, (2 * half) / Math.max(2, from.length - 1));
      const [low, high] = [box.middle - half, box.middle + half];
      const places = from.map((x) => Math.min(high, Math.max(low, x)));
      for (let n = 1; n < places.length; n += 1) places[n] = Math.max(places[n], places[n - 1] + step);
      places[places.length - 1] = Math.min(places[places.length - 1], high);
      for (let n = places.length - 2; n >= 0; n -= 1) places[n] = Math.min(places[n], places[n + 1] - step);
      return places;
    }

    // Moves the place where a net leaves a closed box, if it is then straight above where it comes down.
    leaveStraight(net) {
      const box = this.boxes[net.source];
      if (!box || box.opened) return;
      const below = net.ends.filter(({ row }) => row === net.row + 1).map(({ x }) => x);
      const places = [...below, ...net.stops.slice(0, 1)];
      if (places.includes(net.x)) return;
      const others = this.nets.filter((other) => other !== net && other.source === net.source);
      net.x = places.find((x) => Math.abs(x - net.x) < JOG && Math.abs(x - box.middle) < box.width / 2 - NEAR &&
        free(x, others.map((other) => [other.x, other.x]))) ?? net.x;
    }

    // --- lines that would lie upon each other, in whatever order they go across
    // Moves one of them a little; whether there was one that could be moved.
    makeWay() {
      for (let row = 0; row < this.last; row += 1) {
        for (const [upper, lower] of clashes(this.bends(row))) {
          if (this.move(lower.net, row) || this.move(upper.net, row + 1)) return true;
        }
      }
      return false;
    }

    // Moves a net aside where it passes a row, or leaves a closed box, to where nothing else is.
    move(net, row) {
      const place = row - net.row - 1;
      const box = place < 0 ? this.boxes[net.source] : null;
      if (place >= net.stops.length || (place < 0 && (!box || box.opened))) return false;
      const others = this.nets.filter((other) => other !== net && other.source === net.source && place < 0);
      const taken = [...this.spans(row, box || net), ...others.map(({ x }) => [x, x])];
      const x = STEPS.map((step) => this.at(net, row) + step).find((to) =>
        free(to, taken) && (!box || Math.abs(to - box.middle) < box.width / 2 - NEAR));
      if (x === undefined) return false;
      if (box) net.x = x;
      else net.stops[place] = x;
      this.boxes.forEach((other, index) => other.row === row + 1 && this.enter(other, index));
      return true;
    }

    // --- down
    // The nets that go across below a row.
    bends(row) {
      const bends = this.nets.filter((net) => net.row <= row).map((net) => {
        const ends = net.ends.filter((end) => end.row === row + 1).map(({ x }) => x);
        if (row - net.row < net.stops.length) ends.push(net.stops[row - net.row]);
        return { net, top: this.at(net, row), ends };
      });
      const moved = bends.filter(({ top, ends }) => ends.some((x) => Math.abs(x - top) > SAME));
      for (const bend of moved) bend.span = [Math.min(bend.top, ...bend.ends), Math.max(bend.top, ...bend.ends)];
      return moved;
    }

    tracksBelow(row) {
      const bends = this.bends(row);
      return new Map(levels(bends).map((level, place) => [bends[place].net, level]));
    }

    heights() {
      const tall = Array(this.last + 1).fill(0);
      for (const { row, height } of this.boxes) tall[row] = Math.max(tall[row], height);
      const [first, end] = [this.entries.length ? 0 : 1, this.exits.length ? this.last : this.last - 1];
      this.across = []; // where the first track below a row is
      let y = 0;
      for (let row = first; row <= end; row += 1) {
        for (const box of this.boxes) if (box.row === row) box.y = y + (tall[row] - box.height) / 2;
        y += tall[row];
        this.across[row] = y + LEAD;
        const used = Math.max(-1, ...this.tracks[row]?.values() ?? []);
        if (row < end) y += Math.max(GAP, LEAD + TRACK * used + TIP);
      }
      this.bottom = y;
      for (const entry of this.entries) entry.y = 0;
      for (const exit of this.exits) exit.y = y;
    }

    // --- the result
    // All corners of a wire.
    way(net, end) {
      let { x } = net;
      const points = [{ x, y: net.source < 0 ? 0 : edge(this.boxes[net.source], x, 1) }];
      for (let row = net.row; row < end.row; row += 1) {
        const next = row + 1 === end.row ? end.x : this.at(net, row + 1);
        if (Math.abs(next - x) > SAME) {
          const y = this.across[row] + TRACK * this.tracks[row].get(net);
          points.push({ x, y }, { x: next, y });
        }
        x = next;
      }
      const box = this.boxes[end.target];
      if (!box) return [...points, { x, y: this.bottom }];
      const middle = box.y + box.height / 2;
      if (end.aside) return [...points, { x, y: middle }, { x: x < box.middle ? box.x : box.x + box.width, y: middle }];
      return [...points, { x, y: edge(box, x, -1) }];
    }

    ways() {
      const found = [];
      for (const net of this.nets) for (const end of net.ends) found[end.index] = this.way(net, end);
      return found;
    }
  }

  // The height of the lower (1) or upper (-1) edge of a box at a place across: a circle's is curved.
  function edge(box, x, side) {
    const half = box.height / 2;
    const aside = box.round ? Math.min(1, Math.abs(x - box.middle) / half) : 0;
    return box.y + half + side * half * Math.sqrt(1 - aside ** 2);
  }

  // --- tracks
  // The track of each bend, counted from above: lines cross as rarely as can be, and none lies upon another.
  function levels(bends) {
    const found = Array(bends.length).fill(0);
    const order = ordered(bends);
    order.forEach((one, place) => {
      for (const other of order.slice(0, place)) {
        if (meet(bends[one], bends[other])) found[one] = Math.max(found[one], found[other] + 1);
      }
    });
    return found;
  }

  // From above: next comes always the one that gains most by being above all that are left.
  function ordered(bends) {
    const [order, left] = [[], bends.map((_, place) => place)];
    const gain = (one) => sum(left.map((other) => price(bends[other], bends[one]) - price(bends[one], bends[other])));
    while (left.length) {
      const gains = left.map(gain);
      order.push(...left.splice(gains.indexOf(Math.max(...gains)), 1));
    }
    return order;
  }

  // The crossings of two bends if one is above the other.
  function price(upper, lower) {
    const crossings = upper.ends.filter((x) => covers(lower, x)).length + covers(upper, lower.top);
    return crossings + (upon(upper, lower) ? CONFLICT : 0);
  }

  // The pairs that lie upon each other even in the best order.
  function clashes(bends) {
    const order = ordered(bends).map((place) => bends[place]);
    return order.flatMap((upper, place) => order.slice(place + 1).filter((lower) => upon(upper, lower))
      .map((lower) => [upper, lower]));
  }

  // Whether a line may go down at a place.
  const free = (x, taken) => taken.every(([low, high]) => x < low - NEAR || high + NEAR < x);

  const upon = (upper, lower) => upper.ends.some((x) => Math.abs(x - lower.top) < NEAR);

  const covers = ({ span: [low, high] }, x) => Number(low - NEAR < x && x < high + NEAR);
  const meet = ({ span: [a, b] }, { span: [c, d] }) => a < d + 2 * NEAR && c < b + 2 * NEAR;

  return (plan, wires, sizes) => {
    const made = new Layout(plan, wires, sizes);
    const { boxes, entries, exits, bottom } = made;
    return { boxes, entries, exits, bottom, ways: made.ways() };
  };
})();
