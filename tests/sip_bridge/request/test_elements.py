"""The elements of a document, from expat and from the scanner alike."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.request import charset, elements, scanner
from sip_bridge.request.elements import Builder, Document


def read(text: str | bytes) -> Document:
    """The document in it."""
    return elements.read(text if isinstance(text, bytes) else text.encode())


def names(document: Document, *wanted: str) -> list[str]:
    """The texts of these elements."""
    return [element.said for element in document.named(*wanted)]


NO_XML = "\ufffe\uffff"
"""What XML has no place for (its section 2.2), beside control characters."""
PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs", "Co"], exclude_characters=NO_XML),
    max_size=8,
)
PIECES = st.one_of(
    PLAIN.map(escape),
    PLAIN.map(lambda text: f"<!-- {text.replace('-', '')} -->"),
    PLAIN.map(lambda text: f"<![CDATA[{text.replace(']', '')} < & >]]>"),
    st.sampled_from(["&lt;", "&#65;", "&#x1f600;", "&quot;", "<?target data?>", "<empty/>", "<empty />", " "]),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["id", "aor", "n:x"]), PLAIN, max_size=3)
TREE = st.recursive(
    PIECES,
    lambda inner: st.tuples(
        st.sampled_from(["a", "n:label", "send", "Name"]), ATTRIBUTES, st.lists(inner, max_size=4)
    ).map(
        lambda parts: (
            f"<{parts[0]}{''.join(f' {key}={quoteattr(value)}' for key, value in parts[1].items())}>"
            f"{''.join(parts[2])}</{parts[0]}>"
        )
    ),
    max_leaves=20,
)


@given(TREE)
def test_the_scanner_reads_what_expat_reads(tree: str) -> None:
    """Of what is well formed, both give the same elements, attributes and texts in the same places."""
    text = f'<?xml version="1.0"?><recording xmlns="r" xmlns:n="n">{tree}</recording>'
    assert elements.read(text.encode()).damage == ""
    found = []
    for exact in (True, False):
        builder = Builder(exact)
        if exact:
            elements.parse(text.encode(), builder)
        else:
            assert scanner.scan(text, builder)
        found.append(
            [
                (each.name, each.parent.name if each.parent else "", each.said, own_attributes(each))
                for each in builder.elements
            ]
        )
    assert found[0] == found[1]


def own_attributes(element: elements.Element) -> dict[str, str]:
    """Its attributes, without the namespaces that only the scanner sees."""
    return {key: element.attribute(key) for key in element.attributes if key not in ("xmlns", "n")}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("<r><label>a & b</label></r>", "a & b", id="ampersand"),
        pytest.param("<r><label>a &amp; b&nbsp;c &bogus;</label>", "a & bc &bogus;", id="entities"),
        pytest.param("<r><label>1 < 2</label></r>", "1 < 2", id="less than"),
        pytest.param('<r><label>"A" <sip:1@x></label></r>', '"A" <sip:1@x>', id="an address"),
        pytest.param("<r><label>a\x01b</label></r>", "ab", id="control character"),
        pytest.param("<r><label>a</LABEL></r>", "a", id="case of an end tag"),
        pytest.param("<r><label>a</r>", "a", id="no end tag"),
        pytest.param("<r><label>a</>b</r>", "a", id="an end tag without a name"),
        pytest.param("<r><label>a<![CDATA[<b>&c]]></label>&</r>", "a<b>&c", id="literal text"),
        pytest.param("<r><label><![CDATA[a</label></r>", "a", id="literal text without an end"),
        pytest.param("<r><!-- <label>b</label> --><label>a</label>&</r>", "a", id="comment"),
        pytest.param("<r><!-- <label>a</label></r>", "a", id="comment without an end"),
        pytest.param("<r/><label>a</label>", "a", id="two roots"),
        pytest.param("<p:label>a</p:label>", "a", id="unbound prefix"),
    ],
)
def test_what_is_damaged_is_repaired(text: str, label: str) -> None:
    """The text that was meant is read, and that it was repaired is said."""
    document = read(text)
    assert (names(document, "label"), document.damage) == ([label], "repaired")


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        pytest.param("<x id=a>", "a", id="no quotes"),
        pytest.param("<x id=ab/cd==/>", "ab/cd==", id="a slash"),
        pytest.param("<x id='a>", "a", id="no second quote"),
        pytest.param('<x id="a y="b">', "a", id="no second quote before another"),
        pytest.param('<x id=a" y="b">', "a", id="no first quote"),
        pytest.param('<x id="a"id="b">', "a", id="twice"),
        pytest.param('<x id = "a" y>', "a", id="no value"),
        pytest.param('<x id="<sip:a@x>" y="b">', "<sip:a@x>", id="angle brackets"),
        pytest.param('<x y="&" id="&lt;a&gt;">', "<a>", id="references"),
        pytest.param('<x = " id="a">', "a", id="rubbish"),
        pytest.param('<x id="a" <y>', "a", id="not closed"),
        pytest.param("<x>", "", id="nothing"),
    ],
)
def test_attributes_are_found(tag: str, found: str) -> None:
    """Whatever is the matter with quotes, a value is the one that was meant."""
    document = read(f"<r>&{tag}<after/></r>")
    assert [element.attribute("id") for element in document.named("x")] == [found]
    assert len([*document.named("after")]) == 1


def test_an_end_tag_that_is_missing_ends_nobody_else() -> None:
    """Two participants do not become one within the other."""
    document = read('<r>&<participant id="1"><aor>a<participant id="2"><aor>b<stream id="3"><label>c</r>')
    first, second = document.named("participant")
    assert [each.said for each in first.inner] == ["a"]
    assert [each.said for each in second.inner if each.name == "aor"] == ["b"]


@pytest.mark.parametrize("begin", ["", "&"], ids=["well formed", "damaged"])
def test_elements_are_counted(begin: str) -> None:
    """Those after the five hundredth are not read, and that is said."""
    for count, damage in (
        (elements.MAX_ELEMENTS - 1, "repaired" if begin else ""),
        (elements.MAX_ELEMENTS, "too_large"),
    ):
        document = read(f"<r>{begin}<first/>{'<x/>' * (count - 1)}</r>")
        assert document.damage == damage
        assert len([*document.named("first")]) == 1


@pytest.mark.parametrize("begin", ["", "&"], ids=["well formed", "damaged"])
def test_what_is_kept_of_an_element_is_bounded(begin: str) -> None:
    """Attributes by their number, texts by their length, elements of one name by theirs."""
    many = " ".join(f'a{number}="{"y" * 2_000}"' for number in range(20))
    document = read(f"<r>{begin}<x {many}>{'z' * 9_000}</x>{'<y/>' * 200}</r>")
    (element,) = document.named("x")
    assert len(element.attributes) == elements.MAX_ATTRIBUTES
    assert {len(element.attribute(name)) for name in element.attributes} == {elements.MAX_TEXT}
    assert len(element.said) == elements.MAX_TEXT
    assert len([*document.named("y")]) == elements.MAX_OF_A_NAME


def test_tags_of_what_is_damaged_are_counted() -> None:
    """End tags and comments cost as much as elements: those after so many are not looked at."""
    for filling in ("</x>", "<!---->", "<?x?>", "<![CDATA[]]>"):
        short, long = (f"<r>&{filling * number}<label>a</label></r>" for number in (1_000, scanner.MAX_TAGS))
        assert (names(read(short), "label"), read(short).damage) == (["a"], "repaired")
        assert (names(read(long), "label"), read(long).damage) == ([], "too_large")


def test_references_of_what_is_damaged_are_counted() -> None:
    """Those after so many stand as they are."""
    filling = f"<x>{'&lt;' * 100}</x>" * 6
    assert names(read(f"<r>&{filling}<label>&lt;</label></r>"), "label") == ["&lt;"]
    assert names(read(f"<r>&{filling[:200]}<label>&lt;</label></r>"), "label") == ["<"]


def test_tries_for_attributes_are_counted() -> None:
    """A tag full of rubbish gives what stands before it."""
    document = read(f"<r>&<x id='a' {'= ' * 9_000} y='b'><label>c</label></r>")
    (element,) = document.named("x")
    assert element.attributes == {"id": "a"}
    assert names(document, "label") == ["c"]


@pytest.mark.parametrize(
    ("content", "text", "exact"),
    [
        pytest.param(b"<a>\xc3\xa9</a>", "<a>é</a>", True, id="utf-8"),
        pytest.param(b"\xef\xbb\xbf<a>\xc3\xa9</a>", "<a>é</a>", True, id="with a mark"),
        pytest.param("<a>é</a>".encode("utf-16"), "<a>é</a>", True, id="utf-16"),
        pytest.param("<a>é</a>".encode("utf-32"), "<a>é</a>", True, id="utf-32"),
        pytest.param("<a>é</a>".encode("utf-16-be"), "<a>é</a>", True, id="utf-16 without a mark"),
        pytest.param(b"\xff\xfe<\0a\0>\0\0", "<a>\ufffd", False, id="utf-16 cut short"),
        pytest.param(b"<a>\xe9</a>", "<a>é</a>", False, id="latin-1"),
        pytest.param(b"<a>\xe9" * 100, "<a>é" * 100, False, id="latin-1 all over"),
        pytest.param(b"<a>\xc3\xa9\xc3</a>", "<a>éÃ</a>", False, id="a character cut short"),
        pytest.param(b"<?xml encoding='koi8-r'?><a>\xd1</a>", "<?xml encoding='koi8-r'?><a>я</a>", True, id="cyrillic"),
        pytest.param(b"<?xml encoding='gbk'?><a>\xb0\xa1</a>", "<?xml encoding='gbk'?><a>啊</a>", True, id="chinese"),
        pytest.param(b"<?xml encoding='gbk'?><a>\xff</a>", "<?xml encoding='gbk'?><a>ÿ</a>", False, id="not chinese"),
        pytest.param(b"<?xml encoding='latin1'?>\xc3\xa9", "<?xml encoding='latin1'?>é", False, id="utf-8 after all"),
        pytest.param(b"<?xml encoding='utf-16'?>a", "<?xml encoding='utf-16'?>a", False, id="not utf-16"),
        pytest.param(b"<?xml encoding='punycode'?>a", "<?xml encoding='punycode'?>a", False, id="a strange one"),
    ],
)
def test_characters_are_what_the_bytes_say(content: bytes, text: str, exact: bool) -> None:
    """The declaration counts where the bytes agree with it."""
    assert charset.decoded(content) == (text, exact)


@given(st.binary(max_size=200))
def test_any_bytes_are_characters(content: bytes) -> None:
    """Nothing raises."""
    charset.decoded(content)
    charset.decoded(b"<?xml encoding='gb18030'?>" + content)
