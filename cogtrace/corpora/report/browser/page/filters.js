// The controls above the list: what to look for, and in which order.

const SORTS = [
  ["", "as read"],
  ["length down", "longest first"],
  ["length up", "shortest first"],
  ["shown down", "most elements first"],
  ["shown up", "fewest elements first"],
];
const SCORE_CHOICES = [
  [undefined, "any"],
  [PRESENT, "present"],
  [PARTIAL, "partial"],
  [ABSENT, "absent"],
];
const TITLES = {
  element: "Element",
  score: "Score",
  model: "Model",
  task: "Task",
  problem_type: "Problem type",
  correct: "Answer",
  folder: "Annotator",
  sort: "Order",
};

class Filters {
  constructor(box, corpus, changed) {
    this._controls = new Map();
    for (const name of [...corpus.columns, "sort"]) {
      const values = choices(name, corpus);
      const select = make("select", "tb-select");
      select.name = name;
      select.append(...optionsOf(name, values, corpus));
      select.addEventListener("change", changed);
      const label = make("label", "tb-field");
      label.append(make("span", "tb-caption", TITLES[name]), select);
      box.append(label);
      this._controls.set(name, { select, values });
    }
  }

  /** What is chosen, by name; what is open has no entry. */
  wanted() {
    const found = {};
    for (const [name, { select, values }] of this._controls) {
      found[name] = values[select.selectedIndex][0];
    }
    return found;
  }

  /** Whether something is chosen that leaves traces out. */
  active() {
    return [...this._controls].some(
      ([name, { select }]) => name !== "sort" && select.selectedIndex > 0);
  }

  clear() {
    for (const [name, { select }] of this._controls) {
      if (name !== "sort") select.selectedIndex = 0;
    }
  }
}

/** The values of a control, each with its name; the first stands for all. */
function choices(name, corpus) {
  if (name === "sort") return SORTS;
  if (name === "score") return SCORE_CHOICES;
  const all = [[undefined, "all"]];
  if (name === "element") return [[undefined, "any"], ...corpus.elements.map((e, n) => [n, e.name])];
  if (name === "correct") return [...all, [true, "right"], [false, "wrong"], [null, "not known"]];
  if (name === "folder") return [...all, ...corpus.folders.map((_, n) => [n, corpus.folderName(n)])];
  const values = [...corpus.values(name)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return [...all, ...values.map((value) => [value, value]), [null, "not given"]];
}

/** The options of a control; elements stand under their dimensions. */
function optionsOf(name, values, corpus) {
  const groups = new Map();
  const found = [];
  for (const [value, title] of values) {
    const option = make("option", "", oneLine(title, 60));
    const dimension = name === "element" && corpus.elements[value]?.dimension;
    if (!dimension) {
      found.push(option);
      continue;
    }
    if (!groups.has(dimension)) {
      const group = document.createElement("optgroup");
      group.label = oneLine(dimension, 60);
      groups.set(dimension, group);
      found.push(group);
    }
    groups.get(dimension).append(option);
  }
  return found;
}
