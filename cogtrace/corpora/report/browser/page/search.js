// Search over texts and ids, filters, and order.

class Search {
  constructor(corpus) {
    this._corpus = corpus;
    this._texts = null; // folded, made when first needed
    this._ids = null;
    this._last = { terms: [], filters: "", rows: null }; // in the order of the input
  }

  /** Fold all texts now, so that the first search does not have to. */
  prepare() {
    if (this._texts !== null) return;
    this._texts = this._corpus.texts().map(folded);
    this._ids = Array.from({ length: this._corpus.size }, (_, row) => folded(this._corpus.id(row)));
  }

  /** The rows that meet a query and filters, in the order asked for. */
  rows(wanted) {
    const corpus = this._corpus;
    const terms = termsOf(wanted.query);
    if (terms.length) this.prepare();
    const filters = JSON.stringify({ ...wanted, query: "", sort: "" });
    const found = this._among(terms, filters).filter(
      (row) => meets(corpus, row, wanted) && this._holds(row, terms));
    this._last = { terms, filters, rows: found };
    return ordered(corpus, found, wanted.sort);
  }

  /** The rows that can meet a query: those of the last one, if more was typed to it. */
  _among(terms, filters) {
    const { rows, ...last } = this._last;
    const holds = (term, old) => term.every((form) => old.some((other) => form.includes(other)));
    const narrower = last.terms.every((old) => terms.some((term) => holds(term, old)));
    if (rows && narrower && last.filters === filters) return rows;
    return Array.from({ length: this._corpus.size }, (_, row) => row);
  }

  /** Where terms are in a row's text between two offsets: [start, end), at most `most`. */
  hits(row, terms, from, to, most) {
    if (!terms.length) return [];
    this.prepare();
    const text = this._texts[this._corpus.textNumber(row)];
    const found = [];
    for (const form of terms.flat()) {
      let at = text.indexOf(form, Math.max(0, from - form.length));
      while (at >= 0 && at < to && found.length < most) {
        found.push([at, at + form.length]);
        at = text.indexOf(form, at + form.length);
      }
    }
    return found.sort((a, b) => a[0] - b[0]);
  }

  _holds(row, terms) {
    if (!terms.length) return true;
    const text = this._texts[this._corpus.textNumber(row)];
    const id = this._ids[row];
    return terms.every((term) => term.some((form) => text.includes(form) || id.includes(form)));
  }
}

/**
 * Words that must all be there; quotation marks keep a phrase together. Each comes in the
 * forms in which texts may write it: accents apart from their letters, or one with them.
 */
function termsOf(query) {
  const parts = folded(query).match(/"[^"]+"?|[^\s"]+/g) ?? [];
  const words = new Set(parts.map((part) => part.replace(/"/g, "")).filter(Boolean));
  const formsOf = (word) => new Set([word, word.normalize("NFC"), word.normalize("NFD")]);
  return [...words].map((word) => [...formsOf(word)]);
}

function meets(corpus, row, wanted) {
  for (const column of ["model", "task", "problem_type"]) {
    if (wanted[column] !== undefined && corpus.named(column, row) !== wanted[column]) return false;
  }
  if (wanted.correct !== undefined && corpus.correct(row) !== wanted.correct) return false;
  if (wanted.folder !== undefined && corpus.folder(row) !== wanted.folder) return false;
  if (wanted.element === undefined && wanted.score === undefined) return true;
  const signs = corpus.scores(row);
  const signsWanted = wanted.score ?? PARTIAL + PRESENT;
  if (wanted.element !== undefined) return signsWanted.includes(signs[wanted.element]);
  return [...signsWanted].some((sign) => signs.includes(sign));
}

function ordered(corpus, rows, sort) {
  const [key, direction] = (sort ?? "").split(" ");
  if (key === "") return rows;
  const measure = key === "length" ? (row) => corpus.length(row) : (row) => corpus.shown(row);
  const values = new Map(rows.map((row) => [row, measure(row)]));
  const sign = direction === "down" ? -1 : 1;
  return [...rows].sort((a, b) => sign * (values.get(a) - values.get(b)) || a - b);
}
