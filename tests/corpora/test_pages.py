"""The page of a trace shows it whole, and nothing in a trace can change the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.corpora.pages import write_page
from cogtrace.records import Annotation, ElementAnnotation, Span, Trace
from cogtrace.taxonomy import Taxonomy, build_taxonomy

_TEXT = "The sky is grey. Let me reread the first line. Back to square one, I would guess. Done."


class _Page(HTMLParser):
    """What a browser makes of a page: its tags with their attributes, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data.split()


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


def _page(
    folder: Path, taxonomy: Taxonomy, trace: Trace, wanted: set[str] | None = None
) -> tuple[str, _Page]:
    (annotation,) = CueAnnotator(taxonomy).annotate([trace])
    write_page(folder / "page.html", trace, annotation, taxonomy, wanted)
    content = (folder / "page.html").read_text(encoding="utf-8")
    return content, _Page(content)


def test_a_page_shows_question_text_and_elements(tmp_path: Path, taxonomy: Taxonomy) -> None:
    trace = Trace(trace_id="t-1", text=_TEXT, question="What is the weather like?")

    _, page = _page(tmp_path, taxonomy, trace)

    labels = {"RE-READING", "TURNING-BACK", "GUESSING"}
    assert labels <= set(page.words)
    words = [word for word in page.words if word not in labels]
    assert words == ["t-1", "t-1", *(trace.question or "").split(), *_TEXT.split()]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (None, {"RE-READING", "TURNING-BACK", "GUESSING"}),
        ({"re-reading"}, {"RE-READING"}),
        ({"guessing", "turning-back"}, {"GUESSING", "TURNING-BACK"}),
        (set(), set()),
    ],
    ids=["all", "one", "two", "none"],
)
def test_a_page_can_be_cut_down_to_some_elements(
    tmp_path: Path, taxonomy: Taxonomy, wanted: set[str] | None, shown: set[str]
) -> None:
    content, page = _page(tmp_path, taxonomy, Trace(trace_id="t", text=_TEXT), wanted)

    labels = {"RE-READING", "TURNING-BACK", "GUESSING"}
    assert labels & set(page.words) == shown
    assert [word for word in page.words if word not in labels][2:] == _TEXT.split()
    assert content.count("<html") == 1


def test_elements_of_one_dimension_share_a_colour_and_others_do_not(
    tmp_path: Path, taxonomy: Taxonomy
) -> None:
    found = {}
    for name in taxonomy.element_ids:
        content, _ = _page(tmp_path, taxonomy, Trace(trace_id="t", text=_TEXT), {name})
        (found[name],) = set(re.findall(r"background: (#\w{6})", content))

    assert found["turning-back"] == found["guessing"] != found["re-reading"]


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param('"><img src=x onerror=alert(1)>', id="attribute"),
        pytest.param("</div></body></html><h2>mine</h2>", id="closing-tags"),
        pytest.param("&lt;script&gt; &amp; &#60;b&#62;", id="entities"),
        pytest.param("<!-- hidden --> <![CDATA[x]]>", id="comment"),
        pytest.param("' onload='x {content} {0} %s", id="quotes-and-braces"),
    ],
)
@pytest.mark.parametrize("field", ["text", "question", "trace_id"])
def test_what_looks_like_markup_is_shown_as_it_stands(
    tmp_path: Path, taxonomy: Taxonomy, hostile: str, field: str
) -> None:
    # In a span too: text inside and outside of spans takes different ways.
    value = f"{hostile} is there. Let me reread {hostile} now."
    fields: dict[str, Any] = {"trace_id": "t", "text": "Nothing.", field: value}

    _, page = _page(tmp_path, taxonomy, Trace(**fields))

    tags = [tag for tag, _ in page.tags]
    assert set(tags) <= {"html", "head", "meta", "title", "body", "h1", "p", "em", "div", "span"}
    assert [tags.count(tag) for tag in ("html", "head", "title", "body", "h1")] == [1] * 5
    for _, attributes in page.tags:
        assert set(attributes) <= {"lang", "charset", "http-equiv", "content", "class", "style"}
    shown = " ".join(word for word in page.words if word != "RE-READING")
    assert " ".join(value.split()) in shown


@pytest.mark.parametrize("field", ["text", "question", "trace_id"])
@pytest.mark.parametrize(
    "code", ["\x1b", "\x07", "\0", "\b", "\x9b"], ids=["esc", "bel", "nul", "backspace", "csi"]
)
def test_control_characters_do_not_get_into_a_page(
    tmp_path: Path, taxonomy: Taxonomy, field: str, code: str
) -> None:
    value = f"red{code}[31m. Let me reread it{code}[0m now."
    fields: dict[str, Any] = {"trace_id": "t", "text": "Nothing.", field: value}

    content, _ = _page(tmp_path, taxonomy, Trace(**fields))

    assert code not in content


def test_a_page_stands_alone_and_allows_no_script(tmp_path: Path, taxonomy: Taxonomy) -> None:
    content, page = _page(tmp_path, taxonomy, Trace(trace_id="t", text=_TEXT))

    (policy,) = (
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in (policy or "")
    assert "unsafe-eval" not in (policy or "")
    assert not re.search(r"https?://|src=|href=|@import|url\(", content)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["Let me reread.", "back to square one", "<b>", "&amp;", "\n\n", "数学。"]
            ),
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co"]), min_size=1),
        ),
        min_size=1,
    )
    .map(" ".join)
    .filter(str.strip)
)
def test_a_page_holds_every_word_of_any_text_in_order(
    tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy, text: str
) -> None:
    folder = tmp_path_factory.mktemp("page")

    _, page = _page(folder, taxonomy, Trace(trace_id="t", text=text))

    labels = {"RE-READING", "TURNING-BACK", "GUESSING"}
    shown = "".join(word for word in page.words if word not in labels)
    assert shown == "tt" + "".join(word for word in text.split() if word not in labels)


def test_a_span_inside_a_word_is_shown_too(tmp_path: Path, taxonomy: Taxonomy) -> None:
    trace = Trace(trace_id="t", text="We double-checked it.")
    (found,) = CueAnnotator(taxonomy).annotate([trace])
    start = trace.text.index("checked")
    span = Span(
        start=start,
        end=start + len("checked"),
        quote="checked",
        first_sentence=1,
        last_sentence=1,
        anchor="exact",
        source="hand",
    )
    annotation = Annotation(
        trace_id="t",
        text_sha256=found.text_sha256,
        sentences=1,
        taxonomy=found.taxonomy,
        annotator=found.annotator,
        elements=(ElementAnnotation(element="re-reading", score=1, spans=(span,)),),
    )

    write_page(tmp_path / "page.html", trace, annotation, taxonomy)

    page = _Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "RE-READING" in page.words
    assert "checked" in "".join(page.words)
