// Where spans lie on the page: lanes for those that overlap, stretches between borders.

const LANES = 8; // underlines below each other; what is deeper is only named
const LINE = 2; // pixels of an underline
const PITCH = 4; // pixels from one to the next
const COLOURS = 12;

/**
 * Give each span a lane, free of others over its whole length; -1 where none is left.
 *
 * Returns whether all have one.
 */
function layOut(spans) {
  const ends = [];
  for (const span of spans) {
    let lane = ends.findIndex((end) => end <= span.start);
    if (lane < 0) lane = ends.length;
    span.lane = lane < LANES ? lane : -1;
    if (span.lane >= 0) ends[lane] = span.end;
  }
  return spans.every((span) => span.lane >= 0);
}

/**
 * Cut a part of a text at the borders of spans and hits, and at other places.
 *
 * Spans must have lanes and stand in order of their starts. Each stretch has the span in
 * each lane, the number of all that cover it, whether one begins, and whether it is a hit.
 */
function stretches(from, to, spans, hits, places) {
  const inside = spans.filter((span) => span.start < to && span.end > from);
  const depths = new Map([[from, 0], [to, 0]]);
  const add = (at, change) => depths.set(at, (depths.get(at) ?? 0) + change);
  for (const span of inside) {
    add(Math.max(from, span.start), 1);
    add(Math.min(to, span.end), -1);
  }
  for (const place of [...places, ...hits.flat()]) add(Math.min(to, Math.max(from, place)), 0);
  const cuts = [...depths.keys()].sort((a, b) => a - b);
  const lanes = new Array(LANES).fill(null);
  const found = [];
  let depth = 0;
  let next = 0;
  let hit = 0;
  for (let number = 0; number + 1 < cuts.length; number += 1) {
    const [start, end] = [cuts[number], cuts[number + 1]];
    depth += depths.get(start);
    lanes.forEach((span, lane) => { if (span && span.end <= start) lanes[lane] = null; });
    let begins = false;
    for (; next < inside.length && inside[next].start <= start; next += 1) {
      if (inside[next].start === start) begins = true;
      if (inside[next].lane >= 0) lanes[inside[next].lane] = inside[next];
    }
    while (hit < hits.length && hits[hit][1] <= start) hit += 1;
    const isHit = hit < hits.length && hits[hit][0] <= start;
    const deepest = lanes.reduce((most, span, lane) => (span ? lane + 1 : most), 0);
    found.push({ start, end, depth, begins, isHit, deepest, lanes: [...lanes] });
  }
  return found;
}

/** The colour of an element; those that share one differ in their line. */
function colour(element) { return `var(--c${element % COLOURS})`; }

/** The line of an element, as an image: whole, dashed or dotted. */
function stroke(element) {
  const paint = colour(element);
  const kind = Math.floor(element / COLOURS) % 3;
  if (kind === 0) return `linear-gradient(${paint} 0 0)`;
  const [on, off] = kind === 1 ? [8, 11] : [2, 5];
  return `repeating-linear-gradient(90deg, ${paint} 0 ${on}px, transparent ${on}px ${off}px)`;
}

/**
 * Draw the underlines of a stretch, each in its lane; a gap shows where a span begins.
 *
 * They lie in padding below the text. An empty last image keeps colour out of the padding.
 */
function underline(node, stretch, lanes) {
  const drawn = stretch.lanes.filter(Boolean);
  const set = (name, last, value) =>
    node.style.setProperty(name, [...drawn.map(value), last].join(", "));
  const gap = (span) => (span.start === stretch.start ? 2 : 0);
  set("background-image", "linear-gradient(transparent 0 0)", (span) => stroke(span.element));
  set("background-clip", "content-box", () => "border-box");
  set("background-size", "0 0", (span) => `calc(100% - ${gap(span)}px) ${LINE}px`);
  set("background-position", "0 0", (span) =>
    `right 0 bottom ${(lanes - 1 - span.lane) * PITCH}px`);
  node.style.setProperty("padding-bottom", `${lanes * PITCH}px`);
}
