// The data of the page, unpacked once and then read trace by trace. Layout: packing.py.

const ABSENT = "0";
const PARTIAL = "1";
const PRESENT = "2";
const UNANSWERED = "?";
const SCORES = new Map([[ABSENT, "absent"], [PARTIAL, "partial"], [PRESENT, "present"]]);

async function unpack(base64) {
  const raw = atob(base64.trim());
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Corpus(JSON.parse(await new Response(stream).text()));
}

class Corpus {
  constructor(data) {
    this.elements = data.elements;
    this.folders = data.folders;
    this.columns = data.columns;
    this.size = data.traces.id.length;
    this._data = data;
    this._spansFrom = starts(data.traces.spans);
    this._explanationsFrom = starts(data.traces.explanations);
    this._rows = new Map();
    data.traces.id.forEach((id, row) => {
      if (this._rows.has(id)) this._rows.get(id).push(row);
      else this._rows.set(id, [row]);
    });
  }

  id(row) { return this._data.traces.id[row]; }
  length(row) { return this._data.traces.length[row]; }
  folder(row) { return this._data.traces.folder[row]; }
  correct(row) { return this._data.traces.correct[row]; }
  text(row) { return this._data.texts[this._data.traces.text[row]]; }
  textNumber(row) { return this._data.traces.text[row]; }
  texts() { return this._data.texts; }
  question(row) { return this._data.questions[this._data.traces.question[row]] ?? null; }
  answer(row) { return this._data.traces.answer[row]; }
  reference(row) { return this._data.traces.reference_answer[row]; }
  meta(row) { return JSON.parse(this._data.traces.meta[row] ?? "{}"); }

  /** The value of a column of few values: model, task or problem_type; null where none. */
  named(column, row) { return this._data[column][this._data.traces[column][row]] ?? null; }
  values(column) { return this._data[column]; }

  /** A sign per element: its score, "." not asked about, "?" without a usable answer. */
  scores(row) { return this._data.traces.scores[row]; }

  /** How many elements the trace shows. */
  shown(row) {
    let count = 0;
    for (const sign of this.scores(row)) if (sign === PARTIAL || sign === PRESENT) count += 1;
    return count;
  }

  /** All rows of one id, one per folder. */
  rowsOf(id) { return this._rows.get(id) ?? []; }

  /** How a folder of annotations is called: by its annotator, unless two have the same. */
  folderName(number) {
    const { name, annotator } = this.folders[number];
    const alike = this.folders.filter((folder) => folder.annotator === annotator);
    return alike.length > 1 ? `${annotator} (${name})` : annotator;
  }

  explanations(row) {
    const { element, text } = this._data.explanations;
    const found = new Map();
    for (let at = this._explanationsFrom[row]; at < this._explanationsFrom[row + 1]; at += 1) {
      found.set(element[at], text[at]);
    }
    return found;
  }

  /** The spans in order of their starts; offsets in UTF-16 units, as strings are cut here. */
  spans(row) {
    const { element, start, length, confidence, source } = this._data.spans;
    const found = [];
    let begin = 0;
    for (let at = this._spansFrom[row]; at < this._spansFrom[row + 1]; at += 1) {
      begin += start[at];
      found.push({
        element: element[at],
        start: begin,
        end: begin + length[at],
        confidence: confidence[at] < 0 ? null : confidence[at] / 1000,
        source: this._data.sources[source[at]],
      });
    }
    const units = unitsOf(this.text(row), found.flatMap((span) => [span.start, span.end]));
    for (const span of found) {
      span.start = units(span.start);
      span.end = units(span.end);
    }
    return found;
  }
}

function starts(counts) {
  const sums = [0];
  for (const count of counts) sums.push(sums[sums.length - 1] + count);
  return sums;
}
