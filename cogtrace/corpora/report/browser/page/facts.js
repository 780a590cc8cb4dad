// What is known of a trace besides its text: the line under its id, question, metadata.

const LONG = 3000; // characters of a question or a value that are shown at first

class Facts {
  constructor(root, corpus) {
    this._corpus = corpus;
    const find = (name) => root.querySelector(name);
    this._title = find(".tb-title");
    this._link = find(".tb-link");
    this._line = find(".tb-facts");
    this._question = find(".tb-question");
    this._list = find(".tb-meta dl");
  }

  show(row) {
    const corpus = this._corpus;
    this._title.textContent = oneLine(corpus.id(row), 300);
    this._link.setAttribute("href", address(corpus, row));
    this._line.replaceChildren(...this._facts(row));
    const question = corpus.question(row);
    this._question.hidden = question === null;
    this._question.querySelector(".tb-prose").replaceChildren(...bounded(question ?? ""));
    this._list.replaceChildren(...this._values(row).flatMap(([name, value]) => {
      const term = make("dt", "", oneLine(name, 80));
      const definition = make("dd", "tb-prose");
      definition.append(...bounded(value));
      return [term, definition];
    }));
  }

  _facts(row) {
    const facts = factsOf(this._corpus, row).map((fact) => make("span", "tb-fact", fact));
    const outcome = outcomeOf(this._corpus, row);
    if (outcome) facts.unshift(outcome);
    for (const other of this._corpus.rowsOf(this._corpus.id(row))) {
      if (other === row) continue;
      const name = oneLine(this._corpus.folderName(this._corpus.folder(other)), 40);
      const link = make("a", "tb-fact", `also by ${name}`);
      link.setAttribute("href", address(this._corpus, other));
      facts.push(link);
    }
    return facts;
  }

  _values(row) {
    const corpus = this._corpus;
    const named = [
      ["id", corpus.id(row)],
      ["answer", corpus.answer(row)],
      ["reference answer", corpus.reference(row)],
      ["annotator", corpus.folders[corpus.folder(row)].annotator],
      ["folder", corpus.folders[corpus.folder(row)].name],
    ];
    const meta = Object.entries(corpus.meta(row)).map(([name, value]) =>
      [name, typeof value === "string" ? value : JSON.stringify(value, null, 1)]);
    return [...named, ...meta].filter(([, value]) => value !== null && value !== "");
  }
}

/** The fragment that leads to a trace: its id, and its folder where there are several. */
function address(corpus, row) {
  const folder = corpus.folders.length > 1 ? `&in=${corpus.folder(row) + 1}` : "";
  return `#trace=${encodeURIComponent(corpus.id(row))}${folder}`;
}

/** The row that a fragment names; undefined where it names none. */
function rowAt(corpus, fragment) {
  const found = /^#trace=([^&]*)(?:&in=(\d+))?$/.exec(fragment);
  if (!found) return undefined;
  let id = found[1];
  try {
    id = decodeURIComponent(id);
  } catch {
    // A stray "%", written by hand: the id may hold just that.
  }
  const rows = corpus.rowsOf(id);
  return rows.find((row) => corpus.folder(row) + 1 === Number(found[2])) ?? rows[0];
}

function factsOf(corpus, row) {
  const named = ["model", "task", "problem_type"].map((column) => corpus.named(column, row));
  const folder = corpus.folders.length > 1 ? corpus.folderName(corpus.folder(row)) : null;
  const length = plural(corpus.length(row), "character");
  return [...named, folder, length].filter(Boolean).map((fact) => oneLine(fact, 60));
}

function outcomeOf(corpus, row) {
  const correct = corpus.correct(row);
  if (correct === null) return null;
  return make("span", "tb-outcome", correct ? "✓ right" : "✗ wrong");
}

/** Text, cut if it is long, with a button that shows all of it. */
function bounded(text) {
  if (text.length <= LONG) return [printable(text)];
  const rest = make("button", "tb-button", `Show all ${plural(text.length, "character")}`);
  rest.type = "button";
  const start = document.createTextNode(
    `${printable(text.slice(0, wholeCharacter(text, LONG)))}… `);
  rest.addEventListener("click", () => {
    start.data = printable(text);
    rest.remove();
  });
  return [start, rest];
}
